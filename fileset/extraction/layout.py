"""Templates: they make the path of a copy from the keys of its instance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from attrs import frozen

from fileset.dicomdir.read.query import ALIASES
from fileset.errors import RuleError
from fileset.plan.instances import InstanceRecord, KeyHolder
from fileset.records.levels import FIELDS
from fileset.standard.dictionary import tag_of

DEFAULT: Final = "{PatientID}/{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm"
STRUCTURE: Final = "{ReferencedFileID}"
"""The folders and names of the medium."""
WIDEST: Final = 32
"""Digits to which a number may be padded."""

_PIECE: Final = re.compile(r"(?P<literal>[A-Za-z0-9._-]+)|\{(?P<keyword>\w+)(?::0(?P<width>\d{1,2})d?)?\}")
_SUFFIX: Final = re.compile(r"(?:\.[A-Za-z0-9]+)*").fullmatch
_LEVEL_OF: Final = {field.keyword: level.lower() for level, fields in FIELDS.items() for field in fields}
_LEVELS: Final = ("", "series", "study", "patient")
_ABSENT: Final = object()


class TemplatePart(NamedTuple):
    """A part of a component: literal text, or the value of a keyword padded to `width` digits."""

    literal: str
    keyword: str = ""
    width: int = 0


Component = tuple[TemplatePart, ...]


@frozen
class PathTemplate:
    """A parsed template: the folders, the name of the file, and its fixed end, such as ".dcm"."""

    folders: tuple[Component, ...]
    name: Component
    suffix: str

    @classmethod
    def of(cls, template: str) -> PathTemplate:
        """Parse a template such as "{PatientID}/{Modality}/{InstanceNumber:05}.dcm".

        "/" separates folders; a field is a keyword (PS3.6), padded with zeros if it has a width. Raises `RuleError` for
        anything else, so that no template can lead out of a folder, and for a template without a field, because all copies
        would have one name.
        """
        *folders, last = (_component(text, template) for text in template.split("/"))
        if not any(piece.keyword for component in (*folders, last) for piece in component):
            raise _wrong(template, "it has no field, so all copies would have one name")
        name, suffix = _without_suffix(last, template)
        return cls(tuple(folders), name, suffix)

    @property
    def keeps_names(self) -> bool:
        """Whether the names of the medium are kept, with their endings."""
        return _is_file_id(self.name) and not self.suffix

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords of the fields, each once."""
        components = (*self.folders, self.name)
        return tuple(dict.fromkeys(piece.keyword for component in components for piece in component if piece.keyword))

    def folder_names(self, record: InstanceRecord) -> Iterator[str]:
        """Format the texts of the folders; omit levels that the instance does not have.

        Each component of a File ID becomes a folder (PS3.10 8.2).
        """
        for folder in self.folders:
            if (text := _text(folder, record)) is not None:
                yield from text.split("\\") if _is_file_id(folder) else (text,)
        if _is_file_id(self.name):
            yield from (_text(self.name, record) or "").split("\\")[:-1]

    def file_name(self, record: InstanceRecord) -> str:
        """Return the name without `suffix`; the SOP Instance UID or the File ID if the template has no value for it."""
        text = _text(self.name, record) or ""
        if _is_file_id(self.name):
            text = text.rpartition("\\")[2]
        return text or record.sop_instance_uid or (record.file_id.path if record.file_id else "")

    def lacking(self, record: InstanceRecord) -> Iterator[str]:
        """Find the keywords for which the instance has no value."""
        return (word for word in self.keywords if _value(TemplatePart("", word), record) in (None, ""))


def _is_file_id(component: Component) -> bool:
    return len(component) == 1 and component[0].keyword in ("ReferencedFileID", "FileID")


def _component(text: str, template: str) -> Component:
    pieces, at = [], 0
    while found := _PIECE.match(text, at):
        at = found.end()
        pieces.append(TemplatePart(found["literal"] or "", found["keyword"] or "", int(found["width"] or 0)))
    if at < len(text) or not pieces or text in (".", ".."):
        raise _wrong(template, f"{text!r} is not a name of a folder or file")
    for piece in pieces:
        if piece.keyword and piece.keyword not in ALIASES and tag_of(piece.keyword) is None:
            raise _wrong(template, f"{piece.keyword!r} is not the keyword of an attribute (PS3.6)")
        if piece.width > WIDEST:
            raise _wrong(template, f"{piece.width} digits are more than {WIDEST}")
    return tuple(pieces)


def _without_suffix(last: Component, template: str) -> tuple[Component, str]:
    """Split the suffix from the last component: the end of its literal text from the first full stop on."""
    end = last[-1]
    stem, dot, rest = end.literal.partition(".")
    if not _SUFFIX(dot + rest):
        raise _wrong(template, f"{dot + rest!r} is not how a file name can end")
    kept = TemplatePart(stem) if dot else end
    return (*last[:-1], kept) if kept.literal or kept.keyword else last[:-1], dot + rest


def _wrong(template: str, why: str) -> RuleError:
    return RuleError(
        f"template {template!r}: {why}",
        advice=f"Use keywords in braces, A-Z, a-z, 0-9, '.', '_' and '-', with '/' between folders, such as {DEFAULT}",
    )


def _text(component: Component, record: InstanceRecord) -> str | None:
    """Build the text of a component; None if it has fields and the instance has none of their keys."""
    values = [_value(piece, record) if piece.keyword else piece.literal for piece in component]
    fields = [value for piece, value in zip(component, values, strict=True) if piece.keyword]
    if fields and all(value is None for value in fields):
        return None
    text = "".join(value or "" for value in values)
    return text if None not in values else text.strip("-_. ") or None


def _value(piece: TemplatePart, record: InstanceRecord) -> str | None:
    if piece.keyword == "SOPInstanceUID":
        return record.sop_instance_uid or None
    if piece.keyword in ("ReferencedFileID", "FileID"):
        return record.file_id.value if record.file_id else None
    value = _looked_up(piece.keyword, record)
    if value is _ABSENT:
        return None
    values = value if isinstance(value, list) else [value]
    text = "\\".join("" if one is None else str(one) for one in values)
    return text.zfill(piece.width) if text.isdigit() else text


def _looked_up(keyword: str, record: InstanceRecord) -> Any:
    """Look up the value at its own level, else at the nearest level that has it."""
    home = _LEVEL_OF.get(keyword, "")
    for level in (home, *(level for level in _LEVELS if level != home)):
        holder: KeyHolder | None = getattr(record, level) if level else record
        value = _ABSENT if holder is None else holder.get(keyword, _ABSENT)
        if value is not _ABSENT:
            return value
    return _ABSENT
