"""Which record types may be below and beside each other (PS3.3 Table F.4-1 and its former editions)."""

from __future__ import annotations

from functools import cache
from typing import Final

from fileset.standard.record_types import RECORD_TYPES, ROOT_CHILDREN

_LEVELS: Final = {"PATIENT": 0, "STUDY": 1, "SERIES": 2}
LEAF: Final = 3


def level_of(record_type: str) -> int:
    """Return the level of a record type: 0 in the root entity, `LEAF` below a series or if unknown."""
    rooted = record_type in ROOT_CHILDREN and record_type != "PRIVATE"
    return _LEVELS.get(record_type, 0 if rooted else LEAF)


def may_be_root(record_type: str) -> bool:
    """Check whether the root directory entity may contain such a record, or the type is unknown."""
    known = RECORD_TYPES.get(record_type)
    return known is None or known.root or record_type in ROOT_CHILDREN


def may_be_below(upper: str, lower: str) -> bool:
    """Check whether the lower-level entity of an `upper` record may contain a `lower` one, or a type is unknown."""
    above = RECORD_TYPES.get(upper)
    if above is None or lower not in RECORD_TYPES:
        return True
    return lower in above.children or lower in above.former_children


def may_be_beside(one: str, other: str) -> bool:
    """Check whether two record types may share a directory entity, or one is unknown."""
    if one == other or one not in RECORD_TYPES or other not in RECORD_TYPES:
        return True
    return (may_be_root(one) and may_be_root(other)) or _have_a_parent(one, other)


@cache
def _have_a_parent(one: str, other: str) -> bool:
    # A PRIVATE record may contain any type, so it proves nothing.
    uppers = (name for name in RECORD_TYPES if name != "PRIVATE")
    return any(may_be_below(upper, one) and may_be_below(upper, other) for upper in uppers)
