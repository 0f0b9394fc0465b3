"""Choose sources: by the values in their headers, and by their paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any, Final, Self
from unicodedata import normalize

from attrs import frozen

from fileset.dicom.header import HeaderError, Reading, Wanted
from fileset.dicomdir.read.directory import Conditions
from fileset.dicomdir.read.query import Matches, condition
from fileset.errors import Advice, RuleError
from fileset.plan.header_values import HeaderValues, wanted_tags
from fileset.standard import tags

_OF_FILES: Final = {
    tags.REFERENCED_SOP_CLASS_UID: tags.SOP_CLASS_UID,
    tags.REFERENCED_SOP_INSTANCE_UID: tags.SOP_INSTANCE_UID,
    tags.REFERENCED_TRANSFER_SYNTAX_UID: tags.TRANSFER_SYNTAX_UID,
}
"""Attributes that files have under another tag than records."""
_OF_RECORDS: Final = 0x0004
"""The group of the attributes of a DICOMDIR (PS3.3 F.3)."""
_BY_PATH: Final = Advice(
    "Add the paths that you want, or use `exclude`", "Name the paths that you want, or use --exclude"
)


def _of_file(keyword: str, tag: int, matches: Matches) -> tuple[int, Matches]:
    """Return the condition on a file for one on a record. Raises `RuleError` if no file can have the attribute."""
    if tag >> 16 == _OF_RECORDS and tag not in _OF_FILES:
        raise RuleError(f"{keyword} is an attribute of a DICOMDIR, and the files to add have none", advice=_BY_PATH)
    return _OF_FILES.get(tag, tag), matches


def as_text(keys: Mapping[str, object]) -> str:
    """Return conditions as a user types them, for messages."""
    return ", ".join(f"{keyword}={wanted}" for keyword, wanted in keys.items())


def _folded(path: str) -> str:
    """Convert a path to the form in which paths are compared: macOS writes accents as characters of their own."""
    return normalize("NFC", path).upper()


@frozen
class Choice:
    """The sources that a user wants: those whose values match all `conditions`, and whose paths match no pattern.

    `asked` is the conditions as the user gave them. `patterns` has each pattern as the user gave it, and in the form that
    is compared.
    """

    asked: str
    conditions: Conditions
    patterns: tuple[tuple[str, str], ...]
    wanted: Wanted

    @classmethod
    def of(cls, only: Mapping[str, object] | None, exclude: Iterable[str]) -> Self | None:
        """Return the choice, None if everything is wanted. Raises `RuleError` for a key that no file has.

        In Python, one pattern may be given as text; its characters would be patterns otherwise.
        """
        of_files = tuple(_of_file(keyword, *condition(keyword, wanted)) for keyword, wanted in (only or {}).items())
        patterns = tuple(
            (pattern, _folded(pattern.replace("\\", "/").removeprefix("./").strip("/")))
            for pattern in ((exclude,) if isinstance(exclude, str) else exclude)
        )
        wanted = wanted_tags(tag for tag, _ in of_files)
        return cls(as_text(only or {}), of_files, patterns, wanted) if of_files or patterns else None

    def excluding(self, path: str) -> list[str]:
        """List the patterns that match a path, or the name or the path of a folder in it.

        Case does not count, nor how accents are encoded.
        """
        parts = _folded(path).split("/")
        names = {*parts, *accumulate(parts, "{}/{}".format)}
        return [given for given, pattern in self.patterns if any(fnmatchcase(name, pattern) for name in names)]

    def takes(self, read: Reading) -> bool | None:
        """Check whether the values of a file match; None if there are none to compare: it is not DICOM, or all is wanted."""
        if not self.conditions:
            return None
        try:
            values = HeaderValues.read(read, self.wanted)
        except HeaderError:
            return None
        return self.accepts(values.value)

    def accepts(self, value: Callable[[int], Any]) -> bool:
        """Test whether the values that `value` gives for tags match all conditions."""
        return all(matches(value(tag)) for tag, matches in self.conditions)
