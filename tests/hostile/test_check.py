"""`check` reports the fault of each mutant, alone and in pairs, under the right rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest

from fileset import CheckReport, check_file_set
from tests.support import mutants
from tests.support.mutants import MUTANTS, PAIRS, Mutant

FITTING: Final[Mapping[int, frozenset[str]]] = {
    1: frozenset({"FS-OFFSET-NOWHERE", "FS-OFFSET-NEAR"}),
    2: frozenset({"FS-OFFSET-CYCLE"}),
    3: frozenset({"FS-OFFSET-NOWHERE"}),
    4: frozenset({"FS-FILE-ID-FORM"}),
    5: frozenset({"FS-FILE-ID-HOSTILE"}),
    6: frozenset({"FS-FILE-MISSING"}),
    7: frozenset({"FS-RECORD-TYPE"}),
    8: frozenset({"FS-UID-DIFFERS"}),
    9: frozenset({"FS-RECORD-IN-USE-FLAG"}),
    10: frozenset({"FS-CONSISTENCY-FLAG"}),
    11: frozenset({"FS-DICOMDIR-TRUNCATED"}),
    12: frozenset({"FS-KEY-TYPE1-MISSING"}),
    13: frozenset({"FS-HIERARCHY"}),
    14: frozenset({"FS-OFFSET-FIRST"}),
    15: frozenset({"FS-OFFSET-SHARED"}),
}
"""Number of the mutant -> rules, any of which reports the fault."""


def checked(several: Iterable[Mutant], folder: Path) -> CheckReport:
    return check_file_set(mutants.write(mutants.broken(*several), folder))


def test_the_good_file_set_has_no_errors(tmp_path: Path) -> None:
    report = checked((), tmp_path)
    assert report.errors == 0
    assert (report.records, report.files) == (52, 31)


@pytest.mark.parametrize(
    "several",
    [*((one,) for one in MUTANTS), *(pytest.param(pair, marks=pytest.mark.slow) for pair in PAIRS)],
    ids=lambda several: "+".join(map(str, several)),
)
def test_every_mutant_is_an_error_under_a_fitting_rule(several: tuple[Mutant, ...], tmp_path: Path) -> None:
    report = checked(several, tmp_path)
    errors = {finding.rule for finding in report.findings if finding.severity == "error"}
    assert not [str(mutant) for mutant in several if not errors & FITTING[mutant.number]]


def test_a_mutant_is_found_where_it_is(tmp_path: Path) -> None:
    for mutant in MUTANTS:
        if mutant.number not in (4, 7, 8, 9):  # mutants that break one value of one record
            continue
        report = checked((mutant,), tmp_path / str(mutant.number))
        found = next(finding for finding in report.findings if finding.rule in FITTING[mutant.number])
        index = mutants.good().nth(*mutant.record)
        own = mutants.good().types[index] if mutant.number != 7 else "STRANG"
        assert found.where.record.split(" > ")[-1].startswith(own), mutant
        assert found.where.tag is not None, mutant
