"""A Reader survives every mutant, and every two at a time, with all that they did not destroy still reachable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from fileset import Reader
from tests.hostile import mutants
from tests.hostile.mutants import MUTANTS, PAIRS, Mutant


def reachable(reader: Reader) -> set[str]:
    return {record.sop_instance_uid for record in reader.instances}


@pytest.mark.parametrize(
    "several", [*((one,) for one in MUTANTS), *PAIRS], ids=lambda several: "+".join(map(str, several))
)
def test_every_undamaged_instance_is_reachable(several: Iterable[Mutant], tmp_path: Path) -> None:
    broken = mutants.broken(*several)
    (tmp_path / "DICOMDIR").write_bytes(broken.data)
    with Reader(tmp_path) as reader:
        assert reachable(reader) == {row.uid for row in broken.rows.values()}
