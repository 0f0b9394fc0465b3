"""Judges an instance, and a medium, against a profile (PS3.11): the only place that decides about conformance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from fileset.profiles.facts import Facts
from fileset.standard.profile_rules import (
    ABSENT,
    AT_MOST,
    ONE_LESS_THAN,
    ONE_OF,
    PRESENT,
    SAME_AS,
    SYNTAX,
    VALUE,
    Constraint,
)
from fileset.standard.profiles import S_MIME, Profile
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.syntaxes import syntax_name

LONGEST: Final = 64
"""Characters of a value that a message shows."""


class Violation(NamedTuple):
    """One demand of a profile that an instance does not meet: the rule, the attribute, and a sentence."""

    rule: str
    tag: int
    message: str


def judge(profile: Profile, facts: Facts) -> tuple[Violation, ...]:
    """Judge an instance under `profile`: its faults, none if it conforms.

    Of an instance whose SOP Class or transfer syntax the profile does not have, only that is returned: the other rules
    are about instances that may be there.
    """
    allowed = profile.syntaxes(facts.sop_class)
    if allowed is None:
        return (Violation("PR-SOP-CLASS", 0x00080016, _class_message(profile, facts.sop_class)),)
    if allowed and facts.syntax not in allowed:
        names = " or ".join(map(syntax_name, allowed))
        message = f"the transfer syntax is {syntax_name(facts.syntax)}; {profile.id} allows {names}"
        return (Violation("PR-TRANSFER-SYNTAX", SYNTAX, message),)
    return tuple(_broken(profile, facts))


def _class_message(profile: Profile, sop_class: str) -> str:
    row = SOP_CLASSES.get(sop_class)
    name = row.name if row else sop_class or "unknown"
    status = f" ({row.status})" if row and row.status != "current" else ""
    return f"SOP class {name}{status} is not in {profile.id}"


def _broken(profile: Profile, facts: Facts) -> Iterator[Violation]:
    for row in profile.constraints:
        if row.classes and facts.sop_class not in row.classes:
            continue
        if row.when and facts.value(row.when.attribute) not in row.when.values:
            continue
        if not meets(row, facts):
            shown = _shown(facts.value(row.attribute))
            message = f"{row.attribute.label} is {shown}; {profile.id} allows {row.words}"
            yield Violation(row.rule, row.attribute.tag, message)


def _shown(value: str | None) -> str:
    if value is None:
        return "missing"
    return repr(value[:LONGEST]) if value else "empty"


def meets(row: Constraint, facts: Facts) -> bool:
    """Decide whether an instance meets one constraint that holds for it."""
    value = facts.value(row.attribute)
    if value is None:
        return row.optional or row.form == ABSENT
    return _FORMS[row.form](row, value, facts)


_Form = Callable[[Constraint, str, Facts], bool]


def _differs_by(less: int) -> _Form:
    def compare(row: Constraint, value: str, facts: Facts) -> bool:
        other = facts.value(row.other) if row.other else None
        return other is not None and other.isdigit() and value == str(int(other) - less)

    return compare


_FORMS: Final[Mapping[str, _Form]] = {
    ONE_OF: lambda row, value, _: value in row.values,
    AT_MOST: lambda row, value, _facts: value.isdigit() and int(value) <= int(row.values[0]),
    PRESENT: lambda _row, _value, _facts: True,
    VALUE: lambda _row, value, _facts: bool(value),
    ABSENT: lambda _row, _value, _facts: False,
    SAME_AS: _differs_by(0),
    ONE_LESS_THAN: _differs_by(1),
}


_NAMES = {
    "folder": "a folder",
    "iso": "an ISO 9660 image",
    "iso+udf": "an image with UDF",
    "udf": "an image with only UDF",
    "zip": "a ZIP archive",
}


def medium_fault(profile: Profile, form: str, file_systems: Sequence[str] = ()) -> str:
    """Explain why a medium cannot be that of the profile; "" if it can.

    `form` is "folder", "iso", "iso+udf", "udf" or "zip"; `file_systems` are those of the medium itself, if they are known.
    """
    medium = profile.medium
    wrong = [name for name in file_systems if not medium.takes(name)]
    if form in medium.writes and not wrong:
        return ""
    found = _NAMES.get(form, form) if form not in medium.writes else f"a medium with {' and '.join(wrong)}"
    return (
        f"{profile.id} requires this medium: {medium.name} ({medium.file_systems}, {medium.section}); this is {found}"
    )


def medium_caveat(profile: Profile, form: str, file_systems: Sequence[str] = ()) -> str:
    """Describe the steps that turn a folder into the medium of the profile; "" for another form, and on a medium itself."""
    if profile.security == S_MIME:
        return f"{profile.id} demands that the mail program secures the e-mail with S/MIME ({S_MIME.partition(':')[0]})"
    if form != "folder" or file_systems:
        return ""
    medium = profile.medium
    return f"{profile.id} requires this medium: {medium.name} with {medium.file_systems}; copy the folder to one"
