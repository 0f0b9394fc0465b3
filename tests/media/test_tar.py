"""Tar archives, compressed files, and archives in a folder are sources; others are named with the remedy."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fileset.errors import FormatError
from fileset.file_id import FileId
from fileset.media.tar import packed
from fileset.media.tar.medium import TarMedium
from tests.support import synthetic
from tests.support.command import Runs

MODES = {"s.tar": "w", "s.tar.gz": "w:gz", "s.tgz": "w:gz", "s.tar.bz2": "w:bz2", "s.tar.xz": "w:xz"}


def tar(path: Path, count: int = 3, dated: float = 0) -> Path:
    """Write an archive of CT files."""
    with tarfile.open(path, MODES[path.name]) as archive:  # type: ignore[call-overload]
        for number in range(1, count + 1):
            data = synthetic.ct(1, 1, 1, number)
            info = tarfile.TarInfo(f"in/{number}.dcm")
            info.size, info.mtime = len(data), dated
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("name", MODES)
def test_tar_archives_are_sources(name: str, run: Runs, tmp_path: Path) -> None:
    source = tar(tmp_path / name)
    assert len(run("create", source, "-o", tmp_path / "SET", "--json").document["added"]) == 3
    document = run("extract", source, "-o", tmp_path / "OUT", "--json").document
    assert document["copied"] == 3
    assert {path.read_bytes() for path in (tmp_path / "OUT").rglob("*.dcm")} == {
        synthetic.ct(1, 1, 1, number) for number in (1, 2, 3)
    }


def test_archives_in_a_folder_are_opened(run: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "IN"
    folder.mkdir()
    tar(folder / "s.tgz", 2)
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("a/b.dcm", synthetic.ct(2))
    (folder / "one.dcm.gz").write_bytes(gzip.compress(synthetic.ct(3)))
    (folder / "plain.dcm").write_bytes(synthetic.ct(4))
    assert len(run("create", folder, "-o", tmp_path / "SET", "--json").document["added"]) == 5
    assert run("extract", folder, "-o", tmp_path / "OUT", "--json").document["copied"] == 5


@pytest.mark.parametrize(("magic", "kind"), [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\x01\0", "RAR")])
def test_other_archives_are_named_with_the_remedy(magic: bytes, kind: str, run: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "IN"
    folder.mkdir()
    (folder / f"s.{kind.lower()}").write_bytes(magic + bytes(500))
    (folder / "plain.dcm").write_bytes(synthetic.ct())
    said = run("create", folder / f"s.{kind.lower()}", "-o", tmp_path / "A", code=4).stderr
    assert f"a {kind} archive, which is not read. Unpack it first" in said
    assert "Unpack it first" in run("create", folder, "-o", tmp_path / "B", code=3).stderr
    assert "Unpack it first" in run("extract", folder, "-o", tmp_path / "C", code=3).stderr


def test_members_that_lead_out_of_the_archive_are_refused(run: Runs, tmp_path: Path) -> None:
    path = tmp_path / "s.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("../../escaped.dcm", "/absolute.dcm", "good.dcm"):
            info = tarfile.TarInfo(name)
            info.size = len(synthetic.ct())
            archive.addfile(info, io.BytesIO(synthetic.ct()))
        link = tarfile.TarInfo("link.dcm")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    medium = TarMedium(str(path))
    assert list(medium.names()) == ["absolute.dcm", "good.dcm"]
    assert len(medium.refused()) == 2
    medium.close()
    run("create", path, "-o", tmp_path / "SET", code=3)
    run("extract", path, "-o", tmp_path / "OUT", "--scan", code=3)


def test_a_truncated_archive_gives_the_files_before_the_cut(run: Runs, tmp_path: Path) -> None:
    path = tar(tmp_path / "s.tar")
    path.write_bytes(path.read_bytes()[: 2 * len(synthetic.ct())])
    run("create", path, "-o", tmp_path / "SET", code=3)


@pytest.mark.parametrize("name", ["s.tar.gz", "s.tar.xz"])  # of bzip2, the last 900 kB are all or nothing
def test_a_truncated_compressed_archive_gives_the_files_before_the_cut(name: str, run: Runs, tmp_path: Path) -> None:
    path = tar(tmp_path / name, 300)
    path.write_bytes(path.read_bytes()[:-200])
    told = run("create", path, "-o", tmp_path / "SET", code=3).stderr
    assert "cut off" in told
    assert int(told.rpartition("instances of")[0].split()[-1]) > 250


def test_a_damaged_block_of_bzip2_costs_only_the_data_after_it(run: Runs, tmp_path: Path) -> None:
    whole = tar(tmp_path / "s.tar").read_bytes()
    first, rest = bz2.compress(whole[:4096]), bytearray(bz2.compress(whole[4096:]))
    rest[len(rest) // 2 :] = b"?" * 300
    (tmp_path / "s.tar.bz2").write_bytes(first + rest)
    told = run("create", tmp_path / "s.tar.bz2", "-o", tmp_path / "SET", code=3).stderr
    assert "the compressed file is damaged" in told
    assert "2 instances of 1 patient" in told


@pytest.mark.parametrize("dated", [0, 1.5])  # a fraction of a second needs another header
@pytest.mark.parametrize("bad", [1, 2, 3])
def test_a_damaged_header_in_an_archive_costs_one_file(bad: int, dated: float, run: Runs, tmp_path: Path) -> None:
    path = tar(tmp_path / "s.tar", 5, dated)
    data = bytearray(path.read_bytes())
    at = data.index(b"in/%d.dcm" % bad)
    data[at + 100 : at + 200] = b"?" * 100
    path.write_bytes(data)
    told = run("create", path, "-o", tmp_path / "SET", code=3).stderr
    assert f"damaged or cut off after {bad - 1} file" in told
    assert "4 instances of 1 patient" in told


def damaged(path: Path, blocks: int, *, chain: bool) -> Path:
    """Write an archive with blocks of junk, or of headers for one long name, after its first file."""
    name = tarfile.TarInfo("L")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 5
    header = name.tobuf(tarfile.GNU_FORMAT) + b"abcd\0".ljust(512, b"\0")
    first = tar(path.with_name("s.tar"), 1).read_bytes().rstrip(b"\0")
    first += bytes(-len(first) % 512)
    path.write_bytes(first + (header * blocks if chain else b"\1" * 512 * blocks + header) + b"\2" * 512)
    return path


@pytest.mark.parametrize("after", ["junk", "names"])
def test_the_search_after_damage_takes_linear_time(after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0
    frombuf = tarfile.TarInfo.frombuf

    def counted(*words: Any) -> tarfile.TarInfo:
        nonlocal tried
        tried += 1
        return frombuf(*words)

    monkeypatch.setattr(tarfile.TarInfo, "frombuf", counted)
    found = []
    for blocks in (2_000, 4_000):
        tried = 0
        assert len(list(TarMedium(str(damaged(tmp_path / "d.tar", blocks, chain=after == "names"))).names())) == 1
        found.append(tried)
    assert found[1] < 2.5 * found[0]


def test_a_name_of_too_many_headers_is_damage(run: Runs, tmp_path: Path) -> None:
    source = damaged(tmp_path / "d.tar", 3_000, chain=True)
    assert "after 1 file: too many headers for one name" in run("list", "--scan", source, code=3).stderr


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "RATIO", 10)
    monkeypatch.setattr(packed, "MARGIN", 1000)
    (tmp_path / "zeros.gz").write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(FormatError, match="grows to more than"):
        TarMedium(str(tmp_path / "zeros.gz"))


def test_a_damaged_stream_is_a_format_error(tmp_path: Path) -> None:
    data = gzip.compress(synthetic.ct())
    (tmp_path / "cut.gz").write_bytes(data[:-20])
    with pytest.raises(FormatError, match="damaged or cut off"):
        TarMedium(str(tmp_path / "cut.gz"))


def test_a_single_compressed_file_has_the_name_without_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "im1.dcm.gz").write_bytes(gzip.compress(synthetic.ct()))
    medium = TarMedium(str(tmp_path / "im1.dcm.gz"))
    with medium.open(FileId.tolerant("im1.dcm")) as file:
        assert file.read() == synthetic.ct()
    medium.close()


def test_of_several_files_with_one_name_in_an_archive_the_one_that_is_taken_is_named(run: Runs, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        for number in (1, 2):
            data = synthetic.ct(1, 1, 1, number)
            info = tarfile.TarInfo("IM1")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    told = run("create", tmp_path / "s.tar", "-o", tmp_path / "SET", code=3).stderr
    assert "IM1: several files have this name; the last one is used" in told
