"""A cache of records: fill the record of one file with the values of the next file of the same series.

The files of one series usually differ only in SOP Instance UID and Instance Number. If a file has the same layout and the
same other values as a file before, its record is the same except for these two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from fileset.dicom.elements import element
from fileset.dicom.values import FALLBACK_TAGS
from fileset.records.levels import UID_FORM, Chain
from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES

if TYPE_CHECKING:
    from fileset.records.describe import Instance

OWN: Final = (tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.SOP_INSTANCE_UID, tags.INSTANCE_NUMBER)
"""Media Storage SOP Instance UID, SOP Instance UID, Instance Number: the values that differ in each file."""

APART: Final = frozenset(FALLBACK_TAGS) - {tags.STUDY_DATE, tags.STUDY_TIME}
"""Dates and times that differ too, but are used only if the study has none: then there is no template."""

_DATED: Final = frozenset(
    name for name, kind in RECORD_TYPES.items() if not APART.isdisjoint(key.tag for key in kind.keys)
)
"""Record types with such a date or time: they have no template either."""

Own = tuple[bytes, ...]
"""The values of `OWN`, each preceded by the two bytes of its length."""

_UID: Final = element(tags.REFERENCED_SOP_INSTANCE_UID, "UI", b"")[:6]
_NUMBER: Final = element(tags.INSTANCE_NUMBER, "IS", b"")[:6]
_OWN_UID: Final = re.compile(rb"(?s:..)(?=.{1,64}\Z)(%b)\0?" % UID_FORM).fullmatch
_OWN_NUMBER: Final = re.compile(rb"(?s:..)(0|[1-9]\d{0,8}) ?").fullmatch
"""Values that are encoded in a record as in a file; others need the full description."""


class Template(NamedTuple):
    """A record with gaps for the SOP Instance UID and the Instance Number, each with its length."""

    instance: Instance
    head: bytes
    middle: bytes
    end: bytes

    @classmethod
    def of(cls, instance: Instance, own: Own) -> Self | None:
        """Return the template of an instance whose file has these values; None if other values may differ."""
        chain: Chain | None = instance.chain
        if instance.notes or instance.invented_number or instance.record_type in _DATED:
            return None
        if chain and (chain.fallback_date or chain.fallback_time):
            return None
        _, uid, number = own
        head, is_uid, rest = instance.tail.partition(_UID + uid)
        middle, is_number, end = rest.partition(_NUMBER + number)
        if not (is_uid and is_number) or _NUMBER in middle + end:
            return None
        return cls(instance, head + _UID, middle + _NUMBER, end)

    def filled(self, own: Own) -> Instance | None:
        """Return the instance of a file with these values; None if they need the full description."""
        stored, uid, number = own
        is_uid, is_number = _OWN_UID(uid), _OWN_NUMBER(number)
        if stored != uid or not is_uid or not is_number or (len(uid) | len(number)) & 1:
            return None
        tail = self.head + uid + self.middle + number + self.end
        return self.instance._replace(number=int(is_number[1]), sop_instance_uid=is_uid[1], tail=tail)
