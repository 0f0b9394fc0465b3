"""A cache of records: make the record once for a series, then fill in the own values of each file.

The files of one series differ only in a few values of their records: SOP Instance UID, Instance Number and, with optional
keys, a few others such as the position of the image. If the next file of the same layout has equal values otherwise, its
record differs from the cached one only in these values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from fileset.dicom.elements import element
from fileset.part10.values import UID_FORM
from fileset.records.levels import Chain
from fileset.standard import tags

if TYPE_CHECKING:
    from fileset.records.describe import Instance
    from fileset.standard.record_types import Key

OWN: Final = (tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.SOP_INSTANCE_UID, tags.INSTANCE_NUMBER)
"""Media Storage SOP Instance UID, SOP Instance UID, Instance Number: the own values of each file."""

Own = tuple[bytes, ...]
"""The values of `OWN`, then of the keys that vary, each after the two bytes of its length."""

_UID: Final = element(tags.REFERENCED_SOP_INSTANCE_UID, "UI", b"")[:6]
_NUMBER: Final = element(tags.INSTANCE_NUMBER, "IS", b"")[:6]
_OWN_UID: Final = rb"(?s:..)(?=[^\n]{1,64}(?:\n|\Z))(?P<uid>%b)\0?" % UID_FORM
_OWN_NUMBER: Final = rb"(?s:..)(?P<number>0|[1-9]\d{0,8}) ?"
_DECIMAL: Final = rb"-?(?:\d{1,3}\.\d{0,11}|\d{1,8}(?:\.\d{0,6})?)"
_TIME: Final = rb"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?:\.\d{1,6})?"

Sought = tuple[bytes, int, bytes]
"""The header of an element, the number of its value, and the expression that the value must match."""


def _plain(vr: str, count: int) -> bytes:
    """Build the expression for `count` values with the same bytes in record and file; other values bypass the cache.

    The bytes of the length come first.
    """
    return rb"(?s:..)%b ?" % (_TIME if vr == "TM" else rb"\\".join([_DECIMAL] * count))


class Template(NamedTuple):
    """A record with gaps for the own values of each file, each with its length.

    `form` is the record with %b for each gap; `pick` takes the values of the gaps in their order, and `matches` tests
    whether all of them, joined by line feeds, are plain. `empty` are the numbers of values that must be empty: their keys
    are not in the record.
    """

    instance: Instance
    form: bytes
    pick: Callable[[Own], Own]
    matches: Callable[[bytes], re.Match[bytes] | None]
    empty: tuple[int, ...]

    @classmethod
    def of(cls, instance: Instance, own: Own, varying: tuple[Key, ...] = (), *, dated: bool = False) -> Self | None:
        """Make the template for `instance`, whose file has the values `own`; None if its record is too special.

        `varying` has the keys of the values after the values of `OWN`. `dated`: the record has a date outside of them.
        """
        chain: Chain | None = instance.chain
        if instance.notes or instance.invented_number or dated:
            return None
        if chain and (chain.fallback_date or chain.fallback_time):
            return None
        wanted: list[Sought] = [(_UID, 1, _OWN_UID), (_NUMBER, 2, _OWN_NUMBER)]
        empty = []
        for at, key in enumerate(varying, len(OWN)):
            header = element(key.tag, key.vr, b"")[:6]
            if header in instance.tail:
                wanted.append((header, at, _plain(key.vr, own[at][2:].count(b"\\") + 1)))
            elif own[at] == b"\0\0":
                empty.append(at)
        return cls._cut(instance, own, wanted, tuple(empty))

    @classmethod
    def _cut(cls, instance: Instance, own: Own, wanted: list[Sought], empty: tuple[int, ...]) -> Self | None:
        form, rest = [], instance.tail
        in_order = [wanted[0], *sorted(wanted[1:], key=_by_tag)]
        for header, at, _ in in_order:
            before, is_there, rest = rest.partition(header + own[at])
            # Lengths of numbers and times are all even or all odd in one layout.
            if not is_there or instance.tail.count(header) != 1 or len(own[at]) & 1:
                return None
            form.append((before + header).replace(b"%", b"%%"))
        form.append(rest.replace(b"%", b"%%"))
        pattern = b"\n".join(plain for _, _, plain in in_order)
        pick = itemgetter(*(at for _, at, _ in in_order))
        return cls(instance, b"%b".join(form), pick, _compiled(pattern), empty)

    def filled(self, own: Own) -> Instance | None:
        """Return the instance in a file with these values; None if the cache cannot decide."""
        instance, form, pick, matches, empty = self
        values = pick(own)
        found = matches(b"\n".join(values))
        if found is None or own[0] != own[1] or (len(own[1]) | len(own[2])) & 1:
            return None
        for at in empty:
            if own[at] != b"\0\0":
                return None
        uid, number = found["uid"], int(found["number"])
        return type(instance)(instance.record_type, instance.chain, number, uid, form % values)


@lru_cache(64)
def _compiled(pattern: bytes) -> Callable[[bytes], re.Match[bytes] | None]:
    return re.compile(pattern).fullmatch


def _by_tag(sought: Sought) -> tuple[bytes, bytes]:
    """Order by tag, whose two numbers are in Little Endian."""
    header = sought[0]
    return header[1::-1], header[3:1:-1]
