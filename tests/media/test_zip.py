"""ZIP archives: other programs accept ours, members are read at random, and hostile archives do no harm."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import pytest

import fileset
from fileset.errors import FilesetError, FormatError, MediumError, RefusedError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import FileInfo
from fileset.media.zip.format import LOCAL, Method
from fileset.media.zip.medium import Zip
from fileset.media.zip.reader import ZipMedium
from fileset.media.zip.stream import OneWay
from fileset.media.zip.writer import LARGE, ZipBuilder
from tests.support import judges, synthetic
from tests.support.command import Runs
from tests.support.long import LONG
from tests.support.tries import Tries

STORED = Zip()
COMPRESSED = Zip(compress=True)
EPOCH = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    for path in synthetic.ct_series(folder, 2, 2, 2, 3):
        os.utime(path, (EPOCH.timestamp(), EPOCH.timestamp()))
    return folder


def create(source: Path, path: Path, kind: Zip = STORED) -> fileset.Report:
    options = ["compress"] * kind.compress
    with fileset.Creator(path, medium_options=options, file_set_id="ZIPPED", file_set_uid="1.2.3") as creator:
        creator.add(source)
    return creator.report


def listed(path: Path) -> list[tuple[str, str, object, object]]:
    with fileset.Reader(path) as reader:
        assert reader.findings == []
        rows = [(record, record.file_id, record.keys()) for record in reader.instances]
        return [
            (file_id.path, record.sop_instance_uid, keys, digest(record.open))
            for record, file_id, keys in rows
            if file_id
        ]


def digest(opened: Callable[[], BinaryIO]) -> str:
    with opened() as file:
        return hashlib.sha256(file.read()).hexdigest()


# --- writing --------------------------------------------------------------------------------------------------------


@pytest.mark.judges
@pytest.mark.parametrize("kind", [STORED, COMPRESSED], ids=["stored", "deflated"])
@pytest.mark.parametrize("command", [("unzip", "-t"), ("7zz", "t"), (sys.executable, "-m", "zipfile", "-t")])
def test_other_programs_accept_our_archives(command: tuple[str, ...], kind: Zip, source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "set.zip", kind)
    output = judges.run_tool(command[0], *command[1:], tmp_path / "set.zip")
    assert not output.failure(command[0]), output.lines


@pytest.mark.judges
@pytest.mark.parametrize("kind", [STORED, COMPRESSED], ids=["stored", "deflated"])
def test_every_judge_accepts_the_files_that_unzip_unpacks(kind: Zip, source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / "set.zip", kind)
    output = judges.run_tool("unzip", "-q", tmp_path / "set.zip", "-d", tmp_path / "out")
    assert not output.failure("unzip"), output.lines
    judges.judge_file_set(tmp_path / "out", [one.sop_instance_uid for one in report.added])


def test_folder_and_archives_hold_the_same(source: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "folder", file_set_id="ZIPPED", file_set_uid="1.2.3") as creator:
        creator.add(source)
    create(source, tmp_path / "stored.zip")
    create(source, tmp_path / "deflated.zip", COMPRESSED)
    folder = listed(tmp_path / "folder")
    assert len(folder) == 24
    assert listed(tmp_path / "stored.zip") == listed(tmp_path / "deflated.zip") == folder
    dicomdir = (tmp_path / "folder" / "DICOMDIR").read_bytes()
    assert zipfile.ZipFile(tmp_path / "stored.zip").read("DICOMDIR") == dicomdir


def test_members_are_stored_unless_asked_for_and_the_dicomdir_is_at_the_top(source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / "stored.zip")
    create(source, tmp_path / "deflated.zip", COMPRESSED)
    stored = zipfile.ZipFile(tmp_path / "stored.zip").infolist()
    deflated = zipfile.ZipFile(tmp_path / "deflated.zip").infolist()
    names = [one.file_id.path for one in report.added] + ["DICOMDIR"]
    assert [info.filename for info in stored] == [info.filename for info in deflated] == names
    assert {info.compress_type for info in stored} == {zipfile.ZIP_STORED}
    assert {info.compress_type for info in deflated} == {zipfile.ZIP_DEFLATED}
    assert all(info.extract_version == 20 and info.flag_bits == 0 for info in stored + deflated)


def test_a_file_that_deflating_does_not_shrink_is_stored(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(5000)
    write(tmp_path / "noise.zip", {"NOISE": [noise], "ZEROS": [bytes(5000)]}, compress=True)
    kinds = {info.filename: info.compress_type for info in zipfile.ZipFile(tmp_path / "noise.zip").infolist()}
    assert kinds == {"NOISE": zipfile.ZIP_STORED, "ZEROS": zipfile.ZIP_DEFLATED}


def test_files_keep_their_dates(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "set.zip")
    with fileset.Reader(tmp_path / "set.zip") as reader:
        assert {record.inquire().modified for record in reader.instances} == {EPOCH}
        assert {record.inquire().size for record in reader.instances} == {len(synthetic.ct())}


def test_the_same_input_and_source_date_epoch_give_the_same_bytes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(source, copy, copy_function=shutil.copyfile)  # with new dates
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    create(source, tmp_path / "one.zip")
    create(copy, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with fileset.Reader(tmp_path / "one.zip") as reader:
        assert {record.inquire().modified for record in reader.instances} == {datetime.fromtimestamp(1500000000, UTC)}


def test_a_source_date_epoch_that_is_none_is_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(RuleError, match="SOURCE_DATE_EPOCH"):
        create(source, tmp_path / "set.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC), (2019, 12, 31, 23, 59, 58)),
        (datetime(2200, 1, 1, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_dates_that_ms_dos_does_not_have_become_the_nearest(
    date: datetime, shown: tuple[int, ...], tmp_path: Path
) -> None:
    write(tmp_path / "dated.zip", {"A": [b"a"]}, date=date)
    assert zipfile.ZipFile(tmp_path / "dated.zip").getinfo("A").date_time == shown


# --- the writer by itself -------------------------------------------------------------------------------------------


class Pipe(io.BytesIO):
    """A file without seeking."""

    def seekable(self) -> bool:
        return False

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        raise io.UnsupportedOperation

    def tries(self) -> int:
        raise io.UnsupportedOperation


def build(
    file: BinaryIO, members: dict[str, list[bytes]], *, compress: bool = False, date: datetime | None = None
) -> None:
    builder = ZipBuilder(file, created=EPOCH, compress=compress)
    builder.announce([FileId.tolerant(name) for name in members])
    for name, chunks in members.items():
        builder.add(FileId.tolerant(name), chunks, FileInfo(len(b"".join(chunks)), date))
    builder.finish()


def write(path: Path, members: dict[str, list[bytes]], *, compress: bool = False, date: datetime | None = None) -> None:
    with path.open("w+b") as file:
        build(file, members, compress=compress, date=date)


MEMBERS = {
    "EMPTY": [],
    "ONE": [b"one"],
    "A/B/MANY": [b"x" * 700000, b"y" * 700000, b""],
    "GR\N{LATIN CAPITAL LETTER O WITH DIAERESIS}SSE.TXT": [b"z"],
}


@pytest.mark.judges
@pytest.mark.parametrize("compress", [False, True], ids=["stored", "deflated"])
@pytest.mark.parametrize("kind", [io.BytesIO, Pipe])
def test_any_chunks_come_back(kind: type[io.BytesIO], *, compress: bool, tmp_path: Path) -> None:
    file = kind()
    build(file, MEMBERS, compress=compress)
    (tmp_path / "any.zip").write_bytes(file.getvalue())
    with zipfile.ZipFile(tmp_path / "any.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: b"".join(chunks) for name, chunks in MEMBERS.items()
        }
        # Only a member that came in several pieces, into a pipe, has its sizes after its data.
        assert [info.filename for info in archive.infolist() if info.flag_bits & 8] == ["A/B/MANY"] * (kind is Pipe)
    assert contents(tmp_path / "any.zip") == {name: b"".join(chunks) for name, chunks in MEMBERS.items()}
    output = judges.run_tool("unzip", "-t", tmp_path / "any.zip")
    assert not output.failure("unzip"), output.lines


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(RuleError, match="not text"):
        build(io.BytesIO(), {"A\udc80": [b""]})


def test_a_member_beyond_four_gigabytes_must_be_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileset.media.zip.writer._LIMIT", 1000)
    builder = ZipBuilder(io.BytesIO(), created=EPOCH)
    with pytest.raises(RuleError, match="ZIP64"):
        builder.add(FileId("LARGE"), [bytes(600), bytes(600)])


def test_a_file_that_grows_while_it_is_copied_is_an_error() -> None:
    builder = ZipBuilder(io.BytesIO(), created=EPOCH)
    with pytest.raises(MediumError, match="GROWING: grew"):
        builder.add(FileId("GROWING"), [b"four", b"more"], FileInfo(4, None))


class Sparse(io.RawIOBase):
    """A file that stores only bytes other than zero."""

    def __init__(self, path: Path, *, seekable: bool) -> None:
        self.file = path.open("w+b")
        self.can_seek = seekable

    def seekable(self) -> bool:
        return self.can_seek

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self.file.seek(offset, whence)

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        if len(view) == len(ZEROS):
            self.file.seek(len(view), os.SEEK_CUR)
        else:
            self.file.write(view)
        return len(view)


ZEROS = bytes(1 << 20)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seekable",
    [
        True,
        pytest.param(False, marks=pytest.mark.skipif(not LONG, reason="set FILESET_LONG=1")),
    ],
)
def test_zip64_is_used_where_it_is_needed(*, seekable: bool, tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    sparse = Sparse(path, seekable=seekable)
    builder = ZipBuilder(sparse, created=EPOCH)  # type: ignore[arg-type]
    size = (LARGE // len(ZEROS) + 32) * len(ZEROS)
    assert size > 1 << 32
    for name, length in (("BEFORE", 5), ("LARGE", size), ("AFTER", 7)):
        chunks = (ZEROS for _ in range(length // len(ZEROS))) if length > len(ZEROS) else iter([b"a" * length])
        builder.add(FileId(name), chunks, FileInfo(length, None))
    builder.finish()
    sparse.file.close()
    with zipfile.ZipFile(path) as archive:
        assert {info.filename: (info.file_size, info.extract_version) for info in archive.infolist()} == {
            "BEFORE": (5, 20),
            "LARGE": (size, 45),
            "AFTER": (7, 45),
        }
        assert archive.read("AFTER") == b"a" * 7
    medium = ZipMedium(str(path))
    try:
        assert medium.inquire_file(FileId("LARGE")).size == size
        with medium.open(FileId("AFTER")) as file:
            assert file.read() == b"a" * 7
        with medium.open(FileId("LARGE")) as file:
            file.seek(-3, os.SEEK_END)
            assert file.read() == bytes(3)
    finally:
        medium.close()


@pytest.mark.slow
def test_more_members_than_sixteen_bits_count(tmp_path: Path) -> None:
    write(tmp_path / "many.zip", {f"D{n // 1000:03d}/F{n:06d}": [b"%d" % n] for n in range(65_600)})
    assert len(zipfile.ZipFile(tmp_path / "many.zip").namelist()) == 65_600
    medium = ZipMedium(str(tmp_path / "many.zip"))
    with medium.open(FileId("D065\\F065599")) as file:
        assert file.read() == b"65599"
    medium.close()


# --- standard output ------------------------------------------------------------------------------------------------


def run_create(*arguments: object, stdout: int | BinaryIO = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    code = "import fileset, sys\nwith fileset.Creator('-') as creator: creator.add(*sys.argv[1:])"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=60)


def test_an_archive_is_streamed_to_standard_output(source: Path, tmp_path: Path) -> None:
    done = run_create(source)
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "out.zip").write_bytes(done.stdout)
    create(source, tmp_path / "set.zip")
    assert listed(tmp_path / "out.zip") == listed(tmp_path / "set.zip")


def test_standard_output_may_be_a_file_that_has_something_already(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    path.write_bytes(b"before")
    with path.open("ab") as file:
        assert run_create(source, stdout=file).returncode == 0
    assert path.read_bytes().startswith(b"beforePK")
    assert len(listed(path)) == 24


def test_a_stream_that_was_not_finished_is_no_archive(source: Path, tmp_path: Path) -> None:
    done = run_create(source, tmp_path / "not there")
    assert done.returncode != 0
    assert zipfile.is_zipfile(io.BytesIO(done.stdout)) is False


def test_a_terminal_is_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(RefusedError, match="terminal"):
        fileset.Creator("-")


# --- reading --------------------------------------------------------------------------------------------------------


def contents(path: Path) -> dict[str, bytes]:
    """All that can be read of an archive, by name."""
    medium = ZipMedium(str(path))
    try:
        return dict(readable(medium))
    finally:
        medium.close()


def readable(medium: ZipMedium) -> Iterator[tuple[str, bytes]]:
    for name in medium.names():
        with medium.open(FileId.tolerant(name)) as file:
            yield name, file.read()


def zipped(
    path: Path, members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_at_random(method: int, tmp_path: Path) -> None:
    data = random.Random(7).randbytes(1000) * 500
    medium = ZipMedium(str(zipped(tmp_path / "a.zip", [("DICOMDIR", b""), ("DATA", data)], method)))
    dice = random.Random(8)
    with medium.open(FileId("DATA")) as file:
        for _ in range(300):
            at, size = dice.randrange(len(data) + 10), dice.choice((0, 1, 100, 100_000))
            file.seek(at)
            assert file.tell() == at
            assert file.read(size) == data[at : at + size]
        assert file.seek(-5, os.SEEK_END) == len(data) - 5
        assert file.read() == data[-5:]
        assert file.read() == b""
    medium.close()


def test_a_header_of_a_deflated_member_costs_no_more_than_itself(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("DATA", bytes(20 << 20))], zipfile.ZIP_DEFLATED)
    medium = ZipMedium(str(path))
    before = time.process_time()
    for _ in range(100):
        with medium.open(FileId("DATA")) as file:
            assert file.read(8192) == bytes(8192)
    assert time.process_time() - before < 0.5
    medium.close()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_flipped_bit_in_the_data_is_seen(method: int, tmp_path: Path) -> None:
    data = random.Random(7).randbytes(100_000)
    path = zipped(tmp_path / "a.zip", [("DATA", data)], method)
    raw = bytearray(path.read_bytes())
    raw[50_000] ^= 1
    path.write_bytes(raw)
    with pytest.raises(FormatError, match="DATA"):
        contents(path)


@pytest.mark.parametrize("name", ["dicom/im1", "Dicom/Im1.dcm", "DICOM/IM1.;1", "DICOM/IM1.", "dicom/im1;1"])
def test_names_are_found_in_every_form_that_media_give_them(name: str, tmp_path: Path) -> None:
    medium = ZipMedium(str(zipped(tmp_path / "a.zip", [("dicomdir", b"d"), (name, b"x")])))
    for file_id in (FileId("DICOM\\IM1"), DICOMDIR):
        with medium.open(file_id) as file:
            assert file.read() in (b"x", b"d")
    medium.close()


def test_a_file_set_in_one_folder_of_the_archive_is_read(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "set.zip")
    members = [(f"Study of today/{name}", data) for name, data in contents(tmp_path / "set.zip").items()]
    zipped(tmp_path / "packed.zip", [*members, ("README.TXT", b"hello")])
    assert listed(tmp_path / "packed.zip") == listed(tmp_path / "set.zip")


def test_an_archive_after_a_program_is_read(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "set.zip")
    (tmp_path / "setup.zip").write_bytes(b"MZ" + bytes(5000) + (tmp_path / "set.zip").read_bytes())
    assert listed(tmp_path / "setup.zip") == listed(tmp_path / "set.zip")


def test_an_archive_without_a_dicomdir_is_no_file_set(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", [("README", b"hello")])
    with pytest.raises(FormatError, match="no DICOMDIR"):
        fileset.Reader(tmp_path / "a.zip")


def test_a_member_that_an_archive_lacks_is_reported(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "set.zip")
    with pytest.raises(MediumError, match="NOTHERE: not on the medium"):
        ZipMedium(str(tmp_path / "set.zip")).open(FileId("NOTHERE"))


def test_inquiry_shows_the_size_of_the_archive_and_the_space_beside_it(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "set.zip")
    with fileset.Reader(tmp_path / "set.zip") as reader:
        info = reader.medium_info()
    assert info.used == (tmp_path / "set.zip").stat().st_size
    assert info.free
    assert (info.format, info.largest_file) == ("ZIP", None)


def test_dates_of_others_are_read(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("A", (2001, 2, 3, 4, 5, 6))
    odd = zipfile.ZipInfo("B", (1980, 0, 0, 0, 0, 0))
    medium = ZipMedium(str(zipped(tmp_path / "a.zip", [(info, b""), (odd, b"")])))
    assert medium.inquire_file(FileId("A")).modified == datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert medium.inquire_file(FileId("B")).modified == datetime(1980, 1, 1, tzinfo=UTC)


# --- archives that are refused --------------------------------------------------------------------------------------


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def encrypted(path: Path) -> None:
    zipped(path, [("GOOD", b"good"), ("BAD", b"bad")])
    change(path, b"PK\1\2", "BAD", put("<H", 8, 1))


def change(path: Path, signature: bytes, name: str, edit: Callable[[bytearray], None]) -> None:
    """Edit the header before a name."""
    raw = bytearray(path.read_bytes())
    size = {b"PK\1\2": 46, b"PK\3\4": 30}[signature]
    at = next(
        at - size
        for at in range(size, len(raw))
        if raw[at : at + len(name)] == name.encode() and raw[at - size : at - size + 4] == signature
    )
    header = raw[at : at + size]
    edit(header)
    raw[at : at + size] = header
    path.write_bytes(raw)


def put(form: str, at: int, *values: int) -> Callable[[bytearray], None]:
    return lambda header: struct.pack_into(form, header, at, *values)


def overlapping(path: Path) -> None:
    """Two members of the directory that share one member of the archive."""
    zipped(path, [("GOOD", b"good"), ("BAD", b"bad"), ("BAE", b"bad")])
    places = {info.filename: info.header_offset for info in zipfile.ZipFile(path).infolist()}
    change(path, b"PK\1\2", "BAE", put("<I", 42, places["BAD"]))


def reaching(path: Path) -> None:
    """A member whose length includes the next one."""
    zipped(path, [("GOOD", b"good"), ("BAD", b"bad"), ("BAE", b"bad")])
    for signature, at in ((b"PK\1\2", 20), (b"PK\3\4", 18)):
        change(path, signature, "BAD", put("<2I", at, 30, 30))


def lzma(path: Path) -> None:
    zipped(path, [("GOOD", b"good")])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("BAD", b"bad" * 100)


def plain(*members: tuple[str | zipfile.ZipInfo, bytes]) -> Callable[[Path], object]:
    return lambda path: zipped(path, [("GOOD", b"good"), *members])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (plain(("../BAD", b"bad")), r"'\.\.'"),
        (plain(("A/../../BAD", b"bad")), r"'\.\.'"),
        (plain(("/BAD", b"bad")), "absolute"),
        (plain(("C:/BAD", b"bad")), "'C:'"),
        (plain(("C:BAD", b"bad")), "'C:BAD'"),
        (plain(("A//BAD", b"bad")), "''"),
        (plain(("BAD\nBAD", b"bad")), "names no file"),
        (plain(("..\\BAD", b"bad")), "names no file"),
        (plain(("./A/../BAD", b"bad")), "names no file"),
        (plain(("./BAD", b"bad"), (".\\BAD", b"bad")), "several members"),
        (plain(("BAD ", b"bad")), "blanks"),
        (plain(("BAD", b"bad"), ("BAD", b"bad")), "several members"),
        (plain(("BAD", b"bad"), ("Bad", b"bad")), "several members"),
        (plain((with_mode("BAD", 0o120777), b"../../etc/passwd")), "link"),
        (plain((with_mode("BAD", 0o010644), b"")), "link or device"),
        (encrypted, "encrypted"),
        (overlapping, "shares bytes"),
        (reaching, "shares bytes"),
        (lzma, "neither stored"),
    ],
)
def test_a_bad_member_is_refused_with_a_reason_and_the_rest_is_read(
    make: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    make(tmp_path / "a.zip")
    assert contents(tmp_path / "a.zip") == {"GOOD": b"good"}
    medium = ZipMedium(str(tmp_path / "a.zip"))
    assert medium.damage()
    assert all(re.search(reason, note) for note in medium.damage()), medium.damage()
    with pytest.raises((FormatError, MediumError), match="BAD"):
        medium.open(FileId("BAD"))
    medium.close()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (put("<I", 0, 0), "bytes that are not a member"),
        (put("<H", 6, 1), "has another compression"),
        (put("<H", 8, Method.DEFLATED), "has another compression"),
        (put("<H", 26, 2), "has another name"),
        (put("<H", 28, 60_000), "shares bytes"),
    ],
)
def test_a_member_whose_own_header_differs_is_not_read(
    edit: Callable[[bytearray], None], reason: str, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "a.zip", [("GOOD", b"good"), ("BAD", b"bad"), ("LAST", b"last")])
    change(path, b"PK\3\4", "BAD", edit)
    medium = ZipMedium(str(path))
    with pytest.raises(FormatError, match=f"BAD: .*{reason}"):
        medium.open(FileId("BAD"))
    with medium.open(FileId("LAST")) as file:
        assert file.read() == b"last"
    medium.close()


@pytest.mark.parametrize(("said", "reason"), [(2_000_000, "not 2000000"), (99_999, "more than the 99999"), (0, "")])
def test_declared_sizes_are_not_believed(said: int, reason: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("BAD", random.Random(3).randbytes(100) * 1000)], zipfile.ZIP_DEFLATED)
    change(path, b"PK\1\2", "BAD", put("<I", 24, said))
    if said:
        with pytest.raises(FormatError, match=reason):
            contents(path)
    else:
        assert contents(path) == {"BAD": b""}


def test_a_stored_member_of_another_size_is_not_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("BAD", b"bad")])
    change(path, b"PK\1\2", "BAD", put("<I", 24, 1 << 31))
    with pytest.raises(FormatError, match="stored in 3 bytes"):
        contents(path)


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return b"".join([*(packer.compress(ZEROS) for _ in range(size // len(ZEROS))), packer.flush()])


def test_a_decompression_bomb_goes_off_in_a_small_room(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("DICOMDIR", "w") as file:
        for _ in range(128):
            file.write(ZEROS)
    with limited_memory(), pytest.raises(FormatError, match="decompression bomb"):
        fileset.Reader(path)


def test_many_small_bombs_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileset.media.zip.member.SMALL_ARCHIVE", 8 << 20)
    path = zipped(tmp_path / "a.zip", [(f"F{n}", bytes(1 << 20)) for n in range(10)], zipfile.ZIP_DEFLATED)
    with limited_memory(), pytest.raises(FormatError, match="decompression bomb"):
        contents_digests(path)


def test_reading_a_member_again_does_not_count_against_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.media.zip.member.SMALL_ARCHIVE", 8 << 20)
    contents_digests(zipped(tmp_path / "a.zip", [("F", bytes(1 << 20))], zipfile.ZIP_DEFLATED), times=10)


def test_quoted_overlaps_are_no_bomb(tmp_path: Path) -> None:
    """The bomb of D. Fifield: the data of each member contain the local headers of all later ones, in stored blocks."""
    kernel = bomb(16 << 20)
    names = [f"F{n:03d}" for n in range(50)]
    local = [LOCAL.pack(b"PK\3\4", 20, 0, 8, 0, 33, 0, 0, 0, 4, 0) + name.encode() for name in names]
    data, places, sizes, at = b"", [], [], 0
    for header in local[:-1]:
        places.append(at)
        data += header + struct.pack("<BHH", 0, 34, 34 ^ 0xFFFF)
        at += len(header) + 5
    places.append(at)
    data += local[-1] + kernel
    sizes = [len(data) - place - 34 for place in places]
    central = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, size, 1 << 30, 4, 0, 0, 0, 0, 0, place)
        + name.encode()
        for name, place, size in zip(names, places, sizes, strict=True)
    )
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 50, 50, len(central), len(data), 0)
    (tmp_path / "a.zip").write_bytes(data + central + end)
    assert contents(tmp_path / "a.zip") == {}
    assert len(ZipMedium(str(tmp_path / "a.zip")).damage()) == 50


# --- random damage --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[STORED, COMPRESSED], ids=["stored", "deflated"])
def intact(request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("intact") / "set.zip"
    create(source, path, request.param)
    return path


def survives(path: Path, truth: frozenset[bytes]) -> None:
    """Reading returns the written bytes, or fails with an error."""
    begin = time.monotonic()
    try:
        with fileset.Reader(path) as reader:
            for record in reader.instances:
                try:
                    with record.open() as file:
                        assert file.read() in truth
                except FilesetError:
                    pass
    except FilesetError:
        pass
    assert time.monotonic() - begin < 1


@pytest.mark.slow
def test_300_random_flips_give_the_written_bytes_or_an_error(intact: Path, tmp_path: Path, tries: Tries) -> None:
    truth, raw, dice = frozenset(contents(intact).values()), intact.read_bytes(), random.Random(11)
    behind = zipfile.ZipFile(intact).start_dir
    with limited_memory():
        for number in range(300):
            damaged = bytearray(raw)
            begin = (0, behind, len(raw) - 22)[number % 3]
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(begin, len(raw))] ^= 1 << dice.randrange(8)
            (tmp_path / "a.zip").write_bytes(damaged)
            survives(tmp_path / "a.zip", truth)
    tries("archives with random flips", 300)


def test_an_archive_that_was_cut_off_gives_its_whole_members_or_an_error(intact: Path, tmp_path: Path) -> None:
    raw, dice, read = intact.read_bytes(), random.Random(12), 0
    with zipfile.ZipFile(intact) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    for end in [*range(50), *(dice.randrange(len(raw)) for _ in range(100)), *range(len(raw) - 50, len(raw))]:
        (tmp_path / "a.zip").write_bytes(raw[:end])
        with suppress(FilesetError), closing(ZipMedium(str(tmp_path / "a.zip"))) as medium:
            assert medium.damage()
            for name in medium.names():
                with medium.open(FileId.tolerant(name)) as file:
                    assert file.read() == whole[name]
            read += 1
    assert read


def test_any_bytes_called_zip_give_an_error(tmp_path: Path) -> None:
    dice = random.Random(13)
    for _ in range(100):
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, *(dice.randrange(70) for _ in range(4)), dice.choice((0, 5)))
        (tmp_path / "a.zip").write_bytes(dice.randbytes(dice.randrange(100)) + end)
        with pytest.raises(FilesetError):
            fileset.Reader(tmp_path / "a.zip")


def test_an_archive_of_nothing_is_no_file_set(tmp_path: Path) -> None:
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    with pytest.raises(FormatError, match="no DICOMDIR: not a file-set"):
        fileset.Reader(tmp_path / "a.zip")


# --- changes --------------------------------------------------------------------------------------------------------


def updated(path: Path) -> set[str]:
    """Add a file, remove another, as an Updater would; the names before."""
    medium = STORED.updatable(str(path))
    names = set(medium.names())
    removed = FileId.tolerant(max(names))
    with medium.open(DICOMDIR) as file:
        dicomdir = file.read()
    with medium.transaction() as transaction:
        transaction.announce([FileId("NEW")], [removed])
        transaction.write(FileId("NEW"), [b"new"], FileInfo(3, EPOCH))
        transaction.settle()
        transaction.publish([dicomdir], lambda _: None)
    medium.close()
    return names


def test_a_change_carries_over_kept_files_with_date_and_compression(intact: Path, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    shutil.copy(intact, path)
    before, kinds = contents(path), {info.compress_type for info in zipfile.ZipFile(path).infolist()}
    names = updated(path)
    after = contents(path)
    assert after.pop("NEW") == b"new"
    assert {name: before[name] for name in names - {max(names)}} == after
    infos = {info.filename: info for info in zipfile.ZipFile(path).infolist()}
    assert kinds <= {info.compress_type for info in infos.values()}
    assert {info.date_time for name, info in infos.items() if name != "DICOMDIR"} == {(2020, 2, 3, 4, 5, 6)}
    assert os.listdir(tmp_path) == ["set.zip"]


def test_a_damaged_archive_is_not_changed(intact: Path, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    shutil.copy(intact, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../BAD", b"bad")
    before = path.read_bytes()
    with pytest.raises(FormatError, match="carried over"):
        updated(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["set.zip"]


def test_a_full_medium_leaves_the_old_archive(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "set.zip"
    create(source, path)
    before = path.read_bytes()
    fail_after(monkeypatch, 5000)
    with pytest.raises(MediumError, match="No space left"), fileset.Creator(path, replace=True) as creator:
        creator.add(source)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["set.zip"]


def fail_after(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Let the writer find the medium full after so many bytes."""
    plain_write = ZipBuilder._write  # noqa: SLF001  # the medium is replaced, where the writer meets it

    def limited(builder: ZipBuilder, data: bytes | bytearray) -> None:
        plain_write(builder, data)
        if builder._at > size:  # noqa: SLF001
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr(ZipBuilder, "_write", limited)


