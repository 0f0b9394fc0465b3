"""Encrypted file-sets through the command line and the library: written, opened, checked, copied out and changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import pytest

import fileset
from fileset.dicom.preamble import is_secure
from fileset.errors import FormatError
from fileset.secure.security import Security
from tests.benchmarks import measure
from tests.benchmarks.secure import write_large
from tests.secure import openssl
from tests.secure.conftest import PASSWORD, Identity, identity
from tests.support import synthetic
from tests.support.command import Runs, command, environment

NAME = b"Name^"
"""A part of every patient name of the sources."""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "IN"
    synthetic.ct_series(folder, patients=2, studies=1, series=1, instances=3)
    assert all(PLAIN_NAME in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return folder


PLAIN_NAME = synthetic.ct()[synthetic.ct().index(b"\x10\x00\x10\x00PN") :][8:16]
"""The eight bytes of the name: in the millions of encrypted bytes of the fault tests four would be found by chance."""


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password.txt"
    path.write_text(PASSWORD + "\n", encoding="ascii")
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def contents(folder: Path) -> set[bytes]:
    return set(files(folder).values())


FORMS = ["OUT", "OUT.iso", "OUT.zip"]


@pytest.mark.parametrize("form", FORMS)
def test_files_encrypted_for_a_certificate_can_be_extracted(
    form: str, run: Runs, sources: Path, alice: Identity, bob: Identity, tmp_path: Path
) -> None:
    out = tmp_path / form
    run("create", sources, "-o", out, "--encrypt-to", alice.certificate, "--encrypt-to", bob.certificate)
    for owner in (alice, bob):
        key = ("--key", owner.key, "--cert", owner.certificate)
        assert "6 CT" in run("list", out, *key).stdout or "6 IMAGE" in run("list", out, *key).stdout
        assert "0 errors" in run("check", out, *key).stdout
        run("extract", out, "-o", tmp_path / owner.name, *key)
        assert contents(tmp_path / owner.name) == contents(sources)
        assert "6 IMAGE" in run("info", out, *key).stdout
    assert PLAIN_NAME not in (out.read_bytes() if out.is_file() else b"".join(contents(out)))


@pytest.mark.parametrize("form", FORMS)
def test_files_encrypted_with_a_password_can_be_extracted(
    form: str, run: Runs, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / form
    run("create", sources, "-o", out, "--password-file", password_file)
    assert "0 errors" in run("check", out, "--password-file", password_file).stdout
    run("extract", out, "-o", tmp_path / "COPIES", "--password-file", password_file)
    assert contents(tmp_path / "COPIES") == contents(sources)


@openssl.needed
@pytest.mark.judges
def test_openssl_gives_back_the_bytes_of_every_file_and_of_the_dicomdir(
    run: Runs, sources: Path, alice: Identity, bob: Identity, authority: Identity, tmp_path: Path
) -> None:
    out = tmp_path / "OUT"
    signing = ("--sign-with", bob.certificate, bob.key)
    run("create", sources, "-o", out, "--encrypt-to", alice.certificate, *signing)
    found = {}
    for path in filter(Path.is_file, out.rglob("*")):
        assert is_secure(path.read_bytes())
        found[path.relative_to(out).as_posix()] = openssl.content(path, tmp_path, alice, authority)
    with fileset.Reader(out, security=Security(key=alice.key)) as reader:
        assert found.pop("DICOMDIR") == reader.flat.data
    assert set(found.values()) == contents(sources)


def test_the_records_are_the_records_of_the_plain_files(
    run: Runs, sources: Path, alice: Identity, tmp_path: Path
) -> None:
    uid = ("--file-set-uid", "2.25.1")
    run("create", sources, "-o", tmp_path / "PLAIN", *uid)
    run("create", sources, "-o", tmp_path / "SECURE", *uid, "--encrypt-to", alice.certificate)
    with (
        fileset.Reader(tmp_path / "PLAIN") as plain,
        fileset.Reader(tmp_path / "SECURE", security=Security(key=alice.key)) as secure,
    ):
        assert plain.flat.data == secure.flat.data
    assert files(tmp_path / "PLAIN").keys() == files(tmp_path / "SECURE").keys()


def test_several_volumes_are_encrypted(run: Runs, sources: Path, alice: Identity, tmp_path: Path) -> None:
    padding = b"\xfc\xff\xfc\xffOB\0\0" + (300_000).to_bytes(4, "little") + bytes(300_000)
    for path in filter(Path.is_file, sources.rglob("*")):
        path.write_bytes(path.read_bytes() + padding)
    size = 1_000_000
    run("create", sources, "-o", tmp_path / "V", "--volume-size", "1MB", "--encrypt-to", alice.certificate)
    volumes = sorted(tmp_path.glob("V_*"))
    assert len(volumes) > 1
    for volume in volumes:
        assert sum(path.stat().st_size for path in volume.rglob("*") if path.is_file()) <= size
        assert "0 errors" in run("check", volume, "--key", alice.key).stdout


def test_a_viewer_stays_plain_and_pages_are_left_out(run: Runs, sources: Path, alice: Identity, tmp_path: Path) -> None:
    (tmp_path / "VIEWER.EXE").write_bytes(b"MZ viewer")
    (tmp_path / "README").write_bytes(b"about this disc")
    out = tmp_path / "OUT"
    include = ("--include", tmp_path / "VIEWER.EXE", "--include", tmp_path / "README")
    done = run("create", sources, "-o", out, "--encrypt-to", alice.certificate, *include, "--web", "--json")
    assert [one["rule"] for one in done.document["findings"]] == ["FS-SECURE-NO-PAGES"]
    assert (out / "VIEWER.EXE").read_bytes() == b"MZ viewer"
    assert (out / "README").read_bytes() == b"about this disc"
    assert not (out / "INDEX.HTM").exists()
    assert "0 errors" in run("check", out, "--key", alice.key).stdout


def test_pages_are_written_if_the_user_wants_them_plain(
    run: Runs, sources: Path, alice: Identity, tmp_path: Path
) -> None:
    out = tmp_path / "OUT"
    run("create", sources, "-o", out, "--encrypt-to", alice.certificate, "--web", "--web-plain")
    assert b"<html" in (out / "INDEX.HTM").read_bytes()
    assert "0 errors" in run("check", out, "--key", alice.key).stdout


# ---------------------------------------------------------------- files that open, and files that do not


@pytest.fixture
def sealed(sources: Path, alice: Identity, tmp_path: Path) -> Path:
    """A file-set that is encrypted for Alice."""
    with fileset.Creator(tmp_path / "SEALED", security=Security(recipients=[alice.certificate])) as creator:
        creator.add(sources)
    return tmp_path / "SEALED"


def test_without_a_key_a_command_reports_it_and_fails(
    run: Runs, sealed: Path, bob: Identity, password_file: Path, tmp_path: Path
) -> None:
    for verb in (["list"], ["info"], ["extract", "-o", tmp_path / "X"], ["repair"], ["remove", "PatientID=*"]):
        assert "without a key" in run(verb[0], sealed, *verb[1:], code=4).stderr
    assert "--key" in run("list", sealed, code=4).stderr
    assert "none of the given keys opens it" in run("list", sealed, "--key", bob.key, code=4).stderr
    assert "FS-SECURE-KEY" in run("list", sealed, "--password-file", password_file, "--json", code=4).stdout
    assert "FS-SECURE-KEY" in run("create", sealed, "-o", tmp_path / "Y", "--json", code=3).stdout


@pytest.mark.parametrize(
    "verb", [("extract", "-o", "X"), ("list", "--scan"), ("list",), ("pages", "-o", "X")], ids=" ".join
)
def test_files_that_no_given_key_opens_are_not_damaged_files(
    verb: tuple[str, ...], run: Runs, sources: Path, bob: Identity, password_file: Path, tmp_path: Path
) -> None:
    run("create", sources, "-o", tmp_path / "SEALED", "--password-file", password_file)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("wrong", encoding="ascii")
    words = [str(tmp_path / word) if word == "X" else word for word in verb[1:]]
    run(verb[0], tmp_path / "SEALED", *words, code=4)
    said = run(verb[0], tmp_path / "SEALED", *words, "--password-file", wrong, code=4).stderr
    assert said.endswith("DICOMDIR: the password is wrong. Give the right password with --password-file\n")
    said = run(verb[0], tmp_path / "SEALED", *words, "--key", bob.key, code=4).stderr
    assert "DICOMDIR: is encrypted for 1 password: none of the given keys opens it. Give the private key" in said
    assert "damaged" not in said
    assert "security=" not in said


def test_a_wrong_password_of_sources_is_named_with_the_option_and_not_with_python(
    run: Runs, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    run("create", sources, "-o", tmp_path / "SECRET", "--password-file", password_file)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("another one\n", encoding="ascii")
    ended = run("create", tmp_path / "SECRET", "-o", tmp_path / "OUT", "--source-password-file", wrong, code=3)
    assert "`Security`" not in ended.stderr
    assert ended.stderr.count("--password-file") == len(files(tmp_path / "SECRET"))
    [line] = [line for line in ended.stderr.splitlines() if "FS-MEDIUM-DAMAGED" in line]
    assert line.count("DICOMDIR") == 1


def test_a_check_without_a_key_checks_the_envelopes_and_names_the_unchecked_parts(run: Runs, sealed: Path) -> None:
    rules = ["FS-SECURE-KEY", "FS-SECURE-UNSEEN"]
    assert [one["rule"] for one in run("check", sealed, "--json", code=1).document["findings"]] == rules
    victim = next(path for path in sealed.rglob("IM*"))
    victim.write_bytes(victim.read_bytes()[:-1])
    (sealed / "PLAIN").write_bytes(synthetic.ct())
    found = {one["rule"] for one in run("check", sealed, "--json", code=1).document["findings"]}
    assert found == {*rules, "FS-SECURE-FORM", "FS-SECURE-PLAIN"}


def test_a_file_for_somebody_else_is_named_and_the_rest_goes_on(
    run: Runs, sealed: Path, sources: Path, alice: Identity, bob: Identity, tmp_path: Path
) -> None:
    victim = sorted(sealed.rglob("IM*"))[2]
    original = next(iter(sources.rglob("*")))
    data = original.read_bytes() if original.is_file() else synthetic.ct()
    victim.write_bytes(b"".join(Security(recipients=[bob.certificate]).sealer.chunks((data,), len(data))))
    name = victim.relative_to(sealed).as_posix()
    done = run("extract", sealed, "-o", tmp_path / "X", "--key", alice.key, code=3)
    assert name in done.stderr
    assert "5 files" in done.stderr
    found = run("check", sealed, "--key", alice.key, "--json", code=1).document["findings"]
    assert [(one["rule"], one["where"]["file"]) for one in found if one["severity"] == "error"] == [
        ("FS-SECURE-KEY", name)
    ]
    run("repair", sealed, "--key", alice.key, "--encrypt-to", alice.certificate, code=3)
    with fileset.Reader(sealed, security=Security(key=alice.key)) as reader:
        assert len(reader.instances) == 6


def test_a_changed_file_is_named_and_not_copied(run: Runs, sealed: Path, alice: Identity, tmp_path: Path) -> None:
    victim = sorted(sealed.rglob("IM*"))[1]
    data = bytearray(victim.read_bytes())
    data[-600] ^= 1
    victim.write_bytes(data)
    run("extract", sealed, "-o", tmp_path / "X", "--key", alice.key, code=3)
    assert len(files(tmp_path / "X")) == 5
    found = run("check", sealed, "--key", alice.key, "--json", code=1).document["findings"]
    assert [one["rule"] for one in found if one["severity"] == "error"] == ["FS-SECURE-DIGEST"]


def test_the_state_of_each_file_is_reported(
    run: Runs, sources: Path, alice: Identity, bob: Identity, authority: Identity, tmp_path: Path
) -> None:
    out = tmp_path / "OUT"
    run("create", sources, "-o", out, "--encrypt-to", alice.certificate, "--sign-with", bob.certificate, bob.key)
    key = ("--key", alice.key)
    for trust, rules, words in (
        ((), ["FS-SECURE-STATE"] * 7, "no certificate to trust was given"),
        (("--trust", authority.certificate), ["FS-SECURE-STATE"] * 7, "(trusted)"),
        (("--trust", identity(tmp_path, "Stranger").certificate), [*["FS-SECURE-STATE"] * 7, "FS-SECURE-TRUST"], ""),
    ):
        found = run("check", out, *key, *trust, "--json").document["findings"]
        assert [one["rule"] for one in found] == rules
        assert all("AES-256-CBC, SHA-256 good, signed by CN=Bob" in one["message"] for one in found[:7])
        assert words in found[0]["message"]


def test_a_plain_file_among_encrypted_ones_is_an_error(run: Runs, sealed: Path, alice: Identity) -> None:
    (sealed / "PLAIN").write_bytes(synthetic.ct(number=77))
    found = run("check", sealed, "--key", alice.key, "--json", code=1).document["findings"]
    assert {one["rule"] for one in found if one["severity"] == "error"} == {"FS-SECURE-PLAIN", "FS-FILE-UNLISTED"}


def test_a_file_above_the_limit_of_memory_is_read_by_position(
    sealed: Path, sources: Path, alice: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.secure.medium.IN_MEMORY", 100)
    with fileset.Reader(sealed, security=Security(key=alice.key)) as reader:
        found = set()
        for record in reader.instances:
            with record.open() as file:
                data = file.read()
                file.seek(-100, os.SEEK_END)
                assert file.read() == data[-100:]
                file.seek(333)
                assert file.read(555) == data[333:888]
            found.add(data)
            assert record.inquire().size == len(data)
    assert found == contents(sources)


# ---------------------------------------------------------------- changes


def test_add_and_remove_keep_the_other_files_and_encrypt_the_new_ones(
    run: Runs, sealed: Path, alice: Identity, tmp_path: Path
) -> None:
    before = files(sealed)
    (tmp_path / "NEW").write_bytes(synthetic.ct(patient=3))
    access = ("--key", alice.key, "--encrypt-to", alice.certificate)
    run("add", sealed, tmp_path / "NEW", *access)
    after = files(sealed)
    assert {name for name in before if after[name] != before[name]} == {"DICOMDIR"}
    assert PLAIN_NAME not in b"".join(after.values())
    assert "7 IMAGE" in run("list", sealed, "--key", alice.key).stdout
    run("remove", sealed, f"SOPInstanceUID={synthetic.ct_uid(patient=3)}", *access)
    assert files(sealed).keys() == before.keys()
    run("refresh", sealed, *access)
    assert "0 errors" in run("check", sealed, "--key", alice.key).stdout
    assert "nothing to repair" in run("repair", sealed, *access).stderr


@pytest.mark.parametrize("form", ["OUT.iso", "OUT.zip"])
def test_an_image_is_changed_too(form: str, run: Runs, sources: Path, password_file: Path, tmp_path: Path) -> None:
    out, access = tmp_path / form, ("--password-file", password_file)
    run("create", sources, "-o", out, *access)
    (tmp_path / "NEW").write_bytes(synthetic.ct(patient=3))
    run("add", out, tmp_path / "NEW", *access)
    assert "7 IMAGE" in run("list", out, *access).stdout
    assert "0 errors" in run("check", out, *access).stdout
    assert PLAIN_NAME not in out.read_bytes()


def test_recipients_that_lose_the_dicomdir_are_reported(
    run: Runs, sources: Path, alice: Identity, bob: Identity, tmp_path: Path
) -> None:
    out = tmp_path / "OUT"
    run("create", sources, "-o", out, "--encrypt-to", alice.certificate, "--encrypt-to", bob.certificate)
    (tmp_path / "NEW").write_bytes(synthetic.ct(patient=3))
    done = run("add", out, tmp_path / "NEW", "--key", alice.key, "--encrypt-to", alice.certificate, "--json")
    found = [one for one in done.document["findings"] if one["rule"] == "FS-SECURE-RECIPIENTS"]
    assert [str(bob.loaded.serial_number) in one["message"] for one in found] == [True]
    assert str(alice.loaded.serial_number) not in found[0]["message"]


def test_an_update_without_recipients_is_refused(run: Runs, sealed: Path, sources: Path, alice: Identity) -> None:
    before = files(sealed)
    assert "no recipient" in run("add", sealed, sources, "--key", alice.key, code=2).stderr
    assert files(sealed) == before


def test_a_plain_file_set_is_not_encrypted_in_part(run: Runs, disc: Path, sources: Path, alice: Identity) -> None:
    before = files(disc)
    for verb in (["add", disc, sources], ["repair", disc]):
        assert "not encrypted" in run(*verb, "--encrypt-to", alice.certificate, code=6).stderr
    assert files(disc) == before


def test_repair_rebuilds_a_damaged_or_missing_encrypted_dicomdir(run: Runs, sealed: Path, alice: Identity) -> None:
    access = ("--key", alice.key, "--encrypt-to", alice.certificate)
    data = bytearray((sealed / "DICOMDIR").read_bytes())
    data[-100] ^= 1
    for spoilt in (bytes(data), None):
        (sealed / "DICOMDIR").unlink()
        if spoilt:
            (sealed / "DICOMDIR").write_bytes(spoilt)
        run("repair", sealed, *access)
        assert is_secure((sealed / "DICOMDIR").read_bytes())
        assert "0 errors" in run("check", sealed, "--key", alice.key).stdout


def test_repair_without_a_key_never_replaces_an_encrypted_dicomdir(run: Runs, sealed: Path) -> None:
    (sealed / "PLAIN").write_bytes(synthetic.ct(number=77))
    before = files(sealed)
    run("repair", sealed, code=4)
    assert files(sealed) == before


def test_repair_reports_encrypted_files_if_there_is_no_dicomdir(run: Runs, sealed: Path, password_file: Path) -> None:
    (sealed / "DICOMDIR").unlink()
    before = files(sealed)
    for given in ((), ("--password-file", password_file)):
        done = run("repair", sealed, *given, code=4)
        assert "its files are encrypted" in done.stderr
        assert "--key" in done.stderr
    assert files(sealed) == before


def test_an_encrypted_source_becomes_plain_or_is_encrypted_for_others(
    run: Runs, sealed: Path, sources: Path, alice: Identity, bob: Identity, tmp_path: Path
) -> None:
    run("create", sealed, "-o", tmp_path / "PLAIN", "--key", alice.key)
    assert contents(tmp_path / "PLAIN") > contents(sources)
    assert "0 errors" in run("check", tmp_path / "PLAIN").stdout
    run("create", sealed, "-o", tmp_path / "FOR_BOB.zip", "--key", alice.key, "--encrypt-to", bob.certificate)
    assert "0 errors" in run("check", tmp_path / "FOR_BOB.zip", "--key", bob.key).stdout
    (tmp_path / "HERE").mkdir()
    run("create", next(sealed.rglob("IM*")), "-o", tmp_path / "HERE" / "ONE", "--key", alice.key)
    assert len(files(tmp_path / "HERE" / "ONE")) == 2


def test_a_changed_copy_of_an_encrypted_file_never_waits_in_a_temporary_file(
    run: Runs, sources: Path, alice: Identity, tmp_path: Path
) -> None:
    shutil.rmtree(sources)
    implicit = synthetic.instance("1.2.840.10008.5.1.4.1.1.2", transfer_syntax="1.2.840.10008.1.2")
    synthetic.write(implicit, sources / "IM0")  # a transfer syntax that the profile does not have
    secure = ("--profile", "STD-GEN-SEC-CD", "--transcode", "--encrypt-to", alice.certificate)
    run("create", sources, "-o", tmp_path / "PLAIN_SOURCES.iso", *secure)
    with fileset.Creator(tmp_path / "BIG", security=Security(recipients=[alice.certificate])) as creator:
        creator.add(sources)
    done = run("create", tmp_path / "BIG", "-o", tmp_path / "X.iso", *secure, "--key", alice.key, code=3)
    assert "temporary file" in done.stderr


# ---------------------------------------------------------------- profiles


def test_a_secure_profile_accepts_exactly_encrypted_file_sets(
    run: Runs, sources: Path, alice: Identity, tmp_path: Path
) -> None:
    secure, plain = ("--profile", "STD-GEN-SEC-CD"), ("--profile", "STD-GEN-CD")
    out, encrypt = tmp_path / "OUT.iso", ("--encrypt-to", alice.certificate)
    assert "--encrypt-to" in run("create", sources, "-o", out, *secure, code=2).stderr
    assert "does not allow" in run("create", sources, "-o", out, *plain, *encrypt, code=2).stderr
    run("create", sources, "-o", out, *secure, *encrypt, "--file-set-id", "SECURE")
    key = ("--key", alice.key)
    assert "0 errors" in run("check", out, *secure, *key).stdout
    found = run("check", out, *plain, *key, "--json", code=1).document["findings"]
    assert [one["rule"] for one in found if one["severity"] == "error"] == ["PR-SECURE"]
    verdicts = run("check", out, "--profiles", *key, "--json").document["profiles"]
    satisfied = {one["profile"] for one in verdicts if one["satisfied"]}
    assert "STD-GEN-SEC-CD" in satisfied
    assert "STD-GEN-CD" not in satisfied


# ---------------------------------------------------------------- secrets and requests


def test_no_password_or_key_is_shown_anywhere(
    run: Runs, sources: Path, password_file: Path, alice: Identity, tmp_path: Path
) -> None:
    out = tmp_path / "OUT"
    shown = ""
    for arguments, code in (
        (("create", sources, "-o", out, "--password-file", password_file, "--json"), 0),
        (("create", sources, "-o", out, "--password-file", password_file), 6),
        (("check", out, "--password-file", password_file, "-v"), 0),
        (("list", out, "--key", alice.key, "--json"), 4),
    ):
        done = run(*arguments, code=code)
        shown += done.stdout + done.stderr
    assert PASSWORD not in shown
    assert "PRIVATE KEY" not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process list as Linux shows it")
def test_no_password_is_in_the_process_list(password_file: Path, tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "MANY", patients=1, studies=1, series=1, instances=200)
    arguments = ("create", tmp_path / "MANY", "-o", "-", "--format", "zip", "--password-file", password_file)
    with subprocess.Popen(
        command(*arguments, "--jobs", "2"), env=environment(), stdout=subprocess.PIPE, start_new_session=True
    ) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.read(
                1
            )  # the archive has begun, so the password was read; the full pipe holds the rest
            shown = processes_of(running.pid)
        finally:
            running.stdout.read()
    assert running.returncode == 0
    assert b"--password-file" in shown
    assert PASSWORD.encode() not in shown


def processes_of(session: int) -> bytes:
    """Return the command lines and environments of the processes of a session."""
    found = b""
    for place in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if os.getsid(int(place.name)) == session:
                found += (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
    return found


def test_no_option_takes_a_password(run: Runs) -> None:
    for verb in ("create", "list", "add"):
        text = run(verb, "--help").stdout
        assert "--password-file" in text
        assert "--password " not in text


def test_a_traceback_shows_no_password(sealed: Path, alice: Identity) -> None:
    for given in (Security(password=PASSWORD), Security(password=PASSWORD, recipients=[alice.certificate])):
        with pytest.raises(FormatError) as caught:
            fileset.Reader(sealed, security=given)
        assert PASSWORD not in "".join(traceback.format_exception(caught.value)) + repr(given)


def test_a_manifest_of_plain_digests_is_refused(run: Runs, sources: Path, alice: Identity, tmp_path: Path) -> None:
    arguments = ("create", sources, "-o", tmp_path / "OUT", "--encrypt-to", alice.certificate)
    assert "--manifest" in run(*arguments, "--manifest", tmp_path / "SUMS", code=2).stderr
    assert (
        "encrypted"
        in run("create", sources, "-o", tmp_path / "OUT", "--sign-with", alice.certificate, alice.key, code=2).stderr
    )


def test_a_password_without_a_terminal_to_ask_is_refused(sources: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command("create", sources, "-o", tmp_path / "OUT", "--password-file", "-"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=environment(),
        start_new_session=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert b"terminal" in done.stderr


def test_two_different_passwords_on_the_terminal_are_refused(
    run: Runs, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(("one", "other", "same", "same", "same"))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    monkeypatch.setattr("fileset.cli.secure_options.has_console", lambda: True)
    arguments = ("create", sources, "-o", tmp_path / "OUT", "--password-file", "-")
    assert "differ" in run(*arguments, code=2).stderr
    run(*arguments)
    run("list", tmp_path / "OUT", "--password-file", "-")


def test_a_password_file_of_windows_holds_the_same_password(
    run: Runs, sources: Path, password_file: Path, tmp_path: Path
) -> None:
    run("create", sources, "-o", tmp_path / "OUT", "--password-file", password_file)
    (tmp_path / "windows.txt").write_bytes(b"\xef\xbb\xbf" + PASSWORD.encode() + b"\r\n")
    run("list", tmp_path / "OUT", "--password-file", tmp_path / "windows.txt")


def test_a_line_too_long_for_a_password_is_refused_and_not_cut(run: Runs, sources: Path, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("x" * 4097 + "\n")
    done = run("create", sources, "-o", tmp_path / "OUT", "--password-file", tmp_path / "long.txt", code=2)
    assert "more than 4,096 characters" in done.stderr
    assert not (tmp_path / "OUT").exists()


def test_a_password_outside_iso_ir_6_is_refused_with_the_reason(run: Runs, sources: Path, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("Größe", encoding="utf-8")
    done = run("create", sources, "-o", tmp_path / "OUT", "--password-file", tmp_path / "pw", code=2)
    assert "ISO IR 6" in done.stderr
    assert "Größe" not in done.stderr


def test_without_the_extra_the_command_names_it(
    run: Runs, sources: Path, alice: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "asn1crypto", None)
    done = run("create", sources, "-o", tmp_path / "OUT", "--encrypt-to", alice.certificate, code=2)
    assert 'pip install "dicom-fileset[secure]"' in done.stderr


def test_a_key_in_a_file_with_a_pass_phrase_asks_for_it(
    run: Runs, sealed: Path, alice: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        alice.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"phrase"))
    )
    monkeypatch.setattr("fileset.cli.secure_options.has_console", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "phrase")
    run("list", sealed, "--key", locked)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "wrong")
    assert "pass phrase" in run("list", sealed, "--key", locked, code=2).stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is measured on Linux alone")
def test_a_file_of_200_mb_needs_less_than_100_mb_of_memory(alice: Identity, tmp_path: Path) -> None:
    large, out, key = tmp_path / "LARGE", tmp_path / "OUT", ("--key", alice.key)
    write_large(large, 200 << 20)
    for arguments in (
        ("create", large, "-o", out, "--encrypt-to", alice.certificate),
        ("check", out, *key),
        ("extract", out, "-o", tmp_path / "COPIES", *key),
    ):
        with (tmp_path / "log").open("wb") as log:
            done = measure.run(command(*arguments), env=environment(), stdout=log, stderr=log, sampled=True)
        assert done.exit_code == 0
        assert 0 < done.pss < 100 << 20
    assert next((tmp_path / "COPIES").rglob("*.dcm")).read_bytes() == large.read_bytes()
