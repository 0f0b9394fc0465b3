"""Two thousand files on every medium: the same file-set, which others accept, unpack, and judge to be clean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

import fileset
from fileset.cli import main
from tests.media.conftest import UID, below, contents, listed, uids
from tests.support import synthetic
from tests.support.judges import JUDGES, assert_clean, find_tool, run_tool

pytestmark = pytest.mark.slow

COUNTS: Final = {"patients": 4, "studies": 2, "series": 5, "instances": 50}


@frozen
class Kind:
    """A medium that is one file, and the programs of others: each gets its path, and where {out} is, a folder."""

    name: str
    options: tuple[str, ...]
    accept: tuple[tuple[str, ...], ...]
    extract: tuple[str, ...]


_TESTED: Final = ("7zz", "t", "{image}")
_LISTED: Final = ("isoinfo", "-l", "-i", "{image}")
_CHECKED: Final = ("xorriso", "-indev", "{image}", "-check_media", "--")
_UNZIPPED: Final = ("unzip", "-tq", "{image}")
KINDS: Final = {
    "plain": Kind(
        "X.iso",
        (),
        (_TESTED, _LISTED, _CHECKED),
        ("xorriso", "-osirrox", "on", "-indev", "{image}", "-extract", "/", "{out}"),
    ),
    "Joliet": Kind(
        "X.iso",
        ("joliet",),
        (_TESTED, _CHECKED, _LISTED, ("isoinfo", "-J", "-l", "-i", "{image}")),
        ("7zz", "x", "-y", "-tIso", "-o{out}", "{image}"),
    ),
    "UDF bridge": Kind(
        "X.iso",
        ("udf",),
        (_TESTED, _LISTED, _CHECKED, ("7zz", "t", "-tUdf", "{image}")),
        ("7zz", "x", "-y", "-tUdf", "-o{out}", "{image}"),
    ),
    "stored": Kind("X.zip", (), (_TESTED, _UNZIPPED), ("unzip", "-q", "{image}", "-d", "{out}")),
    "deflated": Kind("X.zip", ("compress",), (_TESTED, _UNZIPPED), ("7zz", "x", "-y", "-o{out}", "{image}")),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    assert len(synthetic.ct_series(folder, **COUNTS)) == 2000
    return folder


def create(source: Path, path: Path, options: tuple[str, ...] = ()) -> Path:
    creator = fileset.Creator(path, medium_options=options, file_set_id="ACME_CD1", file_set_uid=UID)
    creator.add(source)
    creator.commit()
    return path


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a folder."""
    return create(source, tmp_path_factory.mktemp("folder") / "SET")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def image(kind: Kind, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As each other medium."""
    return create(source, tmp_path_factory.mktemp("image") / kind.name, kind.options)


def test_it_is_the_same_file_set_with_the_same_contents(
    image: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contents(image) == contents(folder) == below(folder)
    assert len(below(folder)) == 2001
    document = listed(image, capsys)
    assert document == listed(folder, capsys)
    assert {one["sop_instance_uid"] for one in document["instances"]} == uids(**COUNTS)


def test_a_check_finds_nothing(image: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for medium in (image, folder):
        assert main(["check", str(medium), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["findings"] == []
        assert document["summary"]["files"] == 2000


def command(words: tuple[str, ...], image: Path, out: Path) -> int | None:
    name, *arguments = (word.format(image=image, out=out) for word in words)
    return run_tool(name, *arguments).code


@pytest.mark.judges
def test_others_accept_it(kind: Kind, image: Path, tmp_path: Path) -> None:
    here = [words for words in kind.accept if find_tool(words[0])]
    if not here:
        pytest.skip(f"none of {', '.join(words[0] for words in kind.accept)} is installed")
    assert [words for words in here if command(words, image, tmp_path) != 0] == []


@pytest.mark.judges
def test_files_extracted_by_other_programs_are_clean(kind: Kind, image: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert command(kind.extract, image, out) == 0
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # xorriso keeps the permissions of a disc, which is read-only
    assert below(out) == below(folder)
    assert_clean([JUDGES[name](out) for name in ("dciodvfy", "dcdirdmp", "links")], frozenset(uids(**COUNTS)))
