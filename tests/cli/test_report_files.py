"""Law 5: a report file replaces an earlier report of its kind, and nothing of the user's."""

from __future__ import annotations

import os
import random
from hashlib import sha256
from pathlib import Path

import pytest

from fileset.cli import main
from tests.support import synthetic


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four CT images."""
    synthetic.ct_series(tmp_path / "IN", 1, 1, 2, 2)
    return tmp_path / "IN"


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("victim", ["image", "dicomdir", "note", "link", "pipe", "medium"])
def test_a_manifest_never_replaces_another_file(source: Path, tmp_path: Path, victim: str) -> None:
    output = tmp_path / "OUT.iso"
    other = tmp_path / "OTHER"
    other.mkdir()
    image = next(path for path in source.rglob("*") if path.is_file())
    paths = {"image": image, "dicomdir": other / "DICOMDIR", "note": other / "note.txt", "medium": output}
    path = paths.get(victim, other / "LINK")
    if victim in ("dicomdir", "note"):
        path.write_bytes(b"something of the user's\n")
    if victim == "link":
        path.symlink_to(image)
    if victim == "pipe":
        os.mkfifo(path)
    before = state(tmp_path)
    assert main(["create", str(source), "-o", str(output), "--manifest", str(path)]) == 6
    assert state(tmp_path) == before


def test_a_file_beside_it_with_the_name_of_a_draft_is_not_followed(source: Path, tmp_path: Path) -> None:
    victim = next(path for path in source.rglob("*") if path.is_file())
    (tmp_path / "SUMS.new").symlink_to(victim)
    before = victim.read_bytes()
    assert main(["create", str(source), "-o", str(tmp_path / "OUT"), "--manifest", str(tmp_path / "SUMS")]) == 0
    assert victim.read_bytes() == before


def test_an_earlier_manifest_and_an_empty_file_are_replaced(source: Path, tmp_path: Path) -> None:
    sums = tmp_path / "SUMS"
    sums.touch()
    for output in ("A", "B"):
        assert main(["create", str(source), "-o", str(tmp_path / output), "--manifest", str(sums)]) == 0
    assert len(sums.read_text().splitlines()) == 5


def listed(sums: Path) -> dict[str, str]:
    rows = (line.split("  ", 1) for line in sums.read_text().splitlines())
    return {name: digest for digest, name in rows}


def test_a_manifest_has_the_whole_medium_whatever_was_written(source: Path, tmp_path: Path) -> None:
    out, sums = tmp_path / "OUT", tmp_path / "SUMS"
    commands = (
        ["create", str(source), "-o", str(out)],
        ["create", str(source), "-o", str(out), "--replace"],
        ["index", str(out), "--replace"],
        ["add", str(out), str(tmp_path / "NEW")],
        ["remove", str(out), "InstanceNumber=9"],
    )
    (tmp_path / "NEW").mkdir()
    (tmp_path / "NEW" / "IM9").write_bytes(synthetic.ct(1, 1, 1, 9))
    for command in commands:
        assert main([*command, "--manifest", str(sums)]) == 0, command
        expected = {
            path.relative_to(out).as_posix(): sha256(path.read_bytes()).hexdigest()
            for path in out.rglob("*")
            if path.is_file()
        }
        assert listed(sums) == expected, command
        sums.unlink()


def test_a_new_file_set_inside_its_source_is_refused(source: Path) -> None:
    before = state(source)
    assert main(["create", str(source), "-o", str(source / "sub")]) == 6
    assert state(source) == before


@pytest.mark.slow
def test_no_file_of_random_content_is_replaced_unless_it_is_a_manifest(tmp_path: Path) -> None:
    from fileset.errors import RefusedError
    from fileset.plan.report_file import write_report_file

    dice = random.Random(15)
    digest = "0" * 64
    pieces = [f"{digest}  A\n", f"{digest} *B/C\n", "\n", "DICM", "text\n", f"{digest}\n", "{}", '{"schema": "x"}']
    replaced = 0
    for number in range(1000):
        content = "".join(dice.choices(pieces, weights=[9, 5, 2, 1, 1, 1, 1, 1], k=dice.randint(0, 4)))
        path = tmp_path / f"file{number}"
        path.write_text(content)
        is_manifest = all(line.startswith((f"{digest}  ", f"{digest} *")) for line in content.splitlines() if line)
        try:
            write_report_file(str(path), "manifest", ["new\n"])
        except RefusedError:
            assert not is_manifest, content
            assert path.read_text() == content
        else:
            assert is_manifest, content
            replaced += 1
        assert not list(tmp_path.glob(f"file{number}.*"))
    print(f"1000 files: {replaced} earlier manifests replaced")  # noqa: T201  # the figures of the property
    assert 100 < replaced < 900
