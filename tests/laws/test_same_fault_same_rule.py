"""Law 1: the same fault has the same rule and severity in create, index, add, repair and check."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Run, in_process
from tests.support.faulty import File, encoded

VERBS: Final = ("create", "index", "add", "repair")
Told = dict[str, str]
"""Rule -> severity."""


class Written(NamedTuple):
    """Return exit codes and findings of a verb that lists one file, and of a check afterwards; None without a file-set."""

    code: int
    told: Told
    checked: Run | None

    @property
    def found(self) -> Told:
        """The findings of the check."""
        return told(self.checked) if self.checked else {}


def told(run: Run) -> Told:
    return {one["rule"]: one["severity"] for one in run.document["findings"]}


def written(verb: str, data: bytes, folder: Path) -> Written:
    """Let a verb list a file with these bytes, and check the file-set."""
    source, out = folder / "SOURCE", folder / "OUT"
    source.mkdir(parents=True)
    (source / "IM1").write_bytes(data)
    if verb in ("add", "repair"):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=9999), out / "GOOD")
        fileset.index(out)
    if verb == "create":
        run = in_process("create", source, "-o", out, "--json")
    elif verb == "index":
        run = in_process("index", source.rename(out), "--json")
    elif verb == "add":
        run = in_process("add", out, source, "--json")
    else:
        (source / "IM1").rename(out / "IM1")
        run = in_process("repair", out, "--json")
    return Written(run.code, told(run), in_process("check", out, "--json") if (out / "DICOMDIR").exists() else None)


def with_uid(tag: int, uid: bytes) -> bytes:
    """A CT image with another value of a UID, in the File Meta Information too."""
    file = File(synthetic.encode(synthetic.instance(synthetic.CT_IMAGE)))
    for at in (tag, {0x00080018: 0x00020003, 0x00080016: 0x00020002}.get(tag, tag)):
        file.put(at, encoded(at, b"UI", uid + b"\0" * (len(uid) & 1)))
    return file.encoded()


UIDS: Final = (0x00080018, 0x0020000D, 0x0020000E, 0x00020012)
"""SOP, Study and Series Instance UID, Implementation Class UID."""


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("uid", "rule"),
    [
        *((uid, "FS-UID-ARC") for uid in (b"1.4.1.5", b"1.39.7", b"1.40.1", b"0.7.1", b"3.1.2", b"9")),
        *((uid, "FS-UID-FORM") for uid in (b"1.2.03.4", b"00.1", b"1.2.840.00", b"1.2.3.", b"1..2.3", b".1.2")),
    ],
)
def test_a_uid_of_digits_and_dots_is_taken_with_a_warning(verb: str, uid: bytes, rule: str, tmp_path: Path) -> None:
    for tag in UIDS:
        done = written(verb, with_uid(tag, uid), tmp_path / f"{tag:X}")
        assert (done.code, done.told) == (0, {rule: "warning"})
        assert done.checked is not None
        assert (done.checked.code, done.found) == (0, {rule: "warning"})


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("uid", [b"1.2.x", b"1.2 .3", b"-1.2", b"1." + b"2" * 63, b"..."])
def test_a_uid_with_other_characters_or_more_than_64_is_refused(verb: str, uid: bytes, tmp_path: Path) -> None:
    for tag in UIDS[:3]:
        done = written(verb, with_uid(tag, uid), tmp_path / f"{tag:X}")
        assert done.code == 3
        assert (done.checked is None) == (verb in ("create", "index"))
        if done.checked:
            assert [one for one in done.found if one not in done.told] == []
