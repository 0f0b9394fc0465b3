"""A Reader survives every mutant, and every two at a time, with all that they did not destroy still in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from fileset import MediumError, Reader
from fileset.reader import Record
from tests.support import mutants
from tests.support.mutants import MUTANTS, NEXT, PAIRS, Mutant, Row

SINGLE = {mutant.number: mutant for mutant in MUTANTS}


def rows(reader: Reader) -> Counter[Row]:
    """Return the values of each instance from a Reader."""
    return Counter(_row(record) for record in reader.instances)


def _row(record: Record) -> Row:
    levels = ((record.patient, "PatientID"), (record.study, "StudyInstanceUID"), (record.series, "SeriesInstanceUID"))
    above = [str(level.get(key) or "") if level else "nobody" for level, key in levels]
    path = record.file_id.path if record.file_id else None
    return Row(path, record.sop_instance_uid, *above)


def _named(several: Sequence[Mutant]) -> str:
    return " + ".join(map(str, several))


@pytest.mark.parametrize("several", [*((one,) for one in MUTANTS), *PAIRS], ids=_named)
def test_every_undamaged_instance_is_in_its_place(several: Sequence[Mutant], tmp_path: Path) -> None:
    broken = mutants.broken(*several)
    (tmp_path / "DICOMDIR").write_bytes(broken.data)
    with Reader(tmp_path) as reader:
        assert rows(reader) == Counter(broken.rows.values())


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_is_called_by_its_name(mutant: Mutant, tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(mutants.broken(mutant).data)
    with Reader(tmp_path) as reader:
        list(reader.paths())
        rules = {finding.rule for finding in reader.findings}
    assert rules & mutant.rules if mutant.rules else not rules


def test_the_good_file_set_has_no_finding(tmp_path: Path) -> None:
    with Reader(mutants.write(mutants.broken(), tmp_path)) as reader:
        assert rows(reader) == Counter(mutants.good().rows.values())
        assert all(record.inquire().size for record in reader.instances)
        assert not reader.findings


@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_a_wrong_link_or_flag_in_any_record_costs_no_instance(number: int, tmp_path: Path) -> None:
    base = mutants.good()
    for record in range(len(base.offsets)):
        if number == 1 and not base.link(record, NEXT):
            continue  # 2 is no offset that is wrong by 2
        broken = mutants.broken(SINGLE[number], record=record)
        (tmp_path / "DICOMDIR").write_bytes(broken.data)
        with Reader(tmp_path) as reader:
            assert rows(reader) == Counter(broken.rows.values()), record


def test_a_missing_file_is_missed_only_when_it_is_opened(tmp_path: Path) -> None:
    broken = mutants.broken(SINGLE[6])
    with Reader(mutants.write(broken, tmp_path)) as reader:
        there = {record.file_id.path for record in reader.instances if record.file_id and _is_there(record)}
    assert there == {row.path for row in broken.rows.values()} - broken.gone


def _is_there(record: Record) -> bool:
    try:
        record.inquire()
    except MediumError:
        return False
    return True


def test_a_file_id_in_another_case_finds_its_file(tmp_path: Path) -> None:
    with Reader(mutants.write(mutants.broken(SINGLE[4]), tmp_path)) as reader:
        assert all(record.inquire().size for record in reader.instances)
