"""The examples run unchanged on the files that pydicom ships."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

import fileset
from tests.support.command import ROOT

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
DISC = SHIPPED / "dicomdirtests"


def run(example: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / example), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environment)


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    shutil.copytree(DISC / "98892003", folder)
    return folder


def test_burn_copies_and_reads_back_everything(incoming: Path, tmp_path: Path) -> None:
    done = run("burn.py", incoming, tmp_path / "OUT")
    assert done.returncode == 0
    assert done.stdout.startswith("17 instances in file-set ")
    assert (tmp_path / "OUT" / "DICOMDIR").is_file()


def test_burn_shows_by_its_exit_code_that_a_file_was_skipped(incoming: Path, tmp_path: Path) -> None:
    (incoming / "NOTES.dcm").write_text("damaged")
    done = run("burn.py", incoming, tmp_path / "OUT")
    assert done.returncode == 3
    assert done.stdout.startswith("17 instances in file-set ")
    assert "NOTES.dcm" in done.stderr
    assert "[FS-FILE-NOT-DICOM]" in done.stderr


@pytest.mark.slow
def test_burn_takes_everything_that_pydicom_ships(tmp_path: Path) -> None:
    done = run("burn.py", SHIPPED, tmp_path / "OUT")
    assert done.returncode == 3
    assert int(done.stdout.split()[0]) > 90


@pytest.mark.slow
def test_burn_never_writes_over_a_file_set(incoming: Path, tmp_path: Path) -> None:
    assert run("burn.py", incoming, tmp_path / "OUT").returncode == 0
    before = (tmp_path / "OUT" / "DICOMDIR").read_bytes()
    assert run("burn.py", incoming, tmp_path / "OUT").returncode == 6
    assert (tmp_path / "OUT" / "DICOMDIR").read_bytes() == before


def test_developer_finds_its_data_sets_again(tmp_path: Path) -> None:
    done = run("developer.py", tmp_path / "OUT")
    assert done.returncode == 0
    assert "patient P1 Doe^Jane" in done.stdout
    assert "128 x 128 pixels of Doe^Jane" in done.stdout


def test_import_copies_every_instance_byte_for_byte(tmp_path: Path) -> None:
    done = run("import_disc.py", DISC, tmp_path / "copies")
    assert done.returncode == 0
    assert done.stdout == "31 instances copied, 0 missing\n"
    originals = {path.read_bytes() for path in DISC.rglob("*") if path.is_file()}
    copies = [path.read_bytes() for path in (tmp_path / "copies").iterdir()]
    assert len(set(copies)) == 31
    assert set(copies) <= originals


def test_import_shows_missing_files(tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    shutil.copytree(DISC, disc)
    (disc / "98892003" / "MR1" / "4919").unlink()
    done = run("import_disc.py", disc, tmp_path / "copies")
    assert done.returncode == 3
    assert done.stdout == "30 instances copied, 1 missing\n"
    assert "98892003/MR1/4919" in done.stderr


def test_import_of_a_folder_without_file_set_reports_it(tmp_path: Path) -> None:
    done = run("import_disc.py", tmp_path, tmp_path / "copies")
    assert done.returncode == 4
    assert "DICOMDIR" in done.stderr
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_wrong_usage_is_answered_with_the_usage(example: str) -> None:
    done = run(example)
    assert done.returncode == 2
    assert f"    python {example} " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("example", ["cluster.py", "developer.py"])
def test_an_error_is_reported_in_one_line(example: str, tmp_path: Path) -> None:
    fileset.index(tmp_path)
    done = run(example, tmp_path)
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1
    assert "file-set is already there" in done.stderr


def test_import_into_a_folder_that_is_there_changes_nothing(tmp_path: Path) -> None:
    done = run("import_disc.py", DISC, tmp_path)
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_cluster_indexes_a_folder_in_place(incoming: Path) -> None:
    done = run("cluster.py", incoming)
    assert done.returncode == 0
    assert done.stdout == f"17 instances in {incoming}, 0 files skipped\n"
    assert (incoming / "DICOMDIR").is_file()
