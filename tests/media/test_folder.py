"""A folder as a medium: names in any form, links that stay inside, and changes that are complete or undone.

Most tests use a simulated file system. It can be full, or ignore case; that bytes are really on
a disk it cannot show, so other tests check durability.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from pyfakefs.fake_filesystem import FakeFilesystem, set_uid

from fileset import Creator, FormatError, MediumError, Reader, RefusedError, Updater, index, repair_file_set
from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import Directory
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import FileSetInfo, Written
from fileset.media.folder.medium import FolderMedium
from fileset.media.folder.work_folder import NEW, OLD
from fileset.media.system import linux
from fileset.media.system.hashing import digest_of
from fileset.media.system.walk import JOURNAL, LOCK, SEAL, WORK
from fileset.plan.commit import Addition, Plan, check_space, commit, rehearse
from fileset.plan.recovery import clean_up
from tests.support import synthetic
from tests.support.command import ROOT
from tests.support.journal import added

USER: Final = 1000
NEW_DIRECTORY: Final = b"the new directory"


def accept(_: bytes) -> None:
    """Find nothing wrong with a DICOMDIR."""


def change(
    root: Path | str,
    files: dict[str, bytes],
    removed: tuple[str, ...] = (),
    verify: Callable[[bytes], None] = accept,
) -> list[Written]:
    """A whole change of a folder."""
    with FolderMedium(root).transaction() as transaction:
        transaction.announce([FileId.tolerant(name) for name in files], [FileId.tolerant(name) for name in removed])
        written = [transaction.write(FileId.tolerant(name), [data]) for name, data in files.items()]
        transaction.settle()
        written.append(transaction.publish([NEW_DIRECTORY], verify))
        for name in removed:
            transaction.delete(FileId.tolerant(name))
    return written


def tree(root: Path | str) -> dict[str, bytes]:
    """All files in a folder, and its empty folders."""
    found = {}
    for home, folders, names in os.walk(root):
        for name in names:
            path = os.path.join(home, name)
            found[os.path.relpath(path, root)] = contents(path)
        if not folders and not names:
            found[os.path.relpath(home, root) + "/"] = b""
    return found


def contents(path: str) -> bytes:
    """The bytes of a file, or where a link leads."""
    if os.path.islink(path):
        return os.readlink(path).encode()
    with open(path, "rb") as file:
        return file.read()


# --- the effects of a change -----------------------------------------------------------------------------------------


def test_a_change_writes_removes_and_leaves_nothing_else(fs: FakeFilesystem) -> None:
    fs.create_file("/SET/DICOMDIR", contents=b"the old directory")
    fs.create_file("/SET/A/ONE", contents=b"1")
    fs.create_file("/SET/README", contents=b"of the user")
    written = change("/SET", {"B/TWO": b"2" * 3000}, ("A/ONE",))
    assert tree("/SET") == {"DICOMDIR": NEW_DIRECTORY, "B/TWO": b"2" * 3000, "README": b"of the user"}
    assert written == [Written(FileId("B\\TWO"), 3000), Written(DICOMDIR, len(NEW_DIRECTORY))]


def test_a_folder_is_made_if_there_is_none(fs: FakeFilesystem) -> None:
    fs.create_dir("/DISK")
    change("/DISK/NEW/SET", {"A": b"1"})
    assert tree("/DISK/NEW/SET") == {"DICOMDIR": NEW_DIRECTORY, "A": b"1"}


def test_a_folder_that_was_made_goes_when_the_change_fails(fs: FakeFilesystem) -> None:
    fs.create_dir("/DISK")

    def refuse(_: bytes) -> None:
        raise FormatError("damaged")

    with pytest.raises(FormatError):
        change("/DISK/NEW/SET", {"A/B": b"1"}, verify=refuse)
    assert tree("/DISK") == {"./": b""}


@pytest.mark.parametrize("stop", [FormatError("damaged"), KeyboardInterrupt(), RuntimeError("a bug")], ids=repr)
def test_any_interruption_undoes_a_change(stop: BaseException, fs: FakeFilesystem) -> None:
    fs.create_file("/SET/DICOMDIR", contents=b"the old directory")
    fs.create_file("/SET/A/ONE", contents=b"1")
    before = tree("/SET")

    def verify(_: bytes) -> None:
        raise stop

    with pytest.raises(type(stop)):
        change("/SET", {"A/TWO": b"2", "B/C/D": b"3"}, ("A/ONE",), verify)
    assert tree("/SET") == before


def test_no_file_is_ever_overwritten(fs: FakeFilesystem) -> None:
    fs.create_file("/SET/A/ONE", contents=b"1")
    with pytest.raises(MediumError, match="A/ONE: a file of this name already exists"):
        change("/SET", {"A/TWO": b"2", "A/ONE": b"other"})
    assert tree("/SET") == {"A/ONE": b"1"}


def test_a_written_dicomdir_is_read_back_before_it_replaces_the_old_one(fs: FakeFilesystem) -> None:
    fs.create_file("/SET/DICOMDIR", contents=b"the old directory")
    seen: list[bytes] = []
    change("/SET", {}, verify=seen.append)
    assert seen == [NEW_DIRECTORY]


def test_the_work_folder_is_private_and_the_files_are_for_everybody(tmp_path: Path) -> None:
    modes = {}

    def look(_: bytes) -> None:
        modes.update({path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "SET").rglob("*")})

    before = os.umask(0o022)
    try:
        change(tmp_path / "SET", {"A/B": b"1"}, verify=look)
    finally:
        os.umask(before)
    assert modes[WORK] == 0o700
    assert modes["B"] == 0o644
    assert stat.S_IMODE((tmp_path / "SET" / "DICOMDIR").stat().st_mode) == 0o644


# --- media that cannot take it ---------------------------------------------------------------------------------------


def test_no_space_for_a_file_leaves_the_old_file_set(fs: FakeFilesystem) -> None:
    fs.add_mount_point("/DISK", total_size=10_000)
    fs.create_file("/DISK/SET/DICOMDIR", contents=b"the old directory")
    before = tree("/DISK")
    with pytest.raises(MediumError, match=r"/DISK/SET/B/TWO: No space left"):
        change("/DISK/SET", {"A/ONE": b"1" * 3000, "B/TWO": b"2" * 30_000})
    assert tree("/DISK") == before


def test_no_space_for_the_directory_leaves_the_old_file_set(fs: FakeFilesystem) -> None:
    fs.add_mount_point("/DISK", total_size=10_000)
    fs.create_file("/DISK/SET/DICOMDIR", contents=b"the old directory")
    before = tree("/DISK")
    _, _, free = fs.get_disk_usage("/DISK")
    with pytest.raises(MediumError, match=r"/DISK/SET.*: No space left"):
        change("/DISK/SET", {"A/ONE": b"1" * (free - 10)})
    assert tree("/DISK") == before


@pytest.mark.parametrize("folder", ["/DISK/SET", "/DISK/SET/A"])
def test_no_permission_leaves_the_old_file_set(folder: str, fs: FakeFilesystem) -> None:
    fs.create_file("/DISK/SET/DICOMDIR", contents=b"the old directory")
    fs.create_file("/DISK/SET/A/ONE", contents=b"1")
    for path in ("/DISK", "/DISK/SET", "/DISK/SET/A"):
        fs.chmod(path, 0o777)
    fs.chmod(folder, 0o555)
    before = tree("/DISK")
    set_uid(USER)
    try:
        with pytest.raises(MediumError, match=f"{folder}.*Permission denied"):
            change("/DISK/SET", {"B": b"1", "A/TWO": b"2"})
    finally:
        set_uid(0)
    assert tree("/DISK") == before


def test_a_read_only_file_set_is_read_and_not_changed(fs: FakeFilesystem) -> None:
    fs.create_file("/DISC/DICOMDIR", contents=b"the old directory")
    fs.create_file("/DISC/A/ONE", contents=b"1")
    for path in ("/DISC/DICOMDIR", "/DISC/A/ONE", "/DISC/A", "/DISC"):
        fs.chmod(path, 0o555)
    before = tree("/DISC")
    set_uid(USER)
    try:
        with FolderMedium("/DISC").open(FileId("A\\ONE")) as file:
            assert file.read() == b"1"
        for files, removed in (({"B": b"2"}, ()), ({}, ("A/ONE",)), ({}, ())):
            with pytest.raises(MediumError, match=r"^/DISC: Permission denied$"):
                change("/DISC", files, removed)
    finally:
        set_uid(0)
    assert tree("/DISC") == before


def test_no_folder_is_made_where_that_is_forbidden(fs: FakeFilesystem) -> None:
    fs.create_dir("/DISK", 0o555)
    set_uid(USER)
    try:
        with pytest.raises(MediumError, match=r"/DISK/SET: .*Permission denied"):
            change("/DISK/SET", {"A": b"1"})
    finally:
        set_uid(0)
    assert tree("/DISK") == {"./": b""}


def test_a_file_in_the_place_of_the_folder_stays(fs: FakeFilesystem) -> None:
    fs.create_file("/DISK/SET", contents=b"of the user")
    with pytest.raises(MediumError, match="/DISK/SET: exists and is not a folder"):
        change("/DISK/SET", {"A": b"1"})
    assert tree("/DISK") == {"SET": b"of the user"}


def plan(*sizes: int) -> Plan:
    """A plan to write files of these sizes."""
    additions = [
        Addition(FileId(f"DICOM\\F{number}"), size, lambda size=size: iter([bytes(size)]))  # type: ignore[misc]
        for number, size in enumerate(sizes)
    ]
    frame = new_frame(Identification("2.25.1"), undefined_lengths=False)
    return Plan(Directory(frame, []), additions)


SPACE: Final = {
    "read-only": (FileSetInfo(10**9, 10**9, read_only=True), "read-only"),
    "full": (FileSetInfo(9_000, 10**9, block=512), "needed"),
    "large clusters": (FileSetInfo(4 * 32_768, 10**9, block=32_768), "needed"),
    "a copy of the old DICOMDIR": (FileSetInfo(25_000, 10**9, block=512, reserve=15_000), "needed"),
    "no more files": (FileSetInfo(10**9, 10**9, free_files=3), "no room for 4 more files"),
    "a file too large": (FileSetInfo(10**9, 10**9, "FAT16", largest_file=4_999), "F0 has 5000 bytes, FAT16 takes 4999"),
}


@pytest.mark.parametrize("case", SPACE)
def test_space_is_asked_for_before_the_first_byte(case: str) -> None:
    info, message = SPACE[case]
    with pytest.raises(MediumError, match=f"STICK: .*{message}"):
        check_space(plan(5000, 3000, 1), info, "STICK")


def test_a_plan_that_fits_is_no_error() -> None:
    check_space(
        plan(5000, 3000, 1), FileSetInfo(20_000, 10**9, "FAT16", largest_file=5000, block=512, free_files=100), "STICK"
    )
    check_space(plan(5000), FileSetInfo(None, None), "somewhere")


def test_nothing_is_begun_where_there_is_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = FileSetInfo(1, 10**9)
    monkeypatch.setattr(FolderMedium, "inquire_file_set", lambda _: tiny)
    with pytest.raises(MediumError, match="needed"):
        commit(plan(5000), FolderMedium(tmp_path / "SET"))
    assert not (tmp_path / "SET").exists()


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (FileSetInfo(1, 10**9), "1 are free"),
        (FileSetInfo(10**9, 10**9, read_only=True), "read-only"),
        (FileSetInfo(10**9, 10**9, largest_image=10), "its file system takes files of 10 at most; nothing was written"),
    ],
)
def test_a_dry_run_ends_as_the_run_would(
    info: FileSetInfo, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disc = tmp_path / "DISC"
    synthetic.ct_series(disc, 1, 1, 1, 9)
    index(disc)
    monkeypatch.setattr(FolderMedium, "inquire_file_set", lambda _: info)
    creator, updater = Creator(tmp_path / "SET"), Updater(disc)
    creator.add(disc)
    updater.remove(InstanceNumber=1)
    for dry_run in (partial(index, disc, replace=True), creator.commit, updater.commit):
        with pytest.raises(MediumError, match=message):
            dry_run(dry_run=True)
    (disc / "P001" / "T001" / "S001" / "I000001").unlink()
    with pytest.raises(MediumError, match=message):
        repair_file_set(disc, dry_run=True)


def test_a_dry_run_after_an_interrupted_change_does_not_guess_the_room(tmp_path: Path) -> None:
    disc = FolderMedium(tmp_path)
    (tmp_path / WORK).mkdir()
    rehearse(plan(1 << 62), disc)


def test_a_source_that_shrinks_or_grows_is_an_error(tmp_path: Path) -> None:
    one = Addition(FileId("A"), 5, lambda: iter([b"1234"]))
    with pytest.raises(MediumError, match="A: 4 bytes came, 5 were expected"):
        commit(Plan(plan().directory, [one]), FolderMedium(tmp_path / "SET"))
    assert not (tmp_path / "SET").exists()


# --- names -----------------------------------------------------------------------------------------------------------

FORMS: Final = ("IM1", "im1", "Im1", "IM1.", "IM1;1", "IM1.;1", "im1.dcm", "IM1.DCM;1")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("folder", ["DICOM", "dicom"])
def test_a_name_is_found_in_every_form_of_a_disc(form: str, folder: str, fs: FakeFilesystem) -> None:
    fs.create_file(f"/SET/{folder}/{form}", contents=b"1")
    with FolderMedium("/SET").open(FileId("DICOM\\IM1")) as file:
        assert file.read() == b"1"


def test_the_exact_name_is_preferred(fs: FakeFilesystem) -> None:
    for form in FORMS:
        fs.create_file(f"/SET/{form}", contents=form.encode())
    with FolderMedium("/SET").open(FileId("IM1")) as file:
        assert file.read() == b"IM1"


@pytest.mark.parametrize("form", ["dicomdir", "DICOMDIR.", "DICOMDIR;1"])
def test_a_dicomdir_in_another_form_is_replaced_by_one(form: str, fs: FakeFilesystem) -> None:
    fs.create_file(f"/SET/{form}", contents=b"the old directory")
    change("/SET", {"A": b"1"})
    assert tree("/SET") == {"DICOMDIR": NEW_DIRECTORY, "A": b"1"}


@pytest.fixture(autouse=True)
def no_system_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake file system knows neither descriptors nor volumes of the kernel."""
    monkeypatch.setattr(linux, "sync_volume", lambda _: None)
    monkeypatch.setattr(linux, "start_write_back", lambda _: None)


