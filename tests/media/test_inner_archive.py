"""DICOM files in an archive that is a member of an archive, of an image or of an indexed folder are never lost in silence."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.support import synthetic
from tests.support.command import Runs


def _zip(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, content)
    return target.getvalue()


def _tar(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


KINDS: Final[dict[str, Callable[[str, bytes], bytes]]] = {
    "a.zip": _zip,
    "a.tar": _tar,
    "a.tgz": lambda name, content: gzip.compress(_tar(name, content)),
    "a.dcm.gz": lambda _, content: gzip.compress(content),
    "a.7z": lambda _, content: b"7z\xbc\xaf\x27\x1c" + content,
}


def _outer(folder: Path, kind: str, name: str, content: bytes) -> Path:
    """A ZIP archive of one DICOM file, and of one archive of a file."""
    path = folder / "OUTER.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("IM1", synthetic.ct(1, 1, 1, 1))
        archive.writestr(kind, KINDS[kind](name, content))
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", ["create", "extract"])
def test_an_archive_with_dicom_files_within_an_archive_is_named(
    tmp_path: Path, run: Runs, verb: str, kind: str
) -> None:
    outer = _outer(tmp_path, kind, "IM2", synthetic.ct(1, 1, 1, 2))
    told = run(verb, outer, "-o", tmp_path / "OUT", code=3).stderr
    assert f"{kind}: a " in told
    assert "archive among the files, which is not read: unpack it first" in told


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tgz"])
@pytest.mark.parametrize("verb", ["create", "extract"])
def test_an_archive_without_dicom_files_within_an_archive_is_a_file_like_others(
    tmp_path: Path, run: Runs, verb: str, kind: str
) -> None:
    outer = _outer(tmp_path, kind, "viewer.exe", b"MZ")
    assert f"left out 1 file that is not DICOM: {kind}" in run(verb, outer, "-o", tmp_path / "OUT").stderr


def test_an_archive_with_dicom_files_in_an_indexed_folder_is_named(tmp_path: Path, run: Runs) -> None:
    (tmp_path / "IM1").write_bytes(synthetic.ct(1, 1, 1, 1))
    (tmp_path / "more.zip").write_bytes(_zip("IM2", synthetic.ct(1, 1, 1, 2)))
    assert "more.zip: a ZIP archive among the files" in run("index", tmp_path, code=3).stderr


def test_extract_of_an_archive_with_only_archives_names_what_is_lost(tmp_path: Path, run: Runs) -> None:
    with zipfile.ZipFile(tmp_path / "INNER.zip", "w") as inner:
        inner.writestr("IM1", synthetic.ct(1))
    with zipfile.ZipFile(tmp_path / "OUTER.zip", "w") as outer:
        outer.write(tmp_path / "INNER.zip", "INNER.zip")
    said = run("extract", tmp_path / "OUTER.zip", "-o", tmp_path / "OUT", code=4).stderr
    assert "INNER.zip: a ZIP archive among the files, which is not read: unpack it first" in said
    assert "fileset create" not in said
