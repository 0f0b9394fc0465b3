"""Law 2 as a property: for any fault of a medium, `extract` copies each DICOM file on it, or reports that it did not.

Fixed seeds make 500 media: a small file-set with some faults from a table, as a folder or an archive.
"""

from __future__ import annotations

import random
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.long import LONG
from tests.support.tries import Tries

pytestmark = pytest.mark.slow

MEDIA: Final = 5_000 if LONG else 500
PARTS: Final = 20
"""Tests that the media are divided among."""

IN_USE: Final = b"\x04\x00\x10\x14US\x02\x00"


def files(disc: Path) -> list[Path]:
    """Return the DICOM files of a medium, except its DICOMDIR."""
    return sorted(path for path in disc.rglob("*") if path.is_file() and not path.name.upper().startswith("DICOMDIR"))


def _unlisted(disc: Path, chance: random.Random) -> None:
    for number in range(chance.randint(1, 3)):
        (disc / f"extra{number}.dcm").write_bytes(synthetic.ct(5, 1, 1, number + 1))


def _moved(disc: Path, chance: random.Random) -> None:
    chance.choice(files(disc)).rename(disc / "MOVED")


def _renamed(disc: Path, chance: random.Random) -> None:
    path = chance.choice(files(disc))
    path.rename(path.with_name(chance.choice([path.name.lower(), f"{path.name.lower()}.dcm", f"{path.name}."])))


def _missing(disc: Path, chance: random.Random) -> None:
    chance.choice(files(disc)).unlink()


def _truncated(disc: Path, chance: random.Random) -> None:
    path = chance.choice(files(disc))
    path.write_bytes(path.read_bytes()[: chance.choice([0, 100, 700, -2])])


def _zeros(disc: Path, chance: random.Random) -> None:
    path = chance.choice(files(disc))
    path.write_bytes(bytes(path.stat().st_size))


def _other_patient(disc: Path, chance: random.Random) -> None:
    chance.choice(files(disc)).write_bytes(synthetic.ct(9))


def _inactive(disc: Path, chance: random.Random) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    wanted = chance.choice([1, data.count(IN_USE)])
    (disc / "DICOMDIR").write_bytes(data.replace(IN_USE + b"\xff\xff", IN_USE + b"\0\0", wanted))


def _cut_directory(disc: Path, chance: random.Random) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data[: int(len(data) * chance.uniform(0.1, 0.95))])


def _no_directory(disc: Path, chance: random.Random) -> None:
    del chance
    (disc / "DICOMDIR").unlink(missing_ok=True)


def _one_folder_off(disc: Path, chance: random.Random) -> None:
    del chance
    (disc / "INDEX").mkdir()
    (disc / "DICOMDIR").rename(disc / "INDEX" / "DICOMDIR")


def _hostile_file_id(disc: Path, chance: random.Random) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(data.replace(rb"P001\T001", chance.choice([rb"..\..\T001", rb"C:\1\T001"])[:9], 1))


def _viewer(disc: Path, chance: random.Random) -> None:
    del chance
    (disc / "README.TXT").write_text("hello")
    (disc / "VIEWER.EXE").write_bytes(b"MZ" + bytes(500))


FAULTS: Final[Mapping[str, Callable[[Path, random.Random], None]]] = {
    "moved": _moved,
    "renamed": _renamed,
    "missing": _missing,
    "truncated": _truncated,
    "zeros": _zeros,
    "other patient": _other_patient,
    "unlisted": _unlisted,
    "inactive": _inactive,
    "hostile File ID": _hostile_file_id,
    "viewer": _viewer,
    "cut directory": _cut_directory,
    "one folder off": _one_folder_off,
    "no directory": _no_directory,
}
LOSSES: Final = frozenset(("missing", "truncated", "zeros", "other patient"))
"""Faults of files that a command must notice where the DICOMDIR is sound."""
SOUND: Final = LOSSES | {"unlisted", "renamed", "viewer"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file-set of two patients with three instances each."""
    folder = tmp_path_factory.mktemp("sound") / "DISC"
    synthetic.ct_series(folder, patients=2, studies=1, series=1, instances=3)
    fileset.index(folder, file_set_id="SOUND", file_set_uid="2.25.6")
    return folder


def medium(sound: Path, folder: Path, chance: random.Random) -> tuple[Path, Path, list[str]]:
    """Return a medium, the folder that it was made of, and its faults."""
    disc = Path(shutil.copytree(sound, folder / "DISC"))
    names = chance.sample(list(FAULTS), chance.randint(1, 2))
    for name in sorted(names, key=list(FAULTS).index):  # faults that remove the DICOMDIR come last
        FAULTS[name](disc, chance)
    if chance.random() < 0.7 or not files(disc):
        return disc, disc, names
    archive = folder / "DISC.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(disc.rglob("*")):
            target.write(path, path.relative_to(disc))
    return archive, disc, names


def is_dicom(path: Path) -> bool:
    """Return whether a file is a DICOM file with a SOP Instance UID."""
    data = path.read_bytes()
    return data[128:132] == b"DICM" and len(data) >= 700


@pytest.mark.parametrize("part", range(PARTS))
def test_each_dicom_file_is_extracted_or_the_exit_code_is_not_0(
    part: int, sound: Path, run: Runs, tmp_path: Path, tries: Tries
) -> None:
    for seed in range(part, MEDIA, PARTS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        path, disc, names = medium(sound, folder, random.Random(seed))
        there = {one.read_bytes() for one in files(disc) if is_dicom(one)}
        codes = {}
        for verb in ("extract", "create"):
            out = folder / verb
            codes[verb] = _code(run, verb, path, out)
            copied = {one.read_bytes() for one in out.rglob("*") if one.is_file()} if out.exists() else set()
            assert there <= copied or codes[verb] != 0, (seed, names, verb)
            assert verb == "create" or there <= copied, (seed, names, verb)
        if codes["extract"] != 0 and names == ["viewer"]:
            pytest.fail(f"{seed}: a viewer is no fault")
        if LOSSES & set(names) and set(names) <= SOUND:
            assert codes["extract"] == 3, (seed, names)
        shutil.rmtree(folder)
    tries("generated media from which nothing was lost silently", len(range(part, MEDIA, PARTS)))


def _code(run: Runs, verb: str, path: Path, out: Path) -> int:
    """Return the exit code of a verb: 0 or 3."""
    try:
        return run(verb, path, "-o", out, "-q").code
    except AssertionError:
        shutil.rmtree(out, ignore_errors=True)
    return run(verb, path, "-o", out, "-q", code=3).code
