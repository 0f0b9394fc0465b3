"""A new image is written beside the old one, read back, and only then replaces it; shown with a format made for these tests."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from fileset.errors import FormatError, MediumError, RefusedError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import FileInfo, FileSetInfo, ReadableMedium, Written
from fileset.media.image.medium import Image, NoImage
from fileset.media.image.transaction import WORK_SUFFIX
from fileset.media.system.files import open_locked

OLD = {"A/ONE": b"1" * 5000, "B": b"", "DICOMDIR": b"old directory"}
NEW_DIRECTORY = b"new directory"


class Lines(ReadableMedium):
    """An image of lines: a name, a blank, the bytes in hexadecimal."""

    def __init__(self, path: str) -> None:
        self._path = path
        with open(path, encoding="ascii") as file:
            self.files = {name: bytes.fromhex(data) for name, data in (line[:-1].split(" ") for line in file)}

    @property
    def name(self) -> str:
        return self._path

    def open(self, file_id: FileId) -> BinaryIO:
        if file_id.path not in self.files:
            raise MediumError(f"{file_id}: not there")
        return BytesIO(self.files[file_id.path])

    def inquire_file(self, file_id: FileId) -> FileInfo:
        with self.open(file_id) as file:
            return FileInfo(len(file.read()), datetime(2020, 1, 1, tzinfo=UTC))

    def inquire_file_set(self) -> FileSetInfo:
        return FileSetInfo(None, None)

    def names(self) -> Iterator[str]:
        return iter(sorted(self.files))

    def damage(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        pass


class LinesBuilder:
    """Writes the image; with `forget` without the last byte of every file."""

    def __init__(self, file: BinaryIO, *, forget: bool = False) -> None:
        self.file = file
        self.forget = forget

    def announce(self, names: Sequence[FileId]) -> None:
        self.announced = list(names)

    def add(self, file_id: FileId, chunks: Iterable[bytes | bytearray], info: FileInfo | None = None) -> None:
        data = b"".join(chunks)
        assert info is None or info == FileInfo(len(data), datetime(2020, 1, 1, tzinfo=UTC))
        self.file.write(f"{file_id} {(data[:-1] if self.forget else data).hex()}\n".encode())
        self.announced.remove(file_id)

    def finish(self) -> None:
        assert not self.announced


def image(path: Path, *, new: bool = False, build: Callable[[BinaryIO], LinesBuilder] = LinesBuilder) -> Image:
    former = NoImage(str(path)) if new else Lines(str(path))
    return Image(str(path), former, build=lambda file, _label: build(file), read=Lines, format_name="lines")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.lines"
    path.write_text("".join(f"{name} {data.hex()}\n" for name, data in OLD.items()))
    return path


def change(
    medium: Image, files: dict[str, bytes], removed: Sequence[str] = (), stop: BaseException | None = None
) -> list[Written]:
    """One whole change, with `stop` raised where the new DICOMDIR is verified."""

    def verify(data: bytes) -> None:
        assert data == NEW_DIRECTORY
        if stop:
            raise stop

    with medium.transaction() as transaction:
        transaction.announce([FileId.tolerant(name) for name in files], [FileId.tolerant(name) for name in removed])
        written = [transaction.write(FileId.tolerant(name), iter([data])) for name, data in files.items()]
        transaction.settle()
        written.append(transaction.publish(iter([NEW_DIRECTORY]), verify))
        for name in removed:
            transaction.delete(FileId.tolerant(name))
    return written


def only(path: Path) -> bool:
    """Return whether no other file is beside an image."""
    return os.listdir(path.parent) == [path.name]


def test_a_new_image_holds_the_written_files_and_the_dicomdir(tmp_path: Path) -> None:
    path = tmp_path / "new.lines"
    medium = image(path, new=True)
    assert (medium.exists(), medium.occupied(), medium.has_dicomdir(), list(medium.names())) == (
        False,
        False,
        False,
        [],
    )
    written = change(medium, {"A/B": b"ab", "C": b""})
    assert [(one.file_id.path, one.size) for one in written] == [("A/B", 2), ("C", 0), ("DICOMDIR", 13)]
    assert Lines(str(path)).files == {"A/B": b"ab", "C": b"", "DICOMDIR": NEW_DIRECTORY}
    assert only(path)


def test_a_change_carries_over_kept_files(old: Path) -> None:
    medium = image(old)
    assert (medium.exists(), medium.occupied(), medium.has_dicomdir()) == (True, True, True)
    change(medium, {"NEW": b"n"}, removed=["b"])
    assert Lines(str(old)).files == {"A/ONE": OLD["A/ONE"], "NEW": b"n", "DICOMDIR": NEW_DIRECTORY}
    assert only(old)


def test_a_new_image_over_an_old_one_holds_nothing_of_it(old: Path) -> None:
    medium = image(old, new=True)
    assert medium.occupied()
    change(medium, {"NEW": b"n"})
    assert set(Lines(str(old)).files) == {"NEW", "DICOMDIR"}


def test_nothing_is_overwritten(old: Path) -> None:
    with pytest.raises(MediumError, match="a/one: a file of this name already exists"):
        change(image(old), {"a/one": b"x"})
    assert Lines(str(old)).files == OLD
    assert only(old)


def test_an_error_leaves_the_old_image(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        change(image(old), {"X": b"x"}, stop=KeyboardInterrupt())
    assert old.read_bytes() == before
    assert only(old)


def test_an_image_that_reads_back_different_is_not_published(old: Path) -> None:
    with pytest.raises(MediumError, match="A/ONE reads back different"):
        change(image(old, build=lambda file: LinesBuilder(file, forget=True)), {})
    assert Lines(str(old)).files == OLD
    assert only(old)


def test_a_directory_that_is_not_accepted_is_not_published(old: Path) -> None:
    with pytest.raises(FormatError, match="no good"):
        change(image(old), {}, stop=FormatError("no good"))
    assert Lines(str(old)).files == OLD
    assert only(old)


def test_two_writers_do_not_meet(old: Path) -> None:
    with image(old).transaction(), pytest.raises(MediumError, match="another writer"), image(old).transaction():
        pass
    change(image(old), {})
    assert only(old)


def test_the_leftover_of_a_crash_is_taken_over(old: Path) -> None:
    old.with_name(old.name + WORK_SUFFIX).write_bytes(b"x" * 100_000)
    change(image(old), {"NEW": b"n"})
    assert set(Lines(str(old)).files) == {*OLD, "NEW"}
    assert only(old)


def test_a_replaced_image_keeps_its_permissions_and_a_new_one_has_the_usual_ones(old: Path, tmp_path: Path) -> None:
    old.chmod(0o640)
    change(image(old), {})
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    new, plain = tmp_path / "new", tmp_path / "plain"
    change(image(new, new=True), {})
    plain.touch()
    assert new.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_permissions_takes_an_image(
    old: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "chmod", refuse)
    change(image(old), {"NEW": b"n"})
    assert "NEW" in Lines(str(old)).files
    assert only(old)


def test_a_link_to_an_image_stays_a_link(old: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(old)
    change(image(link), {"NEW": b"n"})
    assert link.is_symlink()
    assert "NEW" in Lines(str(old)).files


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="not a file"), image(tmp_path, new=True).transaction():
        pass


def test_inquiry_returns_the_free_space_beside_the_image(tmp_path: Path) -> None:
    info = image(tmp_path / "new", new=True).inquire_file_set()
    assert info.free
    assert info.capacity
    assert info.free <= info.capacity
    assert (info.format, info.read_only) == ("lines", False)


def test_reading_an_image_that_does_not_exist_yet_is_a_medium_error(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="still to be written"):
        image(tmp_path / "new", new=True).open(DICOMDIR)


def test_an_image_that_others_changed_meanwhile_is_not_touched(old: Path) -> None:
    medium = image(old)
    other = "B 00\n"
    old.write_text(other)
    with pytest.raises(RefusedError, match="another writer"):
        change(medium, {})
    assert old.read_text() == other
    assert only(old)


def test_an_image_that_others_made_meanwhile_is_not_touched(tmp_path: Path) -> None:
    medium = image(tmp_path / "new", new=True)
    (tmp_path / "new").write_text("theirs")
    with pytest.raises(RefusedError, match="another writer"):
        change(medium, {})
    assert (tmp_path / "new").read_text() == "theirs"
    assert only(tmp_path / "new")


def test_a_builder_that_cannot_begin_leaves_nothing(old: Path) -> None:
    def build(_: BinaryIO) -> LinesBuilder:
        raise FormatError("no")

    with pytest.raises(FormatError), image(old, build=build).transaction():
        pass
    assert only(old)


@pytest.mark.parametrize("stop", [None, MediumError("no"), KeyboardInterrupt()])
def test_folders_for_an_image_are_made_and_stay_only_with_it(stop: BaseException | None, tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "new.lines"
    if stop is None:
        change(image(path, new=True), {"ONE": b"1"})
        assert only(path)
        return
    with pytest.raises(type(stop)):
        change(image(path, new=True), {"ONE": b"1"}, stop=stop)
    assert os.listdir(tmp_path) == []


def test_folders_for_an_image_go_if_it_cannot_be_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> BinaryIO:
        raise MediumError("another writer is at work")

    monkeypatch.setattr("fileset.media.image.transaction.open_locked", fail)
    with pytest.raises(MediumError, match="another writer"):
        change(image(tmp_path / "one" / "new.lines", new=True), {})
    assert os.listdir(tmp_path) == []


def test_an_image_below_a_file_is_refused(old: Path) -> None:
    with pytest.raises(MediumError, match=f"^{re.escape(str(old))}: exists and is not a folder$"):
        change(image(old / "one" / "new.lines", new=True), {})
    assert only(old)


def test_a_file_system_without_lasting_numbers_of_files_is_no_endless_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.media.system.files.os.path.samestat", lambda *_: False)
    with pytest.raises(MediumError, match="cannot keep a second writer out"):
        open_locked(str(tmp_path / "LOCK"))
    monkeypatch.undo()
