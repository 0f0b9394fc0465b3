"""Law 2: where `check` advises a repair, the advised command runs, and the repaired file-set passes the check."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread

import fileset
from tests.laws.forged import forged
from tests.support import synthetic
from tests.support.command import Runs, words_of

ADVICE = re.compile(r"^`fileset (.* --dry-run)` shows what a repair would change$", re.MULTILINE)


def lose(folder: Path) -> None:
    (folder / "IM2").unlink()


def bring(folder: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=3), folder / "IM3")


def renumber(folder: Path) -> None:
    dataset = dcmread(folder / "IM2")
    dataset.InstanceNumber = 9
    dataset.save_as(folder / "IM2")


def change_sex(folder: Path) -> None:
    for name in ("IM1", "IM2"):
        dataset = dcmread(folder / name)
        dataset.PatientSex = "M" if dataset.PatientSex != "M" else "F"
        dataset.save_as(folder / name)


def overwrite(folder: Path) -> None:
    (folder / "IM2").write_bytes(b"not DICOM" * 100)


def bend_an_offset(folder: Path) -> None:
    data = bytearray((folder / "DICOMDIR").read_bytes())
    at = data.index(b"\x04\x00\x20\x14UL") + 8
    data[at : at + 4] = (123456).to_bytes(4, "little")
    (folder / "DICOMDIR").write_bytes(data)


DAMAGES = (lose, bring, renumber, change_sex, overwrite, bend_an_offset)


def damaged(folder: Path, damage: Callable[[Path], None]) -> Path:
    """A file-set of two files with a fault; its name has a space."""
    disc = folder / "MY DISC"
    for number in (1, 2):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, number=number), disc / f"IM{number}")
    fileset.index(disc)
    damage(disc)
    return disc


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_the_advised_repair_cures_every_error(damage: Callable[[Path], None], run: Runs, tmp_path: Path) -> None:
    disc = damaged(tmp_path, damage)
    found = ADVICE.search(run("check", disc, code=1).stderr)
    assert found
    words = words_of(found[1])
    before = (disc / "DICOMDIR").read_bytes()
    code = 3 if damage in (lose, overwrite) else 0
    run(*words, code=code)
    assert (disc / "DICOMDIR").read_bytes() == before
    run(*words[:-1], code=code)
    assert not run("check", disc).stderr


@pytest.mark.parametrize("medium", ["DISC.iso", "DISC.zip"])
def test_the_repair_of_an_image_is_advised_too(medium: str, run: Runs, tmp_path: Path) -> None:
    disc, _, _ = forged(tmp_path, "instance", medium)
    found = ADVICE.search(run("check", disc, code=1).stderr)
    assert found
    run(*words_of(found[1])[:-1], code=3)
    run("check", disc)


@pytest.mark.parametrize("kind", ["patient", "person", "study"])
def test_no_repair_is_advised_where_the_patient_is_in_doubt(kind: str, run: Runs, tmp_path: Path) -> None:
    disc, _, _ = forged(tmp_path, kind, "DISC")
    assert "repair" not in run("check", disc, code=1).stderr


def test_no_repair_is_advised_for_a_medium_that_cannot_be_written(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disc = damaged(tmp_path, lose)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "repair" not in run("check", disc, code=1).stderr


def test_no_repair_is_advised_without_an_error_that_it_cures(run: Runs, tmp_path: Path) -> None:
    disc = damaged(tmp_path, lambda _: None)
    assert not run("check", disc).stderr
    whole = (disc / "IM2").read_bytes()
    (disc / "IM2").write_bytes(whole[:-3])
    assert "repair" not in run("check", disc, code=1).stderr


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_the_advice_is_for_people_who_read_the_report(option: str, run: Runs, tmp_path: Path) -> None:
    assert not run("check", damaged(tmp_path, lose), option, code=1).stderr
