"""The records of files that say the same: made once for a series, then filled in with what is each file's own.

Of the values that a record needs, the files of one series differ in the SOP Instance UID and the Instance Number alone,
nearly always. Where the values of one file have been turned into a record, and the next one of the same layout has
equal values but for these, its record is the same but for these.
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
"""Media Storage SOP Instance UID, SOP Instance UID, Instance Number: what each file has for itself."""

APART: Final = frozenset(FALLBACK_TAGS) - {tags.STUDY_DATE, tags.STUDY_TIME}
"""Dates and times that differ too, but count only where the study has none: no template is made then."""

_DATED: Final = frozenset(
    name for name, kind in RECORD_TYPES.items() if not APART.isdisjoint(key.tag for key in kind.keys)
)
"""Types of records that hold such a date or time of their own: no template is made of them either."""

Own = tuple[bytes, ...]
"""The values of `OWN`, each behind the two bytes of its length."""

_UID: Final = element(tags.REFERENCED_SOP_INSTANCE_UID, "UI", b"")[:6]
_NUMBER: Final = element(tags.INSTANCE_NUMBER, "IS", b"")[:6]
_OWN_UID: Final = re.compile(rb"(?s:..)(?=.{1,64}\Z)(%b)\0?" % UID_FORM).fullmatch
_OWN_NUMBER: Final = re.compile(rb"(?s:..)(0|[1-9]\d{0,8}) ?").fullmatch
"""Values that stand in a record as they stand in a file: others take the long way."""


class Template(NamedTuple):
    """A record with gaps for the SOP Instance UID and the Instance Number, each with its length."""

    instance: Instance
    head: bytes
    middle: bytes
    end: bytes

    @classmethod
    def of(cls, instance: Instance, own: Own) -> Self | None:
        """The template that `instance`, whose file has these values, is made from; None if there is more to it."""
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
        """The instance in a file with these values; None if they need a closer look."""
        stored, uid, number = own
        is_uid, is_number = _OWN_UID(uid), _OWN_NUMBER(number)
        if stored != uid or not is_uid or not is_number or (len(uid) | len(number)) & 1:
            return None
        tail = self.head + uid + self.middle + number + self.end
        return self.instance._replace(number=int(is_number[1]), sop_instance_uid=is_uid[1], tail=tail)