@pytest.fixture
def folding(fs: FakeFilesystem) -> FakeFilesystem:
    """A file system that ignores case, such as that of a stick."""
    fs.is_case_sensitive = False
    return fs


def test_on_a_disk_without_case_the_dicomdir_is_replaced_not_removed(folding: FakeFilesystem) -> None:
    folding.create_file("/SET/dicomdir", contents=b"the old directory")
    change("/SET", {"A": b"1"})
    assert {name.upper(): data for name, data in tree("/SET").items()} == {"DICOMDIR": NEW_DIRECTORY, "A": b"1"}


def test_on_a_disk_without_case_no_file_is_overwritten_either(folding: FakeFilesystem) -> None:
    folding.create_file("/SET/a/one", contents=b"1")
    with pytest.raises(MediumError, match="A/ONE: a file of this name already exists"):
        change("/SET", {"A/ONE": b"2"})
    assert tree("/SET") == {"a/one": b"1"}


def test_a_removed_file_is_deleted_in_any_form_of_its_name(fs: FakeFilesystem) -> None:
    fs.create_file("/SET/dicomdir", contents=b"the old directory")
    fs.create_file("/SET/dicom/im1.;1", contents=b"1")
    change("/SET", {}, ("DICOM/IM1",))
    assert tree("/SET") == {"DICOMDIR": NEW_DIRECTORY}