# --- limits ---------------------------------------------------------------------------------------------------------


def contents_digests(path: Path, times: int = 1) -> None:
    """Read everything, keep nothing."""
    medium = ZipMedium(str(path))
    try:
        for name in list(medium.names()) * times:
            with medium.open(FileId.tolerant(name)) as file:
                while file.read(1 << 20):
                    pass
    finally:
        medium.close()


@contextmanager
def limited_memory() -> Iterator[None]:
    """Limit the process to 120 MB more than it has now."""
    resource = pytest.importorskip("resource", reason="no limits on this system")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as status:
        now = int(status.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (120 << 20), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("spelling", [lambda name: name.replace("/", "\\"), lambda name: "./" + name])
def test_harmless_spellings_of_names_are_read(tmp_path: Path, spelling: Callable[[str], str]) -> None:
    """PowerShell and .NET write backslashes, bsdtar a leading "./"."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("DICOMDIR", "A/B/C"):
            info = zipfile.ZipInfo("x")
            info.filename = spelling(name)
            archive.writestr(info, name.encode())
    with closing(ZipMedium(str(tmp_path / "a.zip"))) as medium:
        assert list(medium.names()) == ["A/B/C", "DICOMDIR"]
        assert not medium.damage()
        with medium.open(FileId("A\\B\\C")) as file:
            assert file.read() == b"A/B/C"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("streamed", [False, True])
def test_an_archive_without_its_directory_is_read_from_local_headers(
    tmp_path: Path, method: int, *, streamed: bool
) -> None:
    target = BytesIO()
    files = {f"A/F{number}": random.Random(number).randbytes(3000) + bytes(70_000) for number in range(5)}
    pipe = cast("BinaryIO", OneWay(target)) if streamed else target
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    raw = target.getvalue()
    (tmp_path / "a.zip").write_bytes(raw[: raw.index(b"PK\1\2")])
    with closing(ZipMedium(str(tmp_path / "a.zip"))) as medium:
        assert list(medium.names()) == list(files)
        assert "own headers" in medium.damage()[0]
        for name, data in files.items():
            with medium.open(FileId.tolerant(name)) as file:
                assert file.read() == data


@pytest.mark.slow
def test_a_dicomdir_that_inflates_a_thousand_times_is_stopped_before_it_takes_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "BOMB.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("DICOMDIR", "w") as member:
        for _ in range(600):
            member.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="decompression bomb"):
            fileset.Reader(path)
        assert tracemalloc.get_traced_memory()[1] < 300 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["FULL/", "FULL\\"])
@pytest.mark.parametrize("cut", ["", "the central directory"])
def test_a_folder_with_contents_is_named(name: str, cut: str, tmp_path: Path, run: Runs) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("EMPTY/", b"")
        archive.writestr(zipfile.ZipInfo(name), synthetic.ct(1, 1, 1, 1))
        archive.writestr("CT", synthetic.ct(1, 1, 1, 2))
    if cut:
        data = path.read_bytes()
        path.write_bytes(data[: data.index(b"PK\1\2")])
    done = run("extract", path, "-o", tmp_path / "OUT", code=3)
    assert "FULL/: the name of a folder, but with contents" in done.stderr
    assert "EMPTY" not in done.stderr


def test_a_folder_with_contents_is_named_where_its_archive_ends_too_early(tmp_path: Path, run: Runs) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("EMPTY/", b"")
        archive.writestr("CT", synthetic.ct(1, 1, 1, 2))
        archive.writestr(zipfile.ZipInfo("FULL/"), synthetic.ct(1, 1, 1, 1))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"PK\1\2") - 100])
    said = run("extract", path, "-o", tmp_path / "OUT", code=3).stderr
    assert "FULL/: " in said
    assert "EMPTY" not in said


@pytest.mark.parametrize("verb", ["list", "info", "check", "extract", "repair"])
def test_each_member_with_an_unusable_name_is_named_if_there_is_no_other(verb: str, tmp_path: Path, run: Runs) -> None:
    archive = tmp_path / "BAD.zip"
    zipped(archive, [(f"../X{number}", synthetic.ct(number)) for number in range(5)])
    more = ("-o", tmp_path / "OUT") if verb == "extract" else ()
    told = run(verb, archive, *more, code=4).stderr
    assert all(told.count(f"../X{number}: a name that can do harm") == 1 for number in range(5))
