"""`fileset check`: exit codes, the document, the report for people, the catalogue."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from fileset.findings import RULES
from tests.support import synthetic
from tests.support.command import ANSI, Runs, damage, on_terminal


def test_a_good_file_set_ends_with_0(disc: Path, run: Runs) -> None:
    result = run("check", disc)
    assert result.stdout == f"{disc}: 22 records, 12 files: 0 errors\n"
    assert not result.stderr


def test_errors_end_with_1_and_are_named_with_rule_place_and_section(disc: Path, run: Runs) -> None:
    (disc / "P001" / "T001" / "S001" / "I000002").unlink()
    result = run("check", disc, code=1)
    assert "error: a referenced file is not on the medium [FS-FILE-MISSING, PS3.3 F.2.1]" in result.stdout
    assert "P001/T001/S001/I000002, PATIENT 1 > STUDY 1 > SERIES 1 > IMAGE 2" in result.stdout
    assert result.stdout.endswith("22 records, 11 files: 1 error\n")


def test_only_warnings_end_with_0(disc: Path, run: Runs) -> None:
    (disc / "P001").rename(disc / "P").rename(disc / "p001")  # at once would change nothing, where case does not count
    assert "FS-NAME-FORM" in run("check", disc).stdout


def test_the_document_has_these_members_and_no_others(disc: Path, run: Runs) -> None:
    damage(disc, b"CT", b"ct")
    document = run("check", disc, "--json", code=1).document
    assert document.keys() == {"schema", "file_set", "findings", "summary"}
    assert document["schema"] == "fileset.check/1"
    assert document["file_set"] == {"id": "TWELVE", "uid": "2.25.12", "path": str(disc)}
    assert document["summary"].keys() == {"errors", "warnings", "infos", "records", "files"}
    assert (document["summary"]["records"], document["summary"]["files"]) == (22, 12)
    assert document["summary"]["errors"] == sum(row["severity"] == "error" for row in document["findings"]) > 0
    for row in document["findings"]:
        assert row.keys() == {"rule", "severity", "where", "message", "section"}
        assert row["where"].keys() == {"file", "record", "offset", "tag"}
        assert row["section"] == RULES[row["rule"]].section


def test_a_dicomdir_under_another_name_is_named_in_its_verdict(disc: Path, run: Runs) -> None:
    copy = disc / "DICOMDIR.OLD"
    copy.write_bytes((disc / "DICOMDIR").read_bytes())
    damage(disc, b"CT", b"ct")
    several = run("check", disc / "DICOMDIR", copy, code=1).stdout.splitlines()
    assert [line.partition(": ")[0] for line in several] == [str(disc), str(copy)]
    damage(disc, b"ct", b"CT")
    (disc / "P001" / "T001" / "S001" / "I000002").unlink()
    alone = run("check", copy, code=1)
    assert alone.stdout.splitlines()[-1].startswith(f"{copy}: 22 records")
    assert alone.stderr == ""  # repair would change the other DICOMDIR


@pytest.mark.parametrize(
    ("media", "code"),
    [
        (("DISC", "DISC"), 0),
        (("DISC", "EMPTY"), 3),
        (("DISC", "NONE"), 3),
        (("EMPTY", "EMPTY"), 4),
        (("NONE", "NONE"), 2),
        (("BAD", "EMPTY", "DISC"), 1),
    ],
)
def test_of_several_media_only_errors_of_a_check_end_with_1(
    disc: Path, tmp_path: Path, run: Runs, media: tuple[str, ...], code: int
) -> None:
    paths = {"DISC": disc, "BAD": tmp_path / "BAD", "EMPTY": tmp_path / "EMPTY", "NONE": tmp_path / "NONE"}
    shutil.copytree(disc, paths["BAD"])
    damage(paths["BAD"], b"CT", b"ct")
    paths["EMPTY"].mkdir()
    verdicts = run("check", *(paths[name] for name in media), code=code).stdout.splitlines()
    assert [line.partition(": ")[0] for line in verdicts] == [str(paths[name]) for name in media]


def test_a_file_that_another_one_overwrote_is_named_as_its_copy(disc: Path, run: Runs) -> None:
    folder = disc / "P001" / "T001" / "S001"
    (folder / "I000002").write_bytes((folder / "I000003").read_bytes())
    copied = "; PATIENT 1 > STUDY 1 > SERIES 1 > IMAGE 3 has the same SOP Instance UID"
    findings = run("check", disc, "--json", code=1).document["findings"]
    assert [row["rule"] for row in findings if row["message"].endswith(copied)] == ["FS-UID-DIFFERS"]
    assert copied in run("repair", disc, code=3).stderr
    findings = run("check", disc, "--json", code=1).document["findings"]
    assert [row["rule"] for row in findings] == ["FS-FILE-UNLISTED"]
    assert "SERIES 1 > IMAGE 2 has the same SOP Instance UID" in findings[0]["message"]


def test_without_files_only_the_dicomdir_is_looked_at(disc: Path, run: Runs) -> None:
    (disc / "P001" / "T001" / "S001" / "I000002").unlink()
    assert "22 records, files not checked: 0 errors" in run("check", disc, "--no-files").stdout


def test_a_rule_broken_often_is_shown_with_examples_unless_all_are_wanted(disc: Path, run: Runs) -> None:
    for path in disc.rglob("I0*"):
        path.unlink()
    brief = run("check", disc, code=1).stdout
    assert brief.count("not on the medium") == 1 + 5
    assert "12 times" in brief
    assert "-v" in brief
    assert run("check", disc, "-v", code=1).stdout.count("not on the medium") == 1 + 12


def test_quiet_shows_errors_only(disc: Path, run: Runs) -> None:
    (disc / "P001").rename(disc / "p001")
    (disc / "P002" / "T001" / "S001" / "I000001").unlink()
    shown = run("check", disc, "-q", code=1).stdout
    assert "FS-FILE-MISSING" in shown
    assert "FS-NAME-FORM" not in shown


def test_control_characters_reach_no_terminal(disc: Path, run: Runs) -> None:
    (disc / "evil\x1b[31m\x07.dcm").write_bytes((disc / "P001" / "T001" / "S001" / "I000001").read_bytes())
    for options in ((), ("--json",), ("-v",)):
        shown = run("check", disc, *options, code=1).stdout
        assert "evil" in shown
        assert not set(shown) & set(map(chr, [*range(10), *range(11, 32), 0x7F, *range(0x80, 0xA0)]))


def test_a_manifest_is_compared(disc: Path, run: Runs, tmp_path: Path) -> None:
    files = [path for path in sorted(disc.rglob("*")) if path.is_file()]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(disc)}\n" for path in files]
    manifest = tmp_path / "SHA256SUMS"
    manifest.write_text("".join(lines))
    assert run("check", disc, "--hash", manifest).stdout.endswith("0 errors\n")
    data = bytearray(files[3].read_bytes())
    data[-1] ^= 1
    files[3].write_bytes(data)
    assert "FS-HASH-DIFFERS" in run("check", disc, "--hash", manifest, code=1).stdout


def test_a_manifest_of_windows_is_compared(disc: Path, run: Runs, tmp_path: Path) -> None:
    manifest = tmp_path / "SHA256SUMS"
    digest = hashlib.sha256((disc / "DICOMDIR").read_bytes()).hexdigest()
    text = f"{digest}  .\\DICOMDIR\r\n{'0' * 64}  P001\\T001\\S001\\I000001\r\n"
    manifest.write_bytes(text.encode("utf-8-sig"))
    found = run("check", disc, "--hash", manifest, code=1).stdout
    assert found.count("FS-HASH-DIFFERS") == 1
    assert "P001/T001/S001/I000001" in found


def test_a_file_that_is_not_a_manifest_is_reported(disc: Path, run: Runs, tmp_path: Path) -> None:
    manifest = tmp_path / "SHA256SUMS"
    for text in ("not a manifest\n", f"{'0' * 64}  ../bait\n", f"{'0' * 64}  /etc/passwd\n"):
        manifest.write_text(text)
        assert "line 1" in run("check", disc, "--hash", manifest, code=4).stderr


@pytest.mark.parametrize("arguments", [(), ("DISC", "--no-files", "--hash", "X"), ("DISC", "--jobs", "0")])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], run: Runs) -> None:
    assert run("check", *arguments, code=2).stderr


def test_a_folder_without_file_set_ends_with_4(tmp_path: Path, run: Runs) -> None:
    run("check", tmp_path, code=4)
    (tmp_path / "DICOMDIR").write_bytes(b"nothing of the kind")
    run("check", tmp_path, code=4)


def test_a_path_that_does_not_exist_is_wrong_usage(disc: Path, tmp_path: Path, run: Runs) -> None:
    run("check", tmp_path / "NOTHING", code=2)
    assert "no such file or folder" in run("check", disc, "--hash", tmp_path / "NOTHING", code=2).stderr


def test_rules_shows_every_rule_once(run: Runs) -> None:
    lines = run("check", "--rules").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == sorted(RULES)
    document = run("check", "--rules", "--json").document
    assert document["schema"] == "fileset.rules/1"
    assert {row["rule"]: row["severity"] for row in document["rules"]} == {
        rule.id: rule.severity for rule in RULES.values()
    }


def test_colours_are_for_terminals(disc: Path, run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    (disc / "P001" / "T001" / "S001" / "I000002").unlink()
    assert "\x1b" not in run("check", disc, code=1).stdout
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "\x1b[1;31merror: a referenced file is not on the medium" in run("check", disc, code=1).stdout


@pytest.mark.parametrize("arguments", [(), ("--rules",)], ids=["findings", "rules"])
def test_on_a_terminal_lines_are_broken_between_words(arguments: tuple[str, ...], disc: Path, run: Runs) -> None:
    damage(disc, synthetic.ct_uid().encode(), b"9" * len(synthetic.ct_uid()))
    target = arguments or (disc,)
    done = run("check", *target, code=0 if arguments else 1)
    plain = done.stdout + done.stderr
    shown = ANSI.sub("", on_terminal("check", *target, "--no-progress", columns=50))
    assert shown.split() == plain.split()
    assert max(map(len, plain.splitlines())) > 80
    assert all(len(line) <= 50 or len(line.split()) == 1 for line in shown.splitlines())
