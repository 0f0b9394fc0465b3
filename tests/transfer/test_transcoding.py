"""`send --transcode`: a file goes in a transfer syntax that the peer takes, by C-STORE and by STOW-RS."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from tests.support import synthetic
from tests.support.command import Runs
from tests.support.servers import running, storescp
from tests.transfer.conftest import SHIPPED

pytest.importorskip("imagecodecs", reason="needs the extra images")
pytestmark = pytest.mark.judges
NAMES = ("MR_small_RLE.dcm", "JPEG2000.dcm", "rtplan.dcm", "reportsi.dcm", "ExplVR_BigEnd.dcm")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    (folder / "GOOD").write_bytes(synthetic.ct())
    return folder


@pytest.mark.filterwarnings("ignore")
def test_a_peer_that_takes_only_implicit_vr_gets_every_file_in_it(files: Path, tmp_path: Path, run: Runs) -> None:
    """PS3.5 10.1: Implicit VR Little Endian is the default that every peer takes."""
    server = storescp(tmp_path / "scp", "+xi")
    with running(server):
        assert "not accepted" in run("send", files, "--to", server.address, "--dry-run", code=3).stderr
        assert "not accepted" not in run("send", files, "--to", server.address, "--dry-run", "--transcode").stderr
        run("send", files, "--to", server.address, "--transcode")
        received = {path.name.split(".", 1)[1]: path for path in (server.folder / "received").iterdir()}
    for path in files.iterdir():
        source = pydicom.dcmread(path)
        arrived = pydicom.dcmread(received[source.SOPInstanceUID])
        assert arrived.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
        assert without_pixels(arrived) == without_pixels(source)
        if "PixelData" in source:
            assert (arrived.pixel_array == source.pixel_array).all()


def without_pixels(dataset: Dataset) -> dict[str, str]:
    return {
        str(element.tag): f"{element.tag} {element.repval}"
        for element in dataset.iterall()
        if element.tag not in (0x7FE00010, 0xFFFCFFFC)
        and element.tag.element
        and element.VR not in ("SQ", "UN")
        and not element.tag.is_private
    }


class _Selective(BaseHTTPRequestHandler):
    """A DICOMweb server that takes some transfer syntaxes, and notes the files and the number of instances of each request."""

    takes: tuple[str, ...] = ()
    status = 0
    """HTTP status of a request with a file that it does not take; 0 for an answer with failure reason C122H."""
    stored: list[Dataset] = []  # noqa: RUF012  # shared on purpose
    refused: list[str] = []  # noqa: RUF012  # shared on purpose

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = body.split(f"--{self.headers['Content-Type'].partition('boundary=')[2]}".encode())[1:-1]
        datasets = [pydicom.dcmread(io.BytesIO(part.partition(b"\r\n\r\n")[2][:-2])) for part in parts]
        bad = [one for one in datasets if one.file_meta.TransferSyntaxUID not in self.takes]
        self.refused.extend(one.file_meta.TransferSyntaxUID for one in bad)
        if bad and self.status:
            self._answer(self.status, {})
        else:
            good = [one for one in datasets if one not in bad]
            self.stored.extend(good)
            self._answer(202 if bad else 200, {"00081199": _items(good), "00081198": _items(bad, 0xC122)})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        answer = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Write no log."""


def _items(datasets: Sequence[Dataset], reason: int | None = None) -> dict[str, Any]:
    because = {} if reason is None else {"00081197": {"vr": "US", "Value": [reason]}}
    items = [{"00081155": {"vr": "UI", "Value": [str(one.SOPInstanceUID)]}, **because} for one in datasets]
    return {"vr": "SQ", "Value": items}


@pytest.fixture
def selective() -> Iterator[str]:
    _Selective.stored, _Selective.refused = [], []
    _Selective.takes, _Selective.status = (ExplicitVRLittleEndian, JPEG2000Lossless), 0
    server = HTTPServer(("127.0.0.1", 0), _Selective)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/dicom-web"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("status", [0, 415])
def test_a_file_that_a_stow_server_does_not_accept_is_transcoded_once(
    selective: str, files: Path, run: Runs, status: int
) -> None:
    _Selective.status = status
    entries = run("send", files, "--stow", selective, "--transcode", "--json").document["media"][0]["instances"]
    assert {one["state"] for one in entries} == {"arrived"}
    changes = {one["file_id"]: one["transcoded"] for one in entries if one["transcoded"]}
    assert changes["MR_small_RLE.dcm"].startswith("transcoded from RLE Lossless to Explicit VR Little Endian")
    arrived = {one.SOPInstanceUID: one for one in _Selective.stored}
    assert len(arrived) == len(_Selective.stored) == len(NAMES) + 1
    for path in files.iterdir():
        source = pydicom.dcmread(path)
        if "PixelData" in source:
            assert (arrived[source.SOPInstanceUID].pixel_array == source.pixel_array).all()
    assert _Selective.refused.count(RLELossless) == (2 if status else 1)  # among others, and by itself


def test_without_transcode_a_stow_server_that_refuses_a_file_loses_it(selective: str, files: Path, run: Runs) -> None:
    done = run("send", files, "--stow", selective, code=3)
    assert "MR_small_RLE.dcm: refused by the server, failure reason C122H" in done.stderr
    assert "--transcode" in done.stderr


def test_a_syntax_that_a_server_refused_is_transcoded_at_once_afterwards(
    selective: str, tmp_path: Path, run: Runs
) -> None:
    (tmp_path / "many").mkdir()
    for number in range(1, 46):
        dataset = synthetic.instance(synthetic.CT_IMAGE, number=number, transfer_syntax=ImplicitVRLittleEndian)
        synthetic.write(dataset, tmp_path / "many" / f"F{number}")
    run("send", tmp_path / "many", "--stow", selective, "--transcode", "--jobs", "1")
    assert len(_Selective.stored) == 45
    assert len(_Selective.refused) == 20


def test_instances_that_arrived_before_a_refusal_are_in_report_and_journal(
    selective: str, tmp_path: Path, run: Runs
) -> None:
    _Selective.takes, _Selective.status = (ImplicitVRLittleEndian,), 415
    (tmp_path / "two").mkdir()
    for number, syntax in ((1, ImplicitVRLittleEndian), (2, ExplicitVRLittleEndian)):
        dataset = synthetic.instance(synthetic.CT_IMAGE, number=number, transfer_syntax=syntax)
        synthetic.write(dataset, tmp_path / "two" / f"F{number}")
    words = ("send", tmp_path / "two", "--stow", selective, "--transcode", "--retries", "0", "--json")
    first, second = run(*words, "--journal", tmp_path / "journal", code=3).document["media"][0]["instances"]
    assert [first["state"], second["state"]] == ["arrived", "failed"]
    assert "(HTTP 415)" in second["reason"]
    assert "--transcode" not in second["reason"]
    assert first["sop_instance_uid"] in (tmp_path / "journal").read_text()
    assert len(_Selective.stored) == 1
