"""Law 4 for verbs that show or hand on: a file about another patient than its record is named with both values, exit code 3."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import UID

import fileset
from fileset.transfer.compare import disagreement
from fileset.transfer.payload import payload
from tests.support import synthetic
from tests.support.command import Runs

OTHERS = {
    "patient": {"PatientID": "P9"},
    "person": {"PatientName": "Other^Person", "PatientBirthDate": "19010203"},
    "study": {"StudyInstanceUID": "1.2.3.4"},
    "series": {"SeriesInstanceUID": "1.2.3.5"},
    "instance": {"SOPInstanceUID": "1.2.3.6"},
}
"""What the file says instead of its record."""


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A file-set of two files of one series."""
    for number in (1, 2):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), tmp_path / "DISC" / f"IM{number}")
    fileset.index(tmp_path / "DISC")
    return tmp_path / "DISC"


def exchanged(disc: Path, values: dict[str, str]) -> tuple[str, str]:
    """Exchange IM2 for a file with other values; return a value of the record and of the file."""
    dataset = synthetic.instance(synthetic.CT_IMAGE, number=2)
    keyword, value = next(iter(values.items()))
    former = str(dataset[keyword].value)
    for name, other in values.items():
        setattr(dataset, name, other)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(str(dataset.SOPInstanceUID))
    synthetic.write(dataset, disc / "IM2")
    return former, value


@pytest.mark.parametrize("verb", ["list --level IMAGE --read-files", "extract -o", "create -o"])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_another_patient_is_named(kind: str, verb: str, run: Runs, disc: Path, tmp_path: Path) -> None:
    former, value = exchanged(disc, OTHERS[kind])
    name, *options = verb.split()
    out = [tmp_path / "OUT"] if options[-1] == "-o" else []
    done = run(name, disc, *options, *out, code=3)
    said = [line for line in done.stderr.splitlines() if "IM2" in line]
    assert any(former in line and value in line for line in said), done.stderr


@pytest.mark.parametrize("kind", ["patient", "person", "study", "series"])
def test_no_page_shows_a_file_of_another_patient(kind: str, run: Runs, disc: Path, tmp_path: Path) -> None:
    former, value = exchanged(disc, OTHERS[kind])
    done = run("pages", disc, "-o", tmp_path / "OUT", code=3)
    assert any(former in line and value in line for line in done.stderr.splitlines()), done.stderr


@pytest.mark.parametrize("kind", OTHERS)
def test_sending_compares_each_file_with_its_records(kind: str, disc: Path) -> None:
    former, value = exchanged(disc, OTHERS[kind])
    with fileset.Reader(disc) as reader:
        good, other = (disagreement(record, payload(record).identity) for record in reader.instances)
    assert good == ""
    assert former in other
    assert value in other


@pytest.mark.parametrize("name", ["DOE^JANE", "Doe^Jane^^^", "doe  jane", ""])
def test_another_spelling_is_no_other_person(name: str, run: Runs, disc: Path, tmp_path: Path) -> None:
    exchanged(disc, {"PatientName": name, "PatientBirthDate": "19010203"})
    run("list", disc, "--level", "IMAGE", "--read-files")
    run("extract", disc, "-o", tmp_path / "OUT")
    run("pages", disc, "-o", tmp_path / "PAGES")