def test_a_folder_that_becomes_empty_goes_and_others_stay(fs: FakeFilesystem) -> None:
    fs.create_file("/SET/A/B/C/ONE", contents=b"1")
    fs.create_file("/SET/A/TWO", contents=b"2")
    fs.create_dir("/SET/EMPTY")
    change("/SET", {}, ("A/B/C/ONE",))
    assert tree("/SET") == {"DICOMDIR": NEW_DIRECTORY, "A/TWO": b"2", "EMPTY/": b""}


# --- links -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(fs: FakeFilesystem) -> FakeFilesystem:
    """A folder with links that lead about in it, and out of it."""
    fs.create_file("/SET/REAL/ONE", contents=b"1")
    fs.create_file("/HOME/VICTIM", contents=b"of the user")
    fs.create_symlink("/SET/IN", "/SET/REAL")
    fs.create_symlink("/SET/OUT", "/HOME")
    fs.create_symlink("/SET/FILE", "/HOME/VICTIM")
    fs.create_symlink("/SET/NOWHERE", "/SET/NOTHING")
    return fs


@pytest.mark.usefixtures("linked")
def test_a_link_is_followed_inside() -> None:
    with FolderMedium("/SET").open(FileId("IN\\ONE")) as file:
        assert file.read() == b"1"


