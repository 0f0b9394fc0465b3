"""A new image keeps the features of the old one, or the change is refused and names each feature."""

from __future__ import annotations

import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack
from typing import Final

import pytest

import fileset
from fileset.errors import RefusedError
from fileset.media.iso.medium import IsoMedium
from fileset.media.open import updatable
from fileset.media.zip.directory import read_extras
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.judges import need_tool

CHANGES: Final = {
    "add": ("add", "{image}", "{new}"),
    "remove": ("remove", "{image}", "InstanceNumber=1"),
    "refresh": ("refresh", "{image}"),
    "repair": ("repair", "{image}"),
}
"""The verbs that write a new image, with their arguments."""


def changed(verb: str, image: Path, folder: Path) -> list[str]:
    """Return the arguments of a verb that changes `image`; the new file is made in `folder`."""
    new = folder / "NEW"
    new.write_bytes(synthetic.ct(9, 1, 1, 1))
    return [part.format(image=image, new=new) for part in CHANGES[verb]]


def in_need_of_repair(verb: str, disc: Path) -> None:
    """Give `repair` something to do: a file without a record."""
    if verb == "repair":
        (disc / "EXTRA").write_bytes(synthetic.ct(8, 1, 1, 1))


def archived(disc: Path, path: Path, before: bytes = b"") -> Path:
    """Pack `disc` with a comment, permissions, an owner of its first file, comments of members, and an empty folder."""
    path.write_bytes(before)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"for Dr. House"
        for number, file in enumerate(sorted(file for file in disc.rglob("*") if file.is_file())):
            info = zipfile.ZipInfo(file.relative_to(disc).as_posix(), (2020, 1, 2, 3, 4, 6))
            info.external_attr, info.create_system = 0o100600 << 16, 3
            info.comment = b"note %d" % number
            info.extra = b"ux\x0b\0\1\4\xe8\3\0\0\4\xe8\3\0\0"
            archive.writestr(info, file.read_bytes())
        empty = zipfile.ZipInfo("EMPTY/SUB/")
        empty.external_attr, empty.create_system = 0o600 << 16, 3
        archive.writestr(empty, b"")
    return path


def facts(path: Path) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield name, permissions, comment and owner of every member that is neither new nor changed."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield info.filename, info.external_attr >> 16, info.comment, info.extra.partition(b"ux")[2][:13]


@pytest.mark.parametrize("verb", CHANGES)
def test_an_archive_keeps_comment_permissions_owners_and_empty_folders(
    disc: Path, tmp_path: Path, run: Runs, verb: str
) -> None:
    in_need_of_repair(verb, disc)
    path = archived(disc, tmp_path / "DISC.zip")
    before = {name: fact for name, *fact in facts(path)}
    run(*changed(verb, path, tmp_path))
    with zipfile.ZipFile(path) as archive:
        assert archive.comment == b"for Dr. House"
        assert archive.testzip() is None
    after = {name: fact for name, *fact in facts(path)}
    assert "EMPTY/SUB/" in after
    kept = before.keys() & after.keys() - {"DICOMDIR"}
    assert len(kept) > 6
    assert {name: before[name] for name in kept} == {name: after[name] for name in kept}


