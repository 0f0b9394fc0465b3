"""Remote folders are sources and media like any other; their files are read in batches and never changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.errors import MediumError, RefusedError, RuleError, without_password
from fileset.file_id import FileId
from fileset.media.remote.access import is_url
from fileset.media.remote.file import SMALLEST_BLOCK
from fileset.media.remote.medium import MOST_FAILED_CALLS, RemoteMedium
from tests.remote.conftest import upload
from tests.support import synthetic
from tests.support.command import Runs, in_process
from tests.support.web import Silent, serving


def contents(folder: Path) -> list[bytes]:
    """Return the bytes of all files below a folder, without the DICOMDIR."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "DICOMDIR"]
    return sorted(path.read_bytes() for path in files)


@pytest.fixture
def requests(store: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Each request for contents: its kind, and how many ranges or bytes it asks for."""
    made: list[tuple[str, int]] = []
    cat_ranges, cat_file = type(store).cat_ranges, type(store).cat_file

    def many(self: Any, paths: list[str], starts: Any, ends: Any, **_: Any) -> Any:
        made.append(("headers", len(paths)))
        return [cat_file(self, *place) for place in zip(paths, starts, ends, strict=True)]

    def one(self: Any, path: str, start: Any = None, end: Any = None, **options: Any) -> Any:
        made.append(("block", end - start if end is not None else -1))
        return cat_file(self, path, start, end, **options)

    assert cat_ranges
    monkeypatch.setattr(type(store), "cat_ranges", many)
    monkeypatch.setattr(type(store), "cat_file", one)
    return made


# ---------------------------------------------------------------- every verb that reads


def test_a_file_set_is_created_from_a_remote_folder(run: Runs, bucket: str, disc: Path, tmp_path: Path) -> None:
    run("create", bucket, "-o", tmp_path / "OUT")
    assert contents(tmp_path / "OUT") == contents(disc)
    run("check", tmp_path / "OUT")


def test_files_are_added_from_a_remote_folder(run: Runs, bucket: str, disc: Path) -> None:
    run("remove", disc, "PatientID=P1")
    ended = run("add", disc, bucket)
    assert "6 instances added" in ended.stderr
    assert run("list", disc, "--paths").stdout.count("\n") == 12
    run("check", disc)


def test_a_remote_dicomdir_is_a_medium(run: Runs, bucket: str, disc: Path, tmp_path: Path) -> None:
    assert run("list", bucket, "--file-ids").stdout == run("list", disc, "--file-ids").stdout
    assert run("list", f"{bucket}/DICOMDIR", "--file-ids").stdout == run("list", disc, "--file-ids").stdout
    assert "0 errors" in run("check", bucket).stdout
    run("extract", bucket, "-o", tmp_path / "EX")
    assert contents(tmp_path / "EX") == contents(disc)


class Folder(Silent, SimpleHTTPRequestHandler):
    """Serves the files of a folder."""


@pytest.fixture
def server(disc: Path) -> Iterator[str]:
    """The address of a server of web pages that shows `disc`; its listings have names and no sizes."""
    pytest.importorskip("aiohttp", reason="needs aiohttp, by which fsspec reads web pages")
    with serving(partial(Folder, directory=disc.parent)) as host:
        yield f"{host}/{disc.name}"


def test_a_folder_of_a_web_server_is_read_although_its_listing_has_no_sizes(
    run: Runs, server: str, disc: Path, tmp_path: Path
) -> None:
    assert run("list", f"http://{server}", "--file-ids").stdout == run("list", disc, "--file-ids").stdout
    run("extract", f"http://{server}", "-o", tmp_path / "EX")
    assert contents(tmp_path / "EX") == contents(disc)


def test_no_password_of_an_address_is_shown(run: Runs, server: str, tmp_path: Path) -> None:
    for arguments in (("check", "--json"), ("list",), ("extract", "--json", "-o", tmp_path / "EX")):
        ended = run(arguments[0], f"http://user:geheim@{server}", *arguments[1:])
        assert server in ended.stdout + ended.stderr or "EX" in ended.stdout
        assert "geheim" not in ended.stdout + ended.stderr
    for address in (f"http://user:geheim@{server}/absent", "ftp://user:geheim@127.0.0.1:1/x", "none://user:geheim@x"):
        for command in (("list", address), ("create", tmp_path, "-o", address), ("add", address, tmp_path)):
            ended = in_process(*command)
            assert ended.code
            assert "geheim" not in ended.stdout + ended.stderr


def test_a_remote_folder_without_a_dicomdir_is_listed_with_scan(run: Runs, store: Any, bucket: str, disc: Path) -> None:
    store.rm("/bucket/disc/DICOMDIR")
    run("list", bucket, code=4)
    columns = ("--scan", "--level", "IMAGE", "--columns", "SOPInstanceUID", "--csv")
    (disc / "DICOMDIR").unlink()
    assert run("list", bucket, *columns).stdout == run("list", disc, *columns).stdout


def test_a_record_opens_its_remote_file(bucket: str, disc: Path) -> None:
    with fileset.Reader(bucket) as remote, fileset.Reader(disc) as local:
        for one, other in zip(remote.instances, local.instances, strict=True):
            with one.open() as here, other.open() as there:
                assert here.read() == there.read()


def test_a_missing_and_an_unlisted_remote_file_are_named(run: Runs, store: Any, bucket: str) -> None:
    store.mv("/bucket/disc/P001/T001/S001/I000001", "/bucket/disc/P001/T001/S001/NEW")
    ended = run("list", bucket, code=3)
    assert "P001/T001/S001/I000001" in ended.stderr
    assert "P001/T001/S001/NEW" in run("check", bucket, code=1).stdout


# ---------------------------------------------------------------- how it is read


def test_headers_come_in_batches_and_nothing_else_is_asked_for(
    store: Any, tmp_path: Path, requests: list[tuple[str, int]]
) -> None:
    synthetic.ct_series(tmp_path / "IN", patients=1, studies=1, series=2, instances=100)
    upload(store, tmp_path / "IN", "/bucket")
    requests.clear()
    fileset.index("memory://bucket", dry_run=True)
    assert {kind for kind, _ in requests} == {"headers"}
    assert len(requests) < 8
    assert sum(number for _, number in requests) == 200


def test_one_file_in_the_middle_is_read_without_the_others(bucket: str, requests: list[tuple[str, int]]) -> None:
    medium = RemoteMedium(bucket)
    name = list(medium.names())[7]
    medium.open(FileId.tolerant(name)).read()
    assert requests == [("headers", 1)]


def test_a_long_file_is_read_in_growing_blocks(store: Any, requests: list[tuple[str, int]]) -> None:
    data = bytes(range(256)) * 20_000
    store.pipe_file("/long/IM1", data)
    with RemoteMedium("memory://long").open(FileId("IM1")) as file:
        assert b"".join(iter(lambda: file.read(100_000), b"")) == data
        blocks = [size for kind, size in requests if kind == "block"]
        assert sum(blocks) == len(data)  # the first 16 KB come twice, to be compared
        assert len(blocks) < 8
        requests.clear()
        file.seek(3_000_000)
        assert file.read(10) == data[3_000_000:3_000_010]
        assert requests == [("block", SMALLEST_BLOCK)]
        assert file.seek(0, 2) == len(data)
        assert file.read(1) == b""


# ---------------------------------------------------------------- faults


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_taken(
    run: Runs, store: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "P001/T001/S001/I000002"

    def refusing(self: Any, paths: list[str], *_: Any, **__: Any) -> list[Any]:
        return [PermissionError("Access Denied") if path.endswith(bad) else self.cat_file(path) for path in paths]

    monkeypatch.setattr(type(store), "cat_ranges", refusing)
    ended = run("create", bucket, "-o", tmp_path / "OUT", code=3)
    assert bad in ended.stderr
    assert "Access Denied" in ended.stderr
    assert run("list", tmp_path / "OUT", "--paths").stdout.count("\n") == 11


@pytest.mark.parametrize(
    "problem",
    [OSError("reset"), RuntimeError("loop is closed"), TimeoutError(), KeyError("Contents"), asyncio.CancelledError()],
    ids=repr,
)
def test_any_exception_of_a_driver_is_an_error_of_the_medium(
    store: Any, bucket: str, problem: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def failing(*_: Any, **__: Any) -> None:
        nonlocal calls
        calls += 1
        raise problem

    store.rm("/bucket/disc/DICOMDIR")
    monkeypatch.setattr(type(store), "cat_ranges", failing)
    report = fileset.index(bucket)
    assert len(report.skipped) == 12
    assert not store.exists("/bucket/disc/DICOMDIR")
    assert calls == MOST_FAILED_CALLS
    monkeypatch.setattr(type(store), "find", failing)
    with pytest.raises(MediumError, match="the remote file system failed"):
        fileset.index(bucket)


def test_a_bucket_of_which_a_part_was_not_read_gets_no_dicomdir(
    store: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.rm("/bucket/disc/DICOMDIR")
    cat_ranges = type(store).cat_ranges

    def failing_later(self: Any, paths: list[str], *places: Any, **how: Any) -> Any:
        if len(paths) < 8:
            raise OSError("connection lost")
        return cat_ranges(self, paths, *places, **how)

    monkeypatch.setattr(type(store), "cat_ranges", failing_later)
    with pytest.raises(MediumError, match="no DICOMDIR was written"):
        fileset.index(bucket)
    assert not store.exists("/bucket/disc/DICOMDIR")


def test_a_file_that_became_shorter_is_an_error(store: Any) -> None:
    store.pipe_file("/cut/IM1", bytes(100_000))
    medium = RemoteMedium("memory://cut")
    store.pipe_file("/cut/IM1", bytes(50_000))
    with medium.open(FileId("IM1")) as file, pytest.raises(MediumError, match="bytes came"):
        file.read()


def test_a_file_that_is_replaced_by_one_of_the_same_size_is_left_out_and_named(
    run: Runs, store: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "/bucket/disc/P001/T001/S001/I000002"
    theirs = store.cat_file(key).replace(b"PATIENT", b"PIATENT").replace(b"1.2.3", b"1.3.2")
    theirs = theirs if theirs != store.cat_file(key) else theirs[:-4] + b"****"
    cat_ranges = type(store).cat_ranges
    rounds: list[str] = []

    def replaced_later(self: Any, paths: list[str], *places: Any, **how: Any) -> Any:
        rounds.extend(path for path in paths if path.endswith("I000002") and "P001/T001" in path)
        if len(rounds) > 1:  # the header was read before, now the file is copied
            store.pipe_file(key, theirs)
        return cat_ranges(self, paths, *places, **how)

    monkeypatch.setattr(type(store), "cat_ranges", replaced_later)
    said = run("create", bucket, "-o", tmp_path / "OUT", code=3).stderr
    assert "has changed since its header was read" in said
    assert theirs not in contents(tmp_path / "OUT")
    assert run("list", tmp_path / "OUT", "--paths").stdout.count("\n") == 11


def test_a_file_that_changes_while_it_is_read_is_never_a_mixture(store: Any) -> None:
    store.pipe_file("/mix/IM1", b"1" * 100_000)
    with RemoteMedium("memory://mix").open(FileId("IM1")) as file:
        assert file.read(10) == b"1" * 10
        store.pipe_file("/mix/IM1", b"2" * 100_000)
        with pytest.raises(MediumError, match="has changed since its header was read"):
            file.read()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("/IM1", "its folder has no name"),
        ("A//IM1", "names no file"),
        ("IM1 ", "differs from 'IM1' in spaces"),
        ("DIR/", "it has contents, but the name of a folder"),
    ],
)
def test_no_object_hides_behind_another_name(
    key: str, reason: str, run: Runs, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.pipe_file("/names/IM1", synthetic.ct(1))
    find = type(store).find

    def more(self: Any, root: str, **how: Any) -> dict[str, Any]:
        found: dict[str, Any] = find(self, root, **how)
        return {**found, f"{root}/{key}": found["/names/IM1"], f"{root}/EMPTY/": {"size": 0, "type": "file"}}

    monkeypatch.setattr(type(store), "find", more)
    ended = run("list", "memory://names", "--scan", "--paths", code=3)
    assert ended.stdout == "IM1\n"
    assert f"{key}: " in ended.stderr
    assert reason in ended.stderr
    assert "EMPTY" not in ended.stderr


@pytest.mark.parametrize("facts", [{"size": "many"}, {"size": 9, "created": 1e300}, None])
def test_a_listing_that_makes_no_sense_is_an_error_of_the_medium(
    facts: Any, store: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store), "find", lambda *_, **__: {"/bucket/disc/IM1": facts})
    with pytest.raises(MediumError, match="the remote file system failed"):
        RemoteMedium(bucket)


def test_a_scheme_may_be_in_upper_case_and_a_signature_is_not_shown(run: Runs, bucket: str) -> None:
    assert run("list", bucket.replace("memory", "MEMORY"), "--paths").stdout.count("\n") == 12
    assert without_password("https://host/a?sig=SECRET: no") == "https://host/a?... no"


def test_names_that_lead_out_are_refused_and_named(
    run: Runs, store: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = type(store).find

    def hostile(self: Any, root: str, **how: Any) -> dict[str, Any]:
        found: dict[str, Any] = find(self, root, **how)
        first = next(iter(found))
        return {**found, f"{root}/../../outside": found[first]}

    monkeypatch.setattr(type(store), "find", hostile)
    ended = run("create", bucket, "-o", tmp_path / "OUT", code=3)
    assert "../../outside" in ended.stderr
    assert contents(tmp_path / "OUT")
    assert not (tmp_path / "outside").exists()


def test_an_archive_in_a_remote_folder_is_named_as_not_read(run: Runs, store: Any, bucket: str, tmp_path: Path) -> None:
    store.pipe_file("/bucket/disc/MORE.zip", b"PK\3\4")
    ended = run("create", bucket, "-o", tmp_path / "OUT", code=3)
    assert "MORE.zip" in ended.stderr
    assert "download it first" in ended.stderr
    assert "Download it first" in run("list", "memory://bucket/disc/MORE.zip", code=4).stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("list", "memory://nothing/here"), 2, "no such remote folder"),
        (("list", "memory://nothing/day=1", "PatientID=P1"), 2, "memory://nothing/day=1: no such remote folder"),
        (("list", "nonsense://bucket"), 2, "no kind of remote folder 'nonsense'"),
        (("create", "IN", "-o", "memory://bucket"), 2, "creates no file-set on a remote system"),
        (("remove", "memory://bucket/disc", "PatientID=P1"), 2, "not changed"),
        (("repair", "memory://bucket/disc"), 2, "not changed"),
    ],
)
def test_verbs_that_cannot_work_on_remote_folders_report_it(
    words: tuple[str, ...], code: int, message: str, run: Runs, bucket: str, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bucket
    disc.rename(disc.parent / "IN")
    monkeypatch.chdir(disc.parent)
    assert message in run(*words, code=code).stderr
    assert not list(disc.parent.glob("memory*"))


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("s3://b/p", True),
        ("memory://x", True),
        ("sftp://h/p", True),
        (r"C:\x", False),
        ("C://x", False),
        ("a/b", False),
    ],
)
def test_a_url_has_a_scheme_of_two_letters_or_more(path: str, remote: bool) -> None:  # noqa: FBT001  # a table of cases
    assert is_url(path) is remote


# ---------------------------------------------------------------- the DICOMDIR of a bucket


def test_a_bucket_is_indexed_where_it_is(run: Runs, store: Any, bucket: str) -> None:
    store.rm("/bucket/disc/DICOMDIR")
    run("index", bucket, "--file-set-id", "AFAR")
    assert "0 errors" in run("check", bucket).stdout
    assert "a file-set is already there" in run("index", bucket, code=6).stderr
    before = run("info", bucket, "--json").document["file_set"]
    run("index", bucket, "--replace")
    assert run("info", bucket, "--json").document["file_set"] == before


def test_keys_that_are_no_file_ids_are_named(run: Runs, store: Any, bucket: str) -> None:
    store.mv("/bucket/disc/P001/T001/S001/I000001", "/bucket/disc/P001/T001/S001/scan one.dcm")
    ended = run("index", bucket, "--replace", code=3)
    assert "P001/T001/S001/scan one.dcm" in ended.stderr
    assert run("list", bucket, "--file-ids", code=3).stdout.count("\n") == 11


CHANGES: list[tuple[str, Callable[[Any], None]]] = [
    ("changed", lambda store: store.pipe_file("/bucket/disc/P001/T001/S001/I000001", b"other bytes")),
    ("gone", lambda store: store.rm("/bucket/disc/P001/T001/S001/I000001")),
    ("new", lambda store: store.pipe_file("/bucket/disc/P001/T001/S001/NEW", b"new bytes")),
    ("indexed", lambda store: store.pipe_file("/bucket/disc/DICOMDIR", b"of another writer")),
]


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
def test_a_bucket_that_changes_while_it_is_read_gets_no_dicomdir(
    store: Any, bucket: str, change: Callable[[Any], None]
) -> None:
    store.rm("/bucket/disc/DICOMDIR")
    changed = False

    def during(phase: str, done: int, total: int) -> None:
        nonlocal changed
        if phase == "scan" and done == total and not changed:
            changed = True
            change(store)

    with pytest.raises(RefusedError, match="were added, removed or changed"):
        fileset.index(bucket, progress=during)
    assert changed
    assert not store.exists("/bucket/disc/DICOMDIR") or store.cat("/bucket/disc/DICOMDIR") == b"of another writer"


def test_a_dicomdir_that_another_writer_puts_at_the_last_moment_stays(
    store: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.rm("/bucket/disc/DICOMDIR")
    monkeypatch.setattr(RemoteMedium, "changed", lambda _: store.pipe_file("/bucket/disc/DICOMDIR", b"theirs") or [])
    with pytest.raises(RefusedError, match="another writer"):
        fileset.index(bucket)
    assert store.cat("/bucket/disc/DICOMDIR") == b"theirs"


def test_a_system_without_conditional_requests_gets_no_dicomdir(disc: Path) -> None:
    (disc / "DICOMDIR").unlink()
    with pytest.raises(RuleError, match="no conditional request"):
        fileset.index(f"local://{disc.as_posix()}")
    assert not (disc / "DICOMDIR").exists()


def test_without_fsspec_the_extra_is_named(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    stderr = run("list", "s3://bucket", code=2).stderr
    assert re.search(r'pip install "dicom-fileset\[remote\]"', stderr)
