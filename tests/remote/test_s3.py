"""A bucket of 5,000 objects on a real S3 server."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import synthetic
from tests.support.command import environment, process
from tests.support.s3 import BUCKET, client, s3_server, upload

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("moto", "s3fs"))), reason="needs moto and s3fs (extra remote)"
    ),
]
URL = f"s3://{BUCKET}/disc"
OTHER_WRITER = f"""
import os
import fileset
from fileset.media.remote.medium import RemoteMedium
from tests.support.s3 import BUCKET, client

def put_theirs(medium):
    client(dict(os.environ)).put_object(Bucket=BUCKET, Key="disc/DICOMDIR", Body=b"theirs")
    return []

RemoteMedium.changed = put_theirs
fileset.index({URL!r}, replace=True)
"""
"""A program in which another writer comes at the last moment."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("s3") / "DISC"
    synthetic.ct_series(folder, patients=5, studies=2, series=5, instances=100)
    with s3_server() as variables:
        assert upload(variables, folder, "disc") == 5000
        s3 = client(variables)
        s3.put_object(Bucket=BUCKET, Key="disc/EMPTY/", Body=b"")  # how consoles make a folder
        s3.put_object(Bucket=BUCKET, Key="disc/no file id.dcm", Body=b"x")
        yield variables


def run(server: dict[str, str], *words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    ended = process(*words, env=environment(**server), timeout=600)
    assert ended.returncode == code, ended.stderr
    return ended


def test_a_bucket_is_indexed_listed_checked_and_copied(server: dict[str, str], tmp_path: Path) -> None:
    indexed = json.loads(run(server, "index", URL, "--json", code=3).stdout)
    assert len(indexed["added"]) == 5000
    assert [row["source"] for row in indexed["skipped"]] == ["no file id.dcm"]
    assert "a file-set is already there" in run(server, "index", URL, code=6).stderr
    assert run(server, "list", URL, "--file-ids").stdout.count("\n") == 5000
    assert "5,001 files: 0 errors" in run(server, "check", URL).stdout
    copied = run(server, "extract", URL, "-o", tmp_path / "EX", "PatientID=P1", "SeriesNumber=1", code=3)
    assert "no file id.dcm: not a DICOM file" in copied.stderr  # its name ends in .dcm
    assert len([path for path in (tmp_path / "EX").rglob("*") if path.is_file()]) == 200
    series = f"{URL}/P001/T001/S001"
    run(server, "create", series, "-o", tmp_path / "OUT.iso")
    run(server, "check", tmp_path / "OUT.iso")


def test_the_dicomdir_is_replaced_only_if_it_is_the_one_that_was_seen(server: dict[str, str]) -> None:
    run(server, "index", URL, "--replace", code=3)
    ended = subprocess.run(
        [sys.executable, "-c", OTHER_WRITER],
        env=environment(**server),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "another writer has written a DICOMDIR" in ended.stderr
    assert client(server).get_object(Bucket=BUCKET, Key="disc/DICOMDIR")["Body"].read() == b"theirs"