@pytest.mark.usefixtures("linked")
@pytest.mark.parametrize("name", ["OUT\\VICTIM", "FILE"])
def test_a_link_is_not_followed_out(name: str) -> None:
    with pytest.raises(FormatError, match="leads out"):
        FolderMedium("/SET").open(FileId(name))


@pytest.mark.usefixtures("linked")
@pytest.mark.parametrize("name", ["OUT/NEW", "IN/NEW", "NOWHERE/NEW", "FILE/NEW"])
def test_nothing_is_written_through_a_link(name: str) -> None:
    before = tree("/")
    with pytest.raises(MediumError, match="nothing is written through a link"):
        change("/SET", {name: b"1"})
    assert tree("/") == before


@pytest.mark.usefixtures("linked")
def test_nothing_is_removed_through_a_link_that_leads_out() -> None:
    change("/SET", {}, ("OUT/VICTIM", "FILE"))
    assert tree("/HOME") == {"VICTIM": b"of the user"}


def test_a_journal_of_others_removes_nothing_outside(linked: FakeFilesystem) -> None:
    victim = added(Path("/HOME"), "VICTIM").rpartition(" ")[0]
    names = ("OUT\\VICTIM", "..\\HOME\\VICTIM", "/HOME/VICTIM", "FILE")
    linked.create_file(f"/SET/{WORK}/{JOURNAL}", contents="".join(f"{victim} {name}\n" for name in names))
    clean_up(FolderMedium("/SET"))
    assert tree("/HOME") == {"VICTIM": b"of the user"}
    assert not os.path.lexists(f"/SET/{WORK}")


