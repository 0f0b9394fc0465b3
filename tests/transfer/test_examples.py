"""The examples of importing, sending, de-identifying and viewing data run unchanged."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pydicom
import pytest

import fileset
from tests.support import synthetic
from tests.support.servers import Orthanc, Server, need

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"


def run(*command: object, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, timeout=120, env=environment
    )


def python(example: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, EXAMPLES / example, *arguments)


@pytest.mark.judges
@pytest.mark.slow
def test_import_night_files_good_and_broken_discs_and_is_safe_to_run_again(pacs: Orthanc, tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    for number in (1, 2):
        synthetic.ct_series(incoming / f"disc{number}", 1, 1, 1, 3)
        fileset.index(incoming / f"disc{number}")
    (incoming / "disc2" / "DICOMDIR").write_bytes(b"scratched")
    (incoming / "disc3").mkdir()
    (tmp_path / "map.csv").write_text("OldPatientID,PatientID\nP1,LOCAL1\n")
    arguments = (incoming, tmp_path / "done", tmp_path / "failed", pacs.address, tmp_path / "map.csv")
    done = python("import_night.py", *arguments)
    assert done.returncode == 3, done.stderr
    assert sorted(path.name for path in (tmp_path / "failed").iterdir()) == ["disc3"]
    assert {"disc1", "disc2"} <= {path.name for path in (tmp_path / "done").iterdir()}
    rows = list(csv.reader((tmp_path / "done" / "import.csv").read_text().splitlines()))
    assert [(row[1], row[3]) for row in rows] == [("disc1", "3"), ("disc2", "3"), ("disc3", "0")]
    assert len(pacs.instances()) == 3
    assert [one["MainDicomTags"]["PatientID"] for one in pacs.get("/patients?expand").json()] == ["LOCAL1"]
    again = python("import_night.py", *arguments)
    assert again.returncode == 0
    assert len(pacs.instances()) == 3


@pytest.mark.judges
def test_storescu_sends_the_files_that_fileset_chooses(store: Server, disc: Path) -> None:
    need("storescu")
    scripts = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = run("sh", EXAMPLES / "storescu.sh", disc, "STORESCP", "127.0.0.1", store.port, "PatientID=P1", PATH=scripts)
    assert done.returncode == 0, done.stderr
    assert len(list((store.folder / "received").iterdir())) == 6


def test_storescu_without_arguments_shows_its_usage() -> None:
    done = run("sh", EXAMPLES / "storescu.sh")
    assert done.returncode == 2
    assert "storescu.sh DISC AET HOST PORT" in done.stderr


@pytest.fixture
def identified(tmp_path: Path) -> Path:
    """Two patients with two studies each."""
    synthetic.ct_series(tmp_path / "IN", 2, 2, 1, 2)
    return tmp_path / "IN"


@pytest.mark.slow
def test_deidentify_keeps_patients_apart_and_studies_together(identified: Path, tmp_path: Path) -> None:
    pytest.importorskip("dicomanonymizer")
    for target in ("ONE", "AGAIN"):
        done = python("deidentify.py", identified, tmp_path / target, "our secret")
        assert done.returncode == 0, done.stderr
    other = python("deidentify.py", identified, tmp_path / "OTHER", "another secret")
    assert other.returncode == 0
    tables = {}
    datasets: list[pydicom.Dataset] = []
    for name in ("ONE", "AGAIN", "OTHER"):
        with fileset.Reader(tmp_path / name) as reader:
            tables[name] = list(
                reader.table("IMAGE", ["PatientID", "PatientName", "StudyInstanceUID", "SOPInstanceUID"])
            )
            datasets = [record.dataset() for record in reader.instances]
        assert fileset.check_file_set(tmp_path / name).conformant
    assert tables["ONE"] == tables["AGAIN"]
    assert not {row["PatientID"] for row in tables["ONE"]} & {row["PatientID"] for row in tables["OTHER"]}
    assert len({row["PatientID"] for row in tables["ONE"]}) == 2
    assert len({row["StudyInstanceUID"] for row in tables["ONE"]}) == 4
    originals = [pydicom.dcmread(path) for path in identified.rglob("*") if path.is_file()]
    gone = {str(one.PatientName) for one in originals} | {str(one.StudyInstanceUID) for one in originals}
    for dataset in datasets:
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
        text = str(dataset) + str(dataset.file_meta)
        assert not [value for value in gone if value in text]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    (tmp_path / "DISC").mkdir()
    for number in range(1, 4):
        dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2", number=number)
        dataset.ImagePositionPatient = [0, 0, -number]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        synthetic.write(dataset, tmp_path / "DISC" / f"I{number}")
    fileset.index(tmp_path / "DISC")
    notebook: Any = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") for cell in json.loads((EXAMPLES / "notebook.ipynb").read_text())["cells"])
    client = nbclient.NotebookClient(notebook, timeout=100, kernel_name="python3")
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    ended = client.execute(env={**os.environ, "DISC": str(tmp_path / "DISC"), "PYTHONPATH": path})
    shapes = [out["data"]["text/plain"] for cell in ended.cells for out in cell.get("outputs", ()) if "data" in out]
    assert any(shape.startswith("(3, ") for shape in shapes)


@pytest.mark.parametrize("example", ["import_night.py", "deidentify.py"])
def test_wrong_usage_is_answered_with_the_usage(example: str) -> None:
    done = python(example)
    assert done.returncode == 2
    assert f"    python {example} " in done.stderr


def test_the_examples_need_only_existing_files() -> None:
    assert shutil.which("sh")
    assert {path.name for path in EXAMPLES.iterdir()} >= {
        "import_night.py",
        "deidentify.py",
        "storescu.sh",
        "notebook.ipynb",
    }
