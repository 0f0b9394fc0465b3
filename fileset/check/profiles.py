"""Rules of one application profile for a whole medium (PS3.11): its files, its records, and the medium itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import Factory, define, field

from fileset.dicom.elements import Element, elements, items
from fileset.dicomdir.check.collector import Collector
from fileset.errors import FormatError
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium
from fileset.profiles.advisor import Judging
from fileset.profiles.facts import Facts
from fileset.profiles.judge import medium_caveat, medium_fault
from fileset.records.data_sets import values_of
from fileset.standard.dictionary import named
from fileset.standard.profile_keys import PROFILE_KEYS
from fileset.standard.profiles import Profile
from fileset.standard.tags import ICON_IMAGE_SEQUENCE

_ROWS, _COLUMNS = 0x00280010, 0x00280011
_SEALED: Final = "does not allow Secure DICOM Files (PS3.11 X.3.5); this DICOMDIR is encrypted"
_PLAIN: Final = "demands that every file is a Secure DICOM File (PS3.15 D.1); this DICOMDIR is not"


@define
class ProfileCheck:
    """Checks the rules of `profile`, and collects the findings."""

    profile: Profile
    collector: Collector
    _judging: Judging = field(default=Factory(lambda self: Judging((self.profile,)), takes_self=True), init=False)

    def check_medium(self, medium: ReadableMedium, *, is_secure: bool) -> None:
        """Check the kind of medium, and whether it is secured as the profile demands."""
        kind = medium.form, medium.inquire_file_set().file_systems
        fault, caveat = medium_fault(self.profile, *kind), medium_caveat(self.profile, *kind)
        if fault:
            self.collector.findings.append(Finding("PR-MEDIUM", fault, Where(medium.name)))
        elif caveat:
            self.collector.findings.append(Finding("PR-MEDIUM-UNKNOWN", caveat, Where(medium.name)))
        if self.profile.secure is not is_secure:
            self.collector.add("PR-SECURE", f"{self.profile.id} {_SEALED if is_secure else _PLAIN}")

    def check_records(self) -> None:
        """Check the keys and icons of all records."""
        if not self.collector.flat.frame.has_directory:
            self.collector.add("PR-DIRECTORY", f"{self.profile.id} demands directory records")
        for index in self.collector.tree.walk():
            self._check_record(index)

    def check_file(self, name: str, index: int, facts: Facts) -> None:
        """Check one DICOM file; `index` is the record that references it."""
        for violation in self._judging.verdicts(facts)[0]:
            self.collector.add_at_file(violation.rule, violation.message, name, index, tag=violation.tag)

    def _check_record(self, index: int) -> None:
        record_type = self.collector.contents.type_name(index)
        keys = PROFILE_KEYS[self.profile.keys].get(record_type, ())
        icon = self.profile.icon if record_type == "IMAGE" else None
        if not keys and not (icon and icon.size):
            return
        parts = self.collector.flat.elements(index)
        values = values_of(self.collector.flat.data, parts)
        for key in keys:
            lacking = not values.get(key.tag, b"") if key.type == "1" else key.tag not in values
            if key.type in ("1", "2") and lacking:
                message = f"{named(key.tag)} is missing: {self.profile.id} makes it a Type {key.type} key"
                self.collector.add_at_record("PR-KEY", message, index, key.tag)
        if icon and icon.size:
            self._check_icon(index, parts)

    def _check_icon(self, index: int, parts: list[Element]) -> None:
        icon = self.profile.icon
        found = next((part for part in parts if part.tag == ICON_IMAGE_SEQUENCE), None)
        if found is None and icon.required:
            message = f"the icon is missing: {self.profile.id} demands one of {icon.size} x {icon.size} pixels"
            self.collector.add_at_record("PR-ICON", message, index, ICON_IMAGE_SEQUENCE)
        for rows, columns in self._sizes(found) if found else ():
            if (rows, columns) != (icon.size, icon.size):
                message = f"an icon of {columns} x {rows} pixels: {self.profile.id} allows {icon.size} x {icon.size}"
                self.collector.add_at_record("PR-ICON", message, index, ICON_IMAGE_SEQUENCE)

    def _sizes(self, icon: Element) -> Iterator[tuple[int, int]]:
        """Read rows and columns of each icon; a sequence that is damaged is a finding of its own."""
        flat = self.collector.flat
        order = "little" if flat.syntax.little else "big"
        try:
            for item in items(flat.data, icon.value_at, icon.value_end, flat.syntax):
                inside = list(elements(flat.data, item.value_at, item.value_end, flat.syntax))
                raw = values_of(flat.data, inside)
                rows, columns = (int.from_bytes(raw.get(tag, b"")[:2], order) for tag in (_ROWS, _COLUMNS))  # type: ignore[arg-type]
                yield rows, columns
        except FormatError:
            return