def test_a_work_folder_that_is_a_link_is_refused(linked: FakeFilesystem) -> None:
    linked.create_symlink(f"/SET/{WORK}", "/HOME")
    with pytest.raises(MediumError, match=f"{WORK}: is not a folder"):
        change("/SET", {"A": b"1"})
    assert tree("/HOME") == {"VICTIM": b"of the user"}


def test_foreign_files_in_a_work_folder_stay(fs: FakeFilesystem) -> None:
    fs.create_file(f"/SET/{WORK}/LETTER", contents=b"of the user")
    change("/SET", {"A": b"1"})
    assert tree("/SET") == {f"{WORK}/LETTER": b"of the user", "DICOMDIR": NEW_DIRECTORY, "A": b"1"}


# --- after an interruption -------------------------------------------------------------------------------------------

SEALED: Final = f"{digest_of([NEW_DIRECTORY])}  {NEW}\n{digest_of([b'the old directory'])}  {OLD}\n"


def interrupted(fs: FakeFilesystem, dicomdir: bytes | None, **kept: bytes) -> FolderMedium:
    """A folder in which the DICOMDIR was being replaced, with this one there, and others kept."""
    if dicomdir is not None:
        fs.create_file("/SET/DICOMDIR", contents=dicomdir)
    for name, data in {SEAL: SEALED.encode(), **kept}.items():
        fs.create_file(f"/SET/{WORK}/{name}", contents=data)
    for path in fs.listdir(f"/SET/{WORK}"):
        os.utime(f"/SET/{WORK}/{path}", (1e9, 1e9))
    if dicomdir is not None:
        os.utime("/SET/DICOMDIR", (1e9, 1e9))
    return FolderMedium("/SET")


def read(medium: FolderMedium) -> bytes:
    with medium.open(DICOMDIR) as file:
        return file.read()


OLD_DIRECTORY: Final = b"the old directory"
COUNTS: Final[dict[str, tuple[bytes | None, dict[str, bytes], bytes]]] = {
    "the old one": (OLD_DIRECTORY, {OLD: OLD_DIRECTORY, NEW: NEW_DIRECTORY}, OLD_DIRECTORY),
    "the new one": (NEW_DIRECTORY, {OLD: OLD_DIRECTORY}, NEW_DIRECTORY),
    "missing, both kept": (None, {OLD: OLD_DIRECTORY, NEW: NEW_DIRECTORY}, NEW_DIRECTORY),
    "missing, the old one kept": (None, {OLD: OLD_DIRECTORY}, OLD_DIRECTORY),
    "torn": (b"the new dir", {OLD: OLD_DIRECTORY, NEW: b"the ne"}, OLD_DIRECTORY),
    "empty": (b"", {OLD: OLD_DIRECTORY, NEW: NEW_DIRECTORY}, NEW_DIRECTORY),
    "torn, none kept": (b"the new dir", {OLD: b"the old"}, b"the new dir"),
}


@pytest.mark.parametrize("case", COUNTS)
def test_the_dicomdir_that_counts_is_found(case: str, fs: FakeFilesystem) -> None:
    there, kept, counts = COUNTS[case]
    medium = interrupted(fs, there, **kept)
    assert medium.has_dicomdir()
    assert read(medium) == counts
    assert bool(medium.damage()) == (counts != there)


