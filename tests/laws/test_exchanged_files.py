"""Laws 1, 3 and 4 after files were exchanged by hand: a repair names each error that stays, and one run is enough."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import pydicom
import pytest

import fileset
from fileset.findings import ERROR
from fileset.report import ASKED_FOR
from tests.support import synthetic
from tests.support.command import Runs

SHIPPED: Final = Path(*pydicom.__path__) / "data" / "test_files"
MOST_BYTES: Final = 300_000
SEEDS: Final = 240


@pytest.fixture(scope="module")
def instances() -> list[bytes]:
    """The smaller DICOM files that pydicom ships, without its DICOMDIRs."""
    paths = (path for path in sorted(SHIPPED.rglob("*")) if path.is_file() and not path.name.startswith("DICOMDIR"))
    return [
        data for path in paths if path.stat().st_size < MOST_BYTES and (data := path.read_bytes())[128:132] == b"DICM"
    ]


Exchange = Callable[[list[Path], list[bytes], Random], None]


def swap(files: list[Path], _: list[bytes], random: Random) -> None:
    one, other = random.sample(files, 2)
    before, after = one.read_bytes(), other.read_bytes()
    one.write_bytes(after)
    other.write_bytes(before)


def copy(files: list[Path], _: list[bytes], random: Random) -> None:
    one, other = random.sample(files, 2)
    one.write_bytes(other.read_bytes())


def replace(files: list[Path], instances: list[bytes], random: Random) -> None:
    random.choice(files).write_bytes(random.choice(instances))


def bring(files: list[Path], instances: list[bytes], random: Random) -> None:
    files[0].parent.joinpath(f"NEW{random.randrange(9)}").write_bytes(random.choice(instances))


def delete(files: list[Path], _: list[bytes], random: Random) -> None:
    if len(files) > 3:
        files.pop(random.randrange(len(files))).unlink()


EXCHANGES: Final[tuple[Exchange, ...]] = (swap, copy, replace, bring, delete)


def exchanged(folder: Path, instances: list[bytes], random: Random) -> None:
    """Write a file-set of some files, and exchange some of them."""
    files = [folder / f"IM{number:03}" for number in range(random.randrange(3, 15))]
    for path, data in zip(files, random.sample(instances, len(files)), strict=True):
        path.write_bytes(data)
    fileset.index(folder)
    for _ in range(random.randrange(1, 7)):
        random.choice(EXCHANGES)(files, instances, random)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, SEEDS))])
def test_a_repair_names_each_error_that_stays_and_one_run_is_enough(
    seed: int, instances: list[bytes], tmp_path: Path
) -> None:
    random = Random(seed)
    exchanged(tmp_path, instances, random)
    trusts_dicomdir = random.random() < 0.15
    report = fileset.repair_file_set(tmp_path, trust_dicomdir=trusts_dicomdir)
    errors = [one for one in fileset.check_file_set(tmp_path).findings if one.severity == ERROR]
    named = {(one.rule, one.where.file) for one in report.findings} | {(one.rule, one.source) for one in report.skipped}
    assert [str(one) for one in errors if (one.rule, one.where.file) not in named] == []
    assert not (report.complete and any(one.rule not in ASKED_FOR for one in errors))
    before = (tmp_path / "DICOMDIR").read_bytes()
    fileset.repair_file_set(tmp_path, trust_dicomdir=trusts_dicomdir)
    assert (tmp_path / "DICOMDIR").read_bytes() == before


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A file-set of two patients with two images each."""
    for patient in (1, 2):
        for number in (1, 2):
            dataset = synthetic.instance(synthetic.CT_IMAGE, patient=patient, number=number)
            synthetic.write(dataset, tmp_path / "DISC" / f"P{patient}IM{number}")
    fileset.index(tmp_path / "DISC")
    return tmp_path / "DISC"


def patients(disc: Path) -> dict[str, str]:
    """The Patient ID above the record of each file."""
    with fileset.Reader(disc) as reader:
        return {str(one.file_id): one.patient["PatientID"] for one in reader.instances if one.patient}


def test_a_copy_of_the_image_of_another_patient_loses_its_record(run: Runs, disc: Path) -> None:
    shutil.copy(disc / "P2IM1", disc / "P1IM2")
    done = run("repair", disc, "--json", code=3)
    rules = {one["rule"] for one in done.document["findings"]}
    assert rules >= {"FS-UID-DIFFERS", "FS-INSTANCE-DUPLICATE", "FS-FILE-UNLISTED"}
    assert patients(disc) == {"P1IM1": "P1", "P2IM1": "P2", "P2IM2": "P2"}
    found = run("check", disc, "--json", code=1).document["findings"]
    assert [(one["rule"], one["where"]["file"]) for one in found] == [("FS-FILE-UNLISTED", "P1IM2")]


def test_an_image_below_another_patient_moves_to_its_own_patient(run: Runs, disc: Path) -> None:
    one, other = disc / "P1IM2", disc / "P2IM1"
    before, after = one.read_bytes(), other.read_bytes()
    one.write_bytes(after)
    other.write_bytes(before)
    run("repair", disc, code=3)
    assert patients(disc) == {"P1IM1": "P1", "P2IM1": "P1", "P1IM2": "P2", "P2IM2": "P2"}
    run("check", disc)


def test_a_fault_that_stays_is_an_error_of_the_new_dicomdir(run: Runs, disc: Path) -> None:
    dataset = synthetic.instance(synthetic.GRAYSCALE_STATE, patient=3)
    dataset.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.999.9"
    (disc / "PS").write_bytes(synthetic.encode(dataset).replace(b"1.2.999.9", b"1.2.999.x"))
    fileset.index(disc, replace=True)
    (disc / "P1IM1").unlink()
    said = run("repair", disc, code=3).stderr
    errors, _, mended = said.partition("of the old DICOMDIR")
    assert "is not a valid UI; it stays [FS-UID-INVALID]" in errors
    assert "it stays" not in mended