def test_an_archive_keeps_many_extra_fields_and_the_permissions_of_folders(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    image = tmp_path / "A.zip"
    folder = next(file for file in sorted(disc.rglob("*")) if file.is_dir()).relative_to(disc).as_posix() + "/"
    fields = b"".join(pack("<2H", 0x4100 + number, 5000) + bytes(5000) for number in range(12))
    with zipfile.ZipFile(image, "a") as archive:
        private = zipfile.ZipInfo(folder)
        private.external_attr, private.create_system = 0o040700 << 16, 3
        archive.writestr(private, b"")
        for file in sorted(file for file in disc.rglob("*") if file.is_file()):
            info = zipfile.ZipInfo(file.relative_to(disc).as_posix())
            info.extra = fields
            archive.writestr(info, file.read_bytes())
    run(*changed("add", image, tmp_path))
    with zipfile.ZipFile(image) as archive:
        assert archive.getinfo(folder).external_attr >> 16 == 0o040700
        member = next(name for name in archive.namelist() if name.startswith(folder) and name != folder)
        assert fields in archive.getinfo(member).extra


def test_an_archive_with_more_extra_fields_than_fit_is_changed_with_force_only(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    image = tmp_path / "A.zip"
    with zipfile.ZipFile(image, "a") as archive:
        for file in sorted(file for file in disc.rglob("*") if file.is_file()):
            info = zipfile.ZipInfo(file.relative_to(disc).as_posix())
            info.extra = pack("<2H", 0x4100, 0xFF00) + bytes(0xFF00) if file.name == "DICOMDIR" else b""
            archive.writestr(info, file.read_bytes())
    words = changed("add", image, tmp_path)
    assert "the extra fields of DICOMDIR" in run(*words, code=6).stderr
    assert "FS-IMAGE-REDUCED" in run(*words, "--force").stderr


def test_an_archive_with_a_program_before_its_files_is_changed_with_force_only(
    disc: Path, tmp_path: Path, run: Runs
) -> None:
    path = archived(disc, tmp_path / "DISC.zip", before=b"MZ" + bytes(510))
    before = path.read_bytes()
    told = run("remove", path, "InstanceNumber=1", code=6).stderr
    assert "512 bytes before its first file" in told
    assert path.read_bytes() == before
    run("remove", path, "InstanceNumber=1", "--force")
    assert zipfile.ZipFile(path).testzip() is None


def made(disc: Path, path: Path, *options: str) -> Path:
    """Return an image of `disc` as genisoimage makes it, with an empty folder."""
    (disc / "EMPTY").mkdir(exist_ok=True)
    command = [need_tool("genisoimage"), "-quiet", *options, "-o", str(path), str(disc)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def with_boot_record(disc: Path, path: Path) -> Path:
    """Return an image that a computer can be started from."""
    (disc / "BOOT.IMG").write_bytes(b"\xfa" * 2048)
    return made(disc, path, "-b", "BOOT.IMG", "-no-emul-boot", "-c", "BOOT.CAT")


def with_partition_table(disc: Path, path: Path) -> Path:
    """Return an image that boots from a stick, too."""
    data = made(disc, path).read_bytes()
    path.write_bytes(data[:510] + b"\x55\xaa" + data[512:])
    return path


LOST: Final[dict[str, Callable[[Path, Path], Path]]] = {
    "Rock Ridge": lambda disc, path: made(disc, path, "-R"),
    "El Torito": with_boot_record,
    "partition table": with_partition_table,
    "with other names": lambda disc, path: made(disc, path, "-iso-level", "4"),
}


@pytest.mark.judges
@pytest.mark.parametrize("verb", CHANGES)
@pytest.mark.parametrize("feature", LOST)
def test_an_image_with_features_that_we_do_not_write_is_changed_only_with_force(
    disc: Path, tmp_path: Path, run: Runs, feature: str, verb: str
) -> None:
    in_need_of_repair(verb, disc)
    image = LOST[feature](disc, tmp_path / "DISC.iso")
    before = image.read_bytes()
    for more in ((), ("--dry-run",)):
        told = run(*changed(verb, image, tmp_path), *more, code=6).stderr
        assert feature in told
        assert "--force" in told
    assert image.read_bytes() == before
    told = run(*changed(verb, image, tmp_path), "--force").stderr
    assert feature in told
    assert "FS-IMAGE-REDUCED" in told
    run("check", image)


@pytest.mark.judges
@pytest.mark.parametrize("options", [(), ("-J",), ("-udf",)], ids=" ".join)
def test_an_image_keeps_its_publisher_its_preparer_and_empty_folders(
    disc: Path, tmp_path: Path, run: Runs, options: tuple[str, ...]
) -> None:
    texts = ("-publisher", "CLINIC", "-p", "RADIOLOGY", "-A", "VIEWER", "-volset", "SET", "-copyright", "LICENSE.TXT")
    (disc / "LICENSE.TXT").write_text("free")
    image = made(disc, tmp_path / "DISC.iso", *options, *texts)
    before = image.read_bytes()
    run("remove", image, "InstanceNumber=1")
    after = image.read_bytes()
    assert after[0x8000 + 190 : 0x8000 + 813] == before[0x8000 + 190 : 0x8000 + 813]
    assert b"CLINIC" in after[0x8000:0x8800]
    if "-J" in options:
        assert after[0x8800 + 190 : 0x8800 + 813] == before[0x8800 + 190 : 0x8800 + 813]
    medium = updatable(image)
    assert not medium.not_carried_over()
    medium.close()
    listed = subprocess.run([need_tool("7zz"), "l", str(image)], check=True, capture_output=True, text=True).stdout
    assert "EMPTY" in listed
    run("check", image)


def test_nothing_is_refused_where_an_image_has_nothing_to_lose(disc: Path, tmp_path: Path) -> None:
    for name in ("A.iso", "A.zip"):
        with fileset.Creator(tmp_path / name) as creator:
            creator.add(disc)
        with fileset.Updater(tmp_path / name) as updater:
            updater.remove(InstanceNumber=1)
        assert not any(one.rule == "FS-IMAGE-REDUCED" for one in updater.report.findings)


@pytest.mark.judges
def test_python_gets_the_refusal_as_an_error_with_advice(disc: Path, tmp_path: Path) -> None:
    image = made(disc, tmp_path / "DISC.iso", "-R")
    with pytest.raises(RefusedError, match="force=True"), fileset.Updater(image) as updater:
        updater.remove(InstanceNumber=1)


def test_folders_nested_thousands_of_times_take_little_memory(disc: Path, tmp_path: Path) -> None:
    path = archived(disc, tmp_path / "DISC.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/" * 30_000 + "x", b"")
    with path.open("rb") as file:
        tracemalloc.start()
        try:
            extras = read_extras(file)
            assert tracemalloc.get_traced_memory()[1] < 10 << 20
        finally:
            tracemalloc.stop()
    assert extras.empty_folders == ["EMPTY/SUB/"]


@pytest.mark.judges
def test_an_empty_folder_that_is_too_deep_for_an_image_is_named(disc: Path, tmp_path: Path, run: Runs) -> None:
    (disc / "A/B/C/D/E/F/G/H").mkdir(parents=True)
    (disc / "A/B/C/D/E/F/G2").mkdir()
    image = made(disc, tmp_path / "DISC.iso", "-D")
    assert "the empty folder A/B/C/D/E/F/G/H" in run("remove", image, "InstanceNumber=1", code=6).stderr
    run("remove", image, "InstanceNumber=1", "--force")
    medium = IsoMedium(str(image))
    assert medium.empty_folders() == (["A/B/C/D/E/F/G2", "EMPTY"], [])
    medium.close()
