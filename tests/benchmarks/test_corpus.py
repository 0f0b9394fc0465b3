"""The corpus is always the same, conforms, and has the difficult headers that it should have."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom import Dataset, config, dcmread
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from fileset.file_id import FileId

from . import corpus
from .corpus import Series, Shape
from .ct_header import VARIANTS

FIRST_READ = 8192
FIRST_ELEMENT = 128 + 4 + 12  # behind the preamble, the prefix and (0002,0000)
EVERY_VARIANT = Shape(files=3 * 2 * len(VARIANTS) - 1, per_series=3)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    corpus.write(root, EVERY_VARIANT)
    return root


@pytest.fixture(scope="module")
def instances(written: Path) -> list[Dataset]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.settings, "reading_validation_mode", config.RAISE)
        return [decoded(path) for path in sorted(written.rglob("I*"))]


def decoded(path: Path) -> Dataset:
    """Return the data set after decoding, and so validating, every value, also in sequences."""
    found = dcmread(path)
    for each in found.iterall():
        _ = each.value
    return found


def test_the_corpus_never_changes() -> None:
    assert corpus.digest(EVERY_VARIANT) == "8009ac78bc5b19cc887a75175acfa5eb"


def test_paths_are_file_ids_in_order() -> None:
    paths = [path for path, _, _ in corpus.files(EVERY_VARIANT)]
    assert all(FileId.from_path(path).conformant for path in paths)
    assert paths == sorted(set(paths))
    assert len(paths) == EVERY_VARIANT.files


def test_the_written_files_are_the_generated_files(written: Path) -> None:
    for path, header, tail in corpus.files(EVERY_VARIANT):
        assert (written / path).read_bytes() == header + tail


def test_pydicom_reads_every_value(instances: list[Dataset]) -> None:
    assert len(instances) == EVERY_VARIANT.files
    for found in instances:
        assert found.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
        assert found.SOPClassUID == CTImageStorage
        assert len(found.PixelData) == found.Rows * found.Columns * 2


def test_the_file_meta_group_length_leads_to_the_data_set() -> None:
    for _, header, _ in corpus.files(EVERY_VARIANT):
        end = FIRST_ELEMENT + int.from_bytes(header[FIRST_ELEMENT - 4 : FIRST_ELEMENT], "little")
        assert header[end : end + 2] == b"\x08\x00"


def test_headers_have_about_70_to_120_elements(instances: list[Dataset]) -> None:
    numbers = {len(found) for found in instances}
    assert min(numbers) in range(70, 80)
    assert max(numbers) in range(115, 125)
    assert all(any(each.is_private for each in found) for found in instances)


def test_instances_are_unique_and_numbered_within_their_series(instances: list[Dataset]) -> None:
    assert len({found.SOPInstanceUID for found in instances}) == EVERY_VARIANT.files
    assert all(UID(found.SOPInstanceUID).is_valid for found in instances)
    numbers = [int(found.InstanceNumber) for found in instances]
    assert numbers[:6] == [1, 2, 3, 3, 2, 1]


def test_a_patient_has_several_studies_and_a_study_several_series(instances: list[Dataset]) -> None:
    series = [found for found in instances if found.PatientID == instances[0].PatientID]
    assert len({found.StudyInstanceUID for found in series}) == corpus.STUDIES_PER_PATIENT
    assert len({found.SeriesInstanceUID for found in series}) == corpus.STUDIES_PER_PATIENT * corpus.SERIES_PER_STUDY
    assert len({str(found.PatientName) for found in series}) == 1


def test_sequences_come_with_defined_and_undefined_lengths(instances: list[Dataset]) -> None:
    assert {found["ReferencedImageSequence"].is_undefined_length for found in instances} == {True, False}
    items = {found.ReferencedImageSequence[0].is_undefined_length_sequence_item for found in instances}
    assert items == {True, False}


def test_some_wanted_keys_are_beyond_the_first_read(written: Path) -> None:
    instance_number = b"\x20\x00\x13\x00IS"
    offsets = [path.read_bytes().find(instance_number) for path in written.rglob("I*")]
    assert min(offsets) < FIRST_READ < max(offsets)


def test_all_files_may_be_in_one_series() -> None:
    folders = {path.rpartition("/")[0] for path, _, _ in corpus.files(Shape(files=7, per_series=7))}
    assert folders == {Series(0, matrix=16).folder}


def test_a_matrix_of_512_makes_520_kb() -> None:
    [(_, header, tail)] = corpus.files(Shape(files=1, matrix=512))
    assert 520_000 < len(header) + len(tail) < 540_000


def test_no_files_are_a_corpus_too(tmp_path: Path) -> None:
    corpus.write(tmp_path, Shape(files=0))
    assert not list(tmp_path.iterdir())


def test_dcmftest_accepts_every_file(written: Path) -> None:
    if not shutil.which("dcmftest"):
        pytest.skip("dcmftest is not installed")
    done = subprocess.run(["dcmftest", *written.rglob("I*")], capture_output=True, text=True, check=False)
    assert done.stdout.count("yes: ") == EVERY_VARIANT.files, done.stdout


def test_dcmmkdir_accepts_the_corpus(written: Path, tmp_path: Path) -> None:
    if not shutil.which("dcmmkdir"):
        pytest.skip("dcmmkdir is not installed")
    words = ["dcmmkdir", "+r", "+id", str(written), "-Pgp", "+D", str(tmp_path / "DICOMDIR"), "DICOM"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    directory = dcmread(tmp_path / "DICOMDIR")
    types = [record.DirectoryRecordType for record in directory.DirectoryRecordSequence]
    assert types.count("IMAGE") == EVERY_VARIANT.files
