"""Every profile accepts conformant files, and names the one broken rule of others (PS3.11)."""

from __future__ import annotations

from collections import Counter

import pytest

from fileset.profiles.facts import read_facts
from fileset.profiles.judge import judge
from fileset.standard.profiles import PROFILES, RETIRED
from tests.support.instances import Generated, breaking, conforming

BROKEN = {
    "PR-SOP-CLASS": 82,
    "PR-TRANSFER-SYNTAX": 79,
    "PR-XABC": 21,
    "PR-XA1K": 52,
    "PR-US": 128,
    "PR-CTMR": 52,
    "PR-DEN": 16,
    "PR-JPEG-TABLES": 14,
}
"""Instances that break one rule, over all profiles."""


def judged(profile_id: str, instance: Generated) -> list[tuple[str, int]]:
    data = instance.data
    facts = read_facts(lambda at, size: data[at : at + size], len(data))
    return [(violation.rule, violation.tag) for violation in judge(PROFILES[profile_id], facts)]


@pytest.mark.parametrize("profile_id", PROFILES)
def test_an_instance_that_conforms_passes(profile_id: str) -> None:
    found = {instance.title: judged(profile_id, instance) for instance in conforming(profile_id)}
    assert [title for title, broken in found.items() if broken] == []
    assert found


@pytest.mark.parametrize("profile_id", PROFILES)
def test_an_instance_that_breaks_one_rule_gives_just_that_finding(profile_id: str) -> None:
    broken = breaking(profile_id)
    found = [(instance.title, judged(profile_id, instance)) for instance in broken]
    assert found == [(instance.title, [(instance.rule, instance.tag)]) for instance in broken]


def test_all_profiles_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """PS3.11 has 82 current profiles; each rule of each has an instance that breaks it."""
    passed = sum(len(conforming(profile_id)) for profile_id in PROFILES)
    broken = Counter(instance.rule for profile_id in PROFILES for instance in breaking(profile_id))
    with capsys.disabled():
        counts = ", ".join(f"{rule} {number}" for rule, number in sorted(broken.items()))
        print(f"\n{len(PROFILES)} profiles: {passed} conforming instances, {broken.total()} broken ones: {counts}")  # noqa: T201
    by_annex = Counter(profile.annex for profile in PROFILES.values())
    expected = {
        "A": 1,
        "B": 2,
        "C": 24,
        "D": 6,
        "E": 4,
        "G": 1,
        "H": 4,
        "I": 2,
        "J": 16,
        "K": 1,
        "L": 3,
        "M": 12,
        "N": 6,
    }
    assert by_annex == expected
    assert broken == BROKEN


def test_no_retired_profile_is_current() -> None:
    assert not set(RETIRED) & set(PROFILES)
    assert len(RETIRED) == 53
