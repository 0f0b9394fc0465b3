"""`fileset profiles`, `check --profile` and `check --profiles`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fileset.standard.profiles import PROFILES
from tests.support import synthetic
from tests.support.command import ANSI, Runs, on_terminal
from tests.support.instances import breaking, conforming


def test_all_profiles_are_listed(run: Runs) -> None:
    lines = run("profiles").stdout.splitlines()
    assert len(lines) == 1 + len(PROFILES)
    assert [line.split()[0] for line in lines[1:]] == list(PROFILES)


def test_the_list_is_filtered_by_medium_class_and_syntax(run: Runs) -> None:
    found = run("profiles", "--medium", "USB", "--syntax", "JPEG 2000", "--json").document["profiles"]
    assert [one["id"] for one in found] == ["STD-GEN-USB-J2K", "STD-GEN-SEC-USB-J2K"]


@pytest.mark.parametrize("profile_id", PROFILES)
def test_each_profile_is_shown_with_its_rules(profile_id: str, run: Runs) -> None:
    shown = run("profiles", profile_id).stdout
    assert shown.startswith(f"Profile:  {profile_id} (PS3.11 ")
    assert "SOP classes and transfer syntaxes:" in shown
    for constraint in PROFILES[profile_id].constraints:
        assert constraint.rule in shown


@pytest.mark.parametrize("words", [(), ("STD-GEN-CD",), ("STD-US-SC-SF-CDR",), ("STD-DEN-CD",)], ids=" ".join)
def test_on_a_terminal_of_80_columns_no_line_of_a_profile_is_wider(words: tuple[str, ...]) -> None:
    lines = ANSI.sub("", on_terminal("profiles", *words, columns=80)).splitlines()
    assert max(map(len, lines)) <= 80
    named = words or tuple(PROFILES)
    assert [name for name in named if not any(name in line.split() for line in lines)] == []


def test_a_retired_profile_is_refused_with_the_reason(run: Runs) -> None:
    assert "retired with PS3.11-2004" in run("profiles", "STD-CTMR-MOD650", code=2).stderr


def test_a_file_set_that_conforms_passes_the_check_of_its_profile(disc: Path, run: Runs) -> None:
    checked = run("check", disc, "--profile", "STD-GEN-CD", "-v")
    assert "warning: the rules for the medium cannot be checked on a folder" in checked.stdout


def test_each_violation_is_one_finding_with_the_attribute_its_value_and_the_allowed_values(
    disc: Path, run: Runs
) -> None:
    result = run("check", disc, "--profile", "STD-US-SC-SF-CDR", "--json", code=1).document
    findings = [one for one in result["findings"] if one["rule"] == "PR-SOP-CLASS"]
    assert len(findings) == 12
    assert "CT Image Storage is not in STD-US-SC-SF-CDR" in findings[0]["message"]
    assert findings[0]["section"] == "PS3.11 X.3.1"


def test_an_image_of_a_wrong_kind_is_refused_by_the_check(tmp_path: Path, run: Runs) -> None:
    synthetic.ct_series(tmp_path / "IN", patients=1, studies=1, series=1, instances=2)
    image = tmp_path / "A.iso"
    run("create", tmp_path / "IN", "-o", image)
    assert "PR-MEDIUM" in run("check", image, "--profile", "STD-GEN-USB-JPEG", code=1).stdout
    run("check", image, "--profile", "STD-GEN-CD")


def test_a_secure_profile_is_not_met_by_plain_files(disc: Path, run: Runs) -> None:
    assert "PR-SECURE" in run("check", disc, "--profile", "STD-GEN-SEC-CD", code=1).stdout


def test_the_advisor_has_one_line_for_each_profile(disc: Path, run: Runs) -> None:
    done = run("check", disc, "--profiles")
    lines = done.stdout.splitlines()
    assert done.stderr == f"only headers were read; `fileset check {disc}` checks the DICOMDIR and whole files\n"
    assert len(lines) == len(PROFILES) + 1
    assert "satisfied  STD-GEN-CD: 120 mm CD-R" in lines
    blocked = next(line for line in lines if line.startswith("blocked    STD-XABC-CD"))
    assert "12 of 12 files: SOP class CT Image Storage is not allowed (12 files)" in blocked
    assert all(line.count(line.split()[1].rstrip(":")) == 1 for line in lines[:-1])


def test_the_advice_for_machines_has_every_reason(tmp_path: Path, run: Runs) -> None:
    for number, instance in enumerate((*conforming("STD-US-SC-SF-CDR"), *breaking("STD-US-SC-SF-CDR"))):
        (tmp_path / f"F{number}").write_bytes(instance.data)
    rows = run("check", tmp_path, "--profiles", "--json").document["profiles"]
    row = next(one for one in rows if one["profile"] == "STD-US-SC-SF-CDR")
    assert not row["satisfied"]
    assert row["files"] == len(list(tmp_path.iterdir()))
    assert row["blocked"] == sum(reason["files"] for reason in row["reasons"]) == len(breaking("STD-US-SC-SF-CDR"))


def test_a_folder_without_dicom_files_gets_no_advice(tmp_path: Path, run: Runs) -> None:
    (tmp_path / "note.txt").write_text("nothing")
    assert "no DICOM file was found" in run("check", tmp_path, "--profiles", code=4).stderr


def test_images_get_advice_too(disc: Path, tmp_path: Path, run: Runs) -> None:
    shutil.make_archive(str(tmp_path / "A"), "zip", disc)
    lines = run("check", tmp_path / "A.zip", "--profiles").stdout.splitlines()
    assert "satisfied  STD-GEN-ZIP-MAIL: e-mail with DICOM.ZIP" in lines
    assert not [line for line in lines if line.startswith("satisfied  STD-GEN-CD")]
