"""Choose records to remove or to refresh: stricter than a query, because a mistake costs images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fileset.dicomdir.read.directory import Conditions
from fileset.dicomdir.read.query import alternatives, condition
from fileset.errors import RuleError


def strict_conditions(verb: str, keys: Mapping[str, object]) -> Conditions:
    """Build the conditions of a verb that changes matching instances.

    "*" matches any value, but needs one. Raises `RuleError` for an unknown keyword, and for a condition that a missing or
    empty value satisfies: such a condition matches every record.
    """
    return tuple(_strict(verb, keyword, wanted) for keyword, wanted in keys.items())


def _strict(verb: str, keyword: str, wanted: object) -> tuple[int, Any]:
    tag, matches = condition(keyword, wanted)
    if str(wanted).strip() == "*":
        return tag, _has_value
    if matches(None) or matches("") or _has_empty_member(tag, wanted):
        raise RuleError(
            f"{verb}: {keyword}={wanted} matches records without a value, and so everything",
            advice=f"Give a value, or {keyword}='*' for all records that have one",
        )
    return tag, matches


def _has_empty_member(tag: int, wanted: object) -> bool:
    members = wanted if isinstance(wanted, list | tuple | set | frozenset) else alternatives(tag, str(wanted))
    return not members or any(not str(member).strip() for member in members)


def _has_value(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(one not in (None, "", b"") for one in values)
