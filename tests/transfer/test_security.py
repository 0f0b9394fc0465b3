"""TLS, headers that are secrets, and Storage Commitment."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pydicom
import pytest

import fileset
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.servers import free_port, need, orthanc, running, storescp
from tests.support.web import Silent, Stow, serving, stow_server

pytestmark = pytest.mark.judges


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return cert, key


def test_a_secure_connection_takes_the_certificates_that_are_trusted(
    certificate: tuple[Path, Path], disc: Path, tmp_path: Path, run: Runs
) -> None:
    cert, key = certificate
    server = storescp(tmp_path / "scp", "+tls", str(key), str(cert), "-ic")
    with running(server):
        words = ("send", disc, "--to", server.address, "--tls", "--retries", "0")
        done = run(*words, code=5)
        assert "no secure connection" in done.stderr
        assert not list((server.folder / "received").iterdir())
        run(*words, "--ca", cert)
        assert len(list((server.folder / "received").iterdir())) == 12


@pytest.mark.slow
def test_the_pacs_confirms_the_instances_that_it_keeps(disc: Path, tmp_path: Path, run: Runs) -> None:
    port = free_port()
    server = orthanc(tmp_path / "orthanc", DicomModalities={"us": ["FILESET", "127.0.0.1", port]})
    with running(server):
        done = run("send", disc, "--to", server.address, "--commit", str(port), "--json")
    (medium,) = done.document["media"]
    assert sorted(medium["committed"]) == sorted(one["sop_instance_uid"] for one in medium["instances"])
    assert not medium["not_committed"]


def test_a_peer_without_storage_commitment_is_reported(disc: Path, tmp_path: Path, run: Runs) -> None:
    server = storescp(tmp_path / "scp")
    with running(server):
        done = run("send", disc, "--to", server.address, "--commit", str(free_port()), "--json", code=3)
    assert len(done.document["media"][0]["not_committed"]) == 12


@pytest.fixture
def stow() -> Iterator[Stow]:
    with stow_server() as stow:
        yield stow


def test_an_instance_has_arrived_if_the_answer_names_it_with_any_status(
    stow: Stow, disc: Path, tmp_path: Path, run: Runs
) -> None:
    stow.busy, stow.refused = 1, 1
    (tmp_path / "token").write_text("Authorization: Bearer secret-1\n")
    done = run(
        "send", disc, "--stow", stow.address, "--jobs", "1", "--header-file", tmp_path / "token", "--json", code=3
    )
    states = [one["state"] for one in done.document["media"][0]["instances"]]
    assert sorted(states) == ["arrived"] * 11 + ["failed"]
    (lost,) = (one for one in done.document["media"][0]["instances"] if one["state"] == "failed")
    reason = "refused by the server, failure reason 0110H: it could not process the file; see its log"
    assert lost["reason"] == reason
    assert set(stow.tokens) == {"Bearer secret-1"}
    assert "secret-1" not in done.stdout + done.stderr


def test_a_header_of_another_form_is_refused_without_showing_it(disc: Path, run: Runs) -> None:
    done = run("send", disc, "--stow", "http://127.0.0.1:1", "--header", "my secret", code=2)
    assert "my secret" not in done.stderr


def test_nothing_is_sent_under_a_new_name_if_record_and_file_are_of_different_patients(
    stow: Stow, tmp_path: Path, run: Runs
) -> None:
    synthetic.ct_series(tmp_path / "ONE", 1, 1, 1, 1)
    fileset.index(tmp_path / "ONE")
    (path,) = (path for path in (tmp_path / "ONE").rglob("*") if path.is_file() and path.name != "DICOMDIR")
    dataset = pydicom.dcmread(path)
    dataset.PatientID = "SOMEBODY"
    dataset.save_as(path)
    done = run("send", tmp_path / "ONE", "--stow", stow.address, "--set", "PatientID=NEW", code=3)
    assert stow.patients == []
    assert "in the DICOMDIR PatientID is 'P1', in the file 'SOMEBODY'" in done.stderr


def test_a_journal_does_not_hold_back_a_corrected_patient(stow: Stow, tmp_path: Path, run: Runs) -> None:
    synthetic.ct_series(tmp_path / "ONE", 1, 1, 1, 1)
    fileset.index(tmp_path / "ONE")
    words = ("send", tmp_path / "ONE", "--stow", stow.address, "--journal", tmp_path / "journal")
    for value in ("WRONG1", "RIGHT1", "RIGHT1"):
        run(*words, "--set", f"PatientID={value}")
    assert stow.patients == ["WRONG1", "RIGHT1"]


def test_certificates_that_cannot_be_read_are_an_error(disc: Path, tmp_path: Path, run: Runs) -> None:
    (tmp_path / "none.pem").write_text("no certificate")
    done = run("send", disc, "--stow", "https://127.0.0.1:1", "--ca", tmp_path / "none.pem", code=5)
    assert "no usable certificates or key" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--ca", "--cert", "--header-file", "--map", "--medium-key"])
def test_a_file_of_an_option_that_does_not_exist_is_wrong_usage(
    disc: Path, tmp_path: Path, run: Runs, option: str
) -> None:
    done = run("send", disc, "--stow", "https://127.0.0.1:1", option, tmp_path / "none", code=2)
    assert f"{tmp_path / 'none'}: no such file" in done.stderr


@pytest.mark.parametrize("secret", ["s\u20accret", "s\x0bcret"])
def test_a_header_that_http_cannot_carry_is_refused(disc: Path, run: Runs, secret: str) -> None:
    done = run("send", disc, "--stow", "http://127.0.0.1:1", "--header", f"X-Token: {secret}", code=2)
    assert secret not in done.stderr


def test_a_password_in_the_address_is_not_shown(disc: Path, tmp_path: Path, run: Runs) -> None:
    words = ("send", disc, "--stow", "http://joe:s3cret@127.0.0.1:1/dicom", "--retries", "0", "--json")
    done = run(*words, "--journal", tmp_path / "journal", code=5)
    assert "s3cret" not in done.stdout + done.stderr
    assert "http://127.0.0.1:1/dicom/studies: no connection" in str(done.document["error"])


def test_two_different_files_with_one_uid_are_reported(stow: Stow, tmp_path: Path, run: Runs) -> None:
    data = synthetic.ct(patient=1)
    (tmp_path / "DISC").mkdir()
    for name in ("A", "B"):
        (tmp_path / "DISC" / name).write_bytes(data)
    run("send", tmp_path / "DISC", "--stow", stow.address)
    (tmp_path / "DISC" / "B").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = run("send", tmp_path / "DISC", "--stow", stow.address, code=3)
    assert "and other contents: the peer keeps one of them" in done.stderr


def test_storage_commitment_over_tls_needs_our_own_certificate(disc: Path, run: Runs) -> None:
    done = run("send", disc, "--to", "A@127.0.0.1:1", "--tls", "--commit", str(free_port()), code=2)
    assert "--cert" in done.stderr


def test_storage_commitment_is_not_requested_for_instances_that_did_not_arrive(tmp_path: Path, run: Runs) -> None:
    """A request without a reference breaks the Standard (PS3.4 J.3.2)."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "ODD").write_bytes(synthetic.ct() + b"\0")
    server = storescp(tmp_path / "scp")
    with running(server):
        done = run("send", tmp_path / "files", "--to", server.address, "--commit", str(free_port()), "--json", code=3)
    assert done.document["media"][0]["committed"] is None
    assert not done.document["media"][0]["not_committed"]


class _Odd(Silent, BaseHTTPRequestHandler):
    """A DICOMweb server whose answer has no end: too much of it, or a byte from time to time."""

    pause = 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b" " * (1 if self.pause else 1 << 20))
                self.wfile.flush()
                time.sleep(self.pause)


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_an_answer_of_a_web_server_without_end_is_broken_off(
    pause: float, tmp_path: Path, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Odd, "pause", pause)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "CT").write_bytes(synthetic.ct())
    started = time.monotonic()
    with serving(_Odd) as host:
        words = ("--stow", f"http://{host}/dicom-web", "--retries", "1", "--timeout", "1")
        done = run("send", tmp_path / "files", *words, code=3)
    assert time.monotonic() - started < 10
    assert "no answer from http://127.0.0.1" in done.stderr
