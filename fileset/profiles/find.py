"""Find profiles by their identifiers (PS3.11 8), or report why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fileset.errors import RuleError
from fileset.standard.profiles import PROFILES, RETIRED, Profile
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.syntaxes import SYNTAX_NAMES

__all__ = ["Profile", "find_profile", "select_profiles"]

OLD_PREFIX: Final = "APL-"
"""The prefix of former editions; it means STD (PS3.11 8)."""


def find_profile(identifier: str) -> Profile:
    """Find the profile of an identifier in upper or lower case; APL- is taken as STD-.

    Raises `RuleError` for one that is retired, augmented, private or unknown, with the reason.
    """
    name = identifier.strip().upper()
    if name.startswith(OLD_PREFIX):
        name = "STD-" + name.removeprefix(OLD_PREFIX)
    if name in PROFILES:
        return PROFILES[name]
    if name in RETIRED:
        raise RuleError(f"{name} is no longer a profile: {RETIRED[name]}")
    if name.startswith(("AUG-", "PRI-")):
        raise RuleError(
            f"{name}: augmented and private profiles are not in PS3.11",
            advice="Name the standard profile it is based on",
        )
    from difflib import get_close_matches

    near = get_close_matches(name, PROFILES, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`fileset profiles` lists all."
    raise RuleError(f"there is no profile {identifier!r} in PS3.11. {hint}")


def select_profiles(medium: str = "", sop_class: str = "", syntax: str = "") -> Iterator[Profile]:
    """Find the profiles whose medium has `medium` in its name, and that allow a SOP class and a transfer syntax.

    `sop_class` and `syntax` are UIDs, or parts of names: a profile matches if it allows any of those meant. Raises
    `RuleError` if no such class or syntax exists.
    """
    classes = _meant(sop_class, {row.uid: row.name for row in SOP_CLASSES.values()}, "SOP class")
    syntaxes = _meant(syntax, SYNTAX_NAMES, "transfer syntax")
    for profile in PROFILES.values():
        about_medium = f"{profile.medium.name} {profile.medium.file_systems} {profile.id}".lower()
        if medium.lower() in about_medium and _allows(profile, classes, syntaxes):
            yield profile


def _meant(words: str, names: dict[str, str], what: str) -> frozenset[str] | None:
    """Find the UIDs that a user means; None if the text is empty."""
    if not words:
        return None
    found = {uid for uid, name in names.items() if words == uid or words.lower() in name.lower()}
    if not found:
        raise RuleError(f"there is no {what} {words!r}", advice="Give its UID, or a part of its name")
    return frozenset(found)


def _allows(profile: Profile, classes: Iterable[str] | None, syntaxes: frozenset[str] | None) -> bool:
    allowed = profile.services.values() if classes is None else map(profile.syntaxes, classes)
    return any(some is not None and (syntaxes is None or not some or not syntaxes.isdisjoint(some)) for some in allowed)
