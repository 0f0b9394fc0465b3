"""Profiles by identifier, and by medium, class and syntax."""

from __future__ import annotations

import pytest

from fileset.errors import RuleError
from fileset.profiles.find import find_profile, select_profiles
from fileset.profiles.judge import medium_caveat, medium_fault
from fileset.standard.profiles import PROFILES


@pytest.mark.parametrize("identifier", ["STD-GEN-CD", "std-gen-cd", "APL-GEN-CD"])
def test_a_profile_is_found_by_its_identifier(identifier: str) -> None:
    assert find_profile(identifier).id == "STD-GEN-CD"


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("STD-WVFM-ECG-FD", "retired with PS3.11-2004"),
        ("STD-US-CC-MF-MOD640", "retired with PS3.11-2004"),
        ("AUG-GEN-CD-ACME", "augmented and private"),
        ("STD-GEN-DC", "Did you mean STD-GEN-"),
        ("whatever", "`fileset profiles` lists all"),
    ],
)
def test_the_reason_why_an_identifier_is_not_a_profile_is_reported(identifier: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        find_profile(identifier)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("USB", "", ""), 4),
        (("", "", "JPEG 2000"), 15),
        (("CD-R", "1.2.840.10008.5.1.4.1.1.12.1", ""), 4),
        (("", "Media Storage Directory", ""), 0),
    ],
)
def test_profiles_are_selected_by_medium_class_and_syntax(words: tuple[str, str, str], expected: int) -> None:
    assert len(list(select_profiles(*words))) == expected


def test_a_class_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(RuleError, match="no SOP class 'Holography'"):
        list(select_profiles("", "Holography"))


def test_only_the_medium_of_a_profile_is_right() -> None:
    faults = {
        (name, form): bool(medium_fault(PROFILES[name], form))
        for name in ("STD-GEN-CD", "STD-GEN-DVD-JPEG", "STD-GEN-USB-JPEG", "STD-GEN-ZIP-MAIL")
        for form in ("folder", "iso", "iso+udf", "zip")
    }
    assert [key for key, wrong in faults.items() if not wrong] == [
        ("STD-GEN-CD", "folder"),
        ("STD-GEN-CD", "iso"),
        ("STD-GEN-DVD-JPEG", "folder"),
        ("STD-GEN-DVD-JPEG", "iso"),
        ("STD-GEN-DVD-JPEG", "iso+udf"),
        ("STD-GEN-USB-JPEG", "folder"),
        ("STD-GEN-ZIP-MAIL", "zip"),
    ]
    assert "copy the folder to one" in medium_caveat(PROFILES["STD-GEN-CD"], "folder")
    assert not medium_caveat(PROFILES["STD-GEN-CD"], "iso")
