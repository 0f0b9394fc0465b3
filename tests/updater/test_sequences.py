"""After any sequence of additions and removals, the directory equals that of one creation from the remaining files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fileset
from tests.support import judges, synthetic
from tests.support.long import LONG
from tests.updater.conftest import tree, uids

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pydicom import Dataset

EXAMPLES: Final = 400 if LONG else 25


def pool() -> Iterator[Dataset]:
    """Return instances of many kinds, some without values that their records must have."""
    for patient, study, series, number in ((1, 1, 1, 1), (1, 1, 1, 2), (1, 1, 2, 1), (1, 2, 1, 1), (2, 1, 1, 3)):
        yield synthetic.instance(synthetic.CT_IMAGE, patient=patient, study=study, series=series, number=number)
    yield synthetic.instance(synthetic.COMPREHENSIVE_SR, patient=1, study=1, series=3)
    yield synthetic.instance(synthetic.GRAYSCALE_STATE, patient=2, study=1, series=4, number=10)
    yield synthetic.instance(synthetic.HANGING_PROTOCOL)
    yield synthetic.instance(synthetic.HANGING_PROTOCOL, number=2)
    yield synthetic.instance(synthetic.CT_IMAGE, patient=3, charset="ISO 2022 IR 87")
    for number in (1, 2):
        lacking = synthetic.instance(synthetic.CT_IMAGE, patient=4, series=5, number=number)
        del lacking.PatientID, lacking.StudyDate, lacking.StudyID, lacking.SeriesNumber, lacking.InstanceNumber
        yield lacking


POOL: Final = list(pool())
KEYS: Final[list[dict[str, object]]] = [
    {"PatientID": "P1"},
    {"PatientName": "Doe*", "Modality": "CT"},
    {"StudyInstanceUID": synthetic.uid("study", 1, 1)},
    {"SeriesInstanceUID": synthetic.uid("series", 2, 1, 1)},
    {"InstanceNumber": 1},
    {"PatientID": "NOID*"},
    {"HangingProtocolName": "*", "PatientID": "*"},
]

Step = set[int] | dict[str, object]
"""Instances of the pool to add, or keys of the instances to remove."""
additions = st.sets(st.sampled_from(range(len(POOL))), min_size=1, max_size=4)
removals = st.sampled_from(KEYS)


@pytest.mark.judges
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(first=st.sets(st.sampled_from(range(len(POOL)))), steps=st.lists(additions | removals, min_size=1, max_size=5))
def test_any_sequence_of_updates_gives_the_same_as_create(first: set[int], steps: list[Step]) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        files = {synthetic.write(one, root / "POOL" / f"{number:03d}"): number for number, one in enumerate(POOL)}
        paths = list(files)
        with fileset.Creator(root / "DISC", file_set_uid="2.25.1") as creator:
            creator.add(*(paths[number] for number in sorted(first)))
        for step in steps:
            with fileset.Updater(root / "DISC") as updater:
                if isinstance(step, set):
                    updater.add(*(paths[number] for number in sorted(step)))
                else:
                    updater.remove(level=None, keep_files=False, **step)
        left = set(uids(root / "DISC"))
        with fileset.Creator(root / "WHOLE", file_set_uid="2.25.1") as creator:
            creator.add(*(path for path, number in files.items() if POOL[number].SOPInstanceUID in left))
        assert tree(root / "DISC") == tree(root / "WHOLE")
        stored = {path.name for path in (root / "DISC").rglob("*") if path.is_file()}
        assert len(stored | {"DICOMDIR"}) <= len(left) + 1
        judges.assert_clean([judges.JUDGES["links"](root / "DISC")], frozenset(left))
    finally:
        shutil.rmtree(root)
