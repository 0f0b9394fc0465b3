"""Web servers within this process: one for any handler, and one that stores instances by STOW-RS."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Any, Final

import pydicom
from attrs import define, field

_REFUSED: Final = {"00081197": {"vr": "US", "Value": [0x0110]}}


class Silent(BaseHTTPRequestHandler):
    """Writes no log, and sends an answer in one packet, because small packets would wait for each other."""

    wbufsize = -1

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class _Server(ThreadingTCPServer):
    """Queues all connections that a client opens at once; by default those after the fifth would wait for a second.

    It does not derive from `HTTPServer`, which looks up the name of this computer.
    """

    request_queue_size = 100
    daemon_threads = True


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve requests from this computer with `handler`; yield host and port."""
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@define
class Stow:
    """A DICOMweb server: its answers, and the requests that it received."""

    address: str = ""
    busy: int = 0
    """Number of first requests that get status 503."""
    refused: int = 0
    """Number of instances of each request that are not stored."""
    tokens: list[str | None] = field(factory=list)
    patients: list[str] = field(factory=list)

    def answer(self, boundary: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the answer (PS3.18 10.5.3) to a request."""
        if self.busy:
            self.busy -= 1
            return 503, b""
        parts = body.split(f"--{boundary}".encode())[1:-1]
        datasets = [pydicom.dcmread(io.BytesIO(part.partition(b"\r\n\r\n")[2][:-2])) for part in parts]
        self.patients += [str(one.PatientID) for one in datasets]
        items: list[dict[str, Any]] = [
            {"00081155": {"vr": "UI", "Value": [str(one.SOPInstanceUID)]}} for one in datasets
        ]
        answer = {"00081199": {"vr": "SQ", "Value": items[self.refused :]}}
        if self.refused:
            answer["00081198"] = {"vr": "SQ", "Value": [{**item, **_REFUSED} for item in items[: self.refused]]}
        return 400 if self.refused else 200, json.dumps(answer).encode()


@contextmanager
def stow_server() -> Iterator[Stow]:
    """Serve STOW-RS."""
    stow = Stow()

    class Handler(Silent):
        def do_POST(self) -> None:
            stow.tokens.append(self.headers["Authorization"])
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = stow.answer(self.headers["Content-Type"].partition("boundary=")[2], body)
            self.send_response(status)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with serving(Handler) as host:
        stow.address = f"http://{host}/dicom-web"
        yield stow