@pytest.mark.parametrize("case", COUNTS)
def test_the_next_writer_puts_the_dicomdir_that_counts_in_its_place(case: str, fs: FakeFilesystem) -> None:
    there, kept, counts = COUNTS[case]
    clean_up(interrupted(fs, there, **kept))
    assert tree("/SET") == {"DICOMDIR": counts}


def test_a_dicomdir_that_others_wrote_later_counts(fs: FakeFilesystem) -> None:
    medium = interrupted(fs, b"of others", OLD=OLD_DIRECTORY)
    os.utime("/SET/DICOMDIR", (2e9, 2e9))
    assert read(medium) == b"of others"
    clean_up(medium)
    assert tree("/SET") == {"DICOMDIR": b"of others"}


def test_without_a_seal_no_other_dicomdir_is_used(fs: FakeFilesystem) -> None:
    fs.create_file(f"/SET/{WORK}/{OLD}", contents=OLD_DIRECTORY)
    fs.create_file(f"/SET/{WORK}/{SEAL}", contents=SEALED[:20])
    assert not FolderMedium("/SET").has_dicomdir()


def test_a_reader_reports_that_it_uses_another_dicomdir(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path, 1, 1, 1, 1)
    index(tmp_path)
    whole = (tmp_path / "DICOMDIR").read_bytes()
    (tmp_path / WORK).mkdir()
    (tmp_path / WORK / OLD).write_bytes(whole)
    (tmp_path / "DICOMDIR").write_bytes(whole[:500])
    (tmp_path / WORK / SEAL).write_text(f"{'0' * 32}  {NEW}\n{digest_of([whole])}  {OLD}\n")
    with Reader(tmp_path) as reader:
        assert len(list(reader.instances)) == 1
        (finding,) = reader.findings
    assert finding.rule == "FS-MEDIUM-DAMAGED"
    assert f"{WORK}/{OLD}" in finding.message


# --- two writers -----------------------------------------------------------------------------------------------------

WRITER: Final = """
import sys
from fileset.media.folder.medium import FolderMedium
from fileset.errors import MediumError
try:
    with FolderMedium(sys.argv[1]).transaction():
        print("begun", flush=True)
        sys.stdin.read()
except MediumError as problem:
    print(problem, flush=True)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has begun a change of the folder SET."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "SET")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        try:
            yield process
        finally:
            process.kill()


def test_two_writers_do_not_meet(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="another writer is at work"):
        change(tmp_path / "SET", {"A": b"1"})
    assert sorted(os.listdir(tmp_path / "SET" / WORK)) == [LOCK]
    writer.communicate("")
    change(tmp_path / "SET", {"A": b"1"})
    assert tree(tmp_path / "SET") == {"DICOMDIR": NEW_DIRECTORY, "A": b"1"}


def test_the_lock_of_a_writer_that_was_killed_is_not_in_the_way(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    writer.kill()
    writer.wait()
    assert (tmp_path / "SET" / WORK / LOCK).exists()
    change(tmp_path / "SET", {"A": b"1"})
    assert tree(tmp_path / "SET") == {"DICOMDIR": NEW_DIRECTORY, "A": b"1"}


def test_a_writer_that_comes_too_late_is_refused(tmp_path: Path) -> None:
    """Its plan was made before another writer had finished."""
    late = evolve(plan(5000), basis=b"")
    commit(plan(1), FolderMedium(tmp_path))
    before = tree(tmp_path)
    with pytest.raises(RefusedError, match="another writer has changed the file-set in the meantime"):
        commit(late, FolderMedium(tmp_path))
    assert tree(tmp_path) == before


def test_where_there_are_no_locks_a_second_writer_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with FolderMedium(tmp_path).transaction():
        with pytest.raises(MediumError, match="another writer is at work, or was stopped"):
            change(tmp_path, {"A": b"1"})
        assert os.listdir(tmp_path / WORK) == [LOCK]
    change(tmp_path, {"A": b"1"})
    assert tree(tmp_path) == {"DICOMDIR": NEW_DIRECTORY, "A": b"1"}


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_undoes_the_change(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 20)

    def interrupt(phase: str, done: int, _: int) -> None:
        if (phase, done) == ("write", 7):
            signal.raise_signal(signal.SIGINT)

    creator = Creator(tmp_path / "OUT" / "SET", jobs=1, progress=interrupt)
    creator.add(tmp_path / "IN")
    with pytest.raises(KeyboardInterrupt):
        creator.commit()
    assert os.listdir(tmp_path) == ["IN"]
