"""How copies are called: a template of keywords, whose values are made safe for any file system.

Values come from a disc that nobody vouches for, so that each component of a path is cleaned to A-Z, a-z, 0-9, ".",
"_" and "-"; a hash of what was cleaned away keeps different values apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from attrs import frozen

from fileset.dicomdir.read.query import ALIASES
from fileset.dicomdir.read.values import tag_of
from fileset.errors import RuleError
from fileset.extract.instances import Instance, Keys
from fileset.records.levels import FIELDS

DEFAULT: Final = "{PatientID}/{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm"
LONGEST: Final = 64
"""Characters of a value in one component of a path; a UID fits."""
WIDEST: Final = 32
"""Digits to which a number may be padded."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]|\A[.-]|\.\Z")
_DEVICE: Final = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.IGNORECASE).fullmatch
_PIECE: Final = re.compile(r"(?P<literal>[A-Za-z0-9._-]+)|\{(?P<keyword>\w+)(?::0(?P<width>\d{1,2}))?\}")
_SUFFIX: Final = re.compile(r"(?:\.[A-Za-z0-9]+)*").fullmatch
_LEVEL_OF: Final = {field.keyword: level.lower() for level, fields in FIELDS.items() for field in fields}
_LEVELS: Final = ("", "series", "study", "patient")
_ABSENT: Final = object()


class Piece(NamedTuple):
    """A part of a component: text as it stands, or the value of a keyword padded to `width` digits."""

    literal: str
    keyword: str = ""
    width: int = 0


Component = tuple[Piece, ...]


@frozen
class Layout:
    """A template, understood: the folders, the name of the file, and what always ends it, such as ".dcm"."""

    folders: tuple[Component, ...]
    name: Component
    suffix: str

    @classmethod
    def of(cls, template: str) -> Layout:
        """Understand a template such as "{PatientID}/{Modality}/{InstanceNumber:05}.dcm".

        "/" stands between folders; a field is a keyword (PS3.6), padded with zeros if it says so. Raises `RuleError` for
        anything else, so that no template can lead out of a folder.
        """
        *folders, last = (_component(text, template) for text in template.split("/"))
        name, suffix = _without_suffix(last, template)
        return cls(tuple(folders), name, suffix)

    def folder_names(self, record: Instance) -> Iterator[str]:
        """The texts of the folders; those of levels that the instance does not have are left out."""
        return (text for folder in self.folders if (text := _text(folder, record)) is not None)

    def file_name(self, record: Instance) -> str:
        """The text of the name, without `suffix`; what names the instance at all where the template does not."""
        return _text(self.name, record) or record.sop_instance_uid or (record.file_id.path if record.file_id else "")


def _component(text: str, template: str) -> Component:
    pieces, at = [], 0
    while found := _PIECE.match(text, at):
        at = found.end()
        pieces.append(Piece(found["literal"] or "", found["keyword"] or "", int(found["width"] or 0)))
    if at < len(text) or not pieces or text in (".", ".."):
        raise _wrong(template, f"{text!r} is no name of a folder or file")
    for piece in pieces:
        if piece.keyword and piece.keyword not in ALIASES and tag_of(piece.keyword) is None:
            raise _wrong(template, f"{piece.keyword!r} is not the keyword of an attribute (PS3.6)")
        if piece.width > WIDEST:
            raise _wrong(template, f"{piece.width} digits are more than {WIDEST}")
    return tuple(pieces)


def _without_suffix(last: Component, template: str) -> tuple[Component, str]:
    """The last component without what follows the first full stop in the text that ends it."""
    end = last[-1]
    stem, dot, rest = end.literal.partition(".")
    if not _SUFFIX(dot + rest):
        raise _wrong(template, f"{dot + rest!r} is not how a file name can end")
    kept = Piece(stem) if dot else end
    return (*last[:-1], kept) if kept.literal or kept.keyword else last[:-1], dot + rest


def _wrong(template: str, why: str) -> RuleError:
    return RuleError(
        f"template {template!r}: {why}. Use keywords in braces, A-Z, a-z, 0-9, '.', '_' and '-', with '/' between "
        f"folders, such as {DEFAULT}"
    )


def _text(component: Component, record: Instance) -> str | None:
    """The text of a component; None if it has fields, and nothing has any of these keys."""
    values = [_value(piece, record) if piece.keyword else piece.literal for piece in component]
    fields = [value for piece, value in zip(component, values, strict=True) if piece.keyword]
    if fields and all(value is None for value in fields):
        return None
    return "".join(value or "" for value in values)


def _value(piece: Piece, record: Instance) -> str | None:
    if piece.keyword == "SOPInstanceUID":
        return record.sop_instance_uid or None
    value = _looked_up(piece.keyword, record)
    if value is _ABSENT:
        return None
    values = value if isinstance(value, list) else [value]
    text = "\\".join("" if one is None else str(one) for one in values)
    return text.zfill(piece.width) if text.isdigit() else text


def _looked_up(keyword: str, record: Instance) -> Any:
    """The value where it belongs, or else at the nearest level that has it."""
    home = _LEVEL_OF.get(keyword, "")
    for level in (home, *(level for level in _LEVELS if level != home)):
        holder: Keys | None = getattr(record, level) if level else record
        value = _ABSENT if holder is None else holder.get(keyword, _ABSENT)
        if value is not _ABSENT:
            return value
    return _ABSENT


def safe_name(value: str) -> str:
    """`value` as one component of a path on any system; a hash of it stands behind what had to be changed."""
    name = _UNSAFE.sub("_", value) or "_"
    changed = name != value or len(name) > LONGEST or _DEVICE(name)
    return hashed_name(value) if changed and value else name


def hashed_name(value: str) -> str:
    """`safe_name`, told apart from those of all other values."""
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{_UNSAFE.sub('_', value)[: LONGEST - 9]}-{digest}"
