"""Real peers for the tests of the network: dcmtk's `storescp` and `wlmscpfs`, and Orthanc.

They listen on every address of the computer, so they run in a separate network namespace if the system allows that;
nothing outside can reach them, and no data of a test leaves the computer.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import httpx
import pytest
from attrs import define, field

from tests.support.judges import find_tool

_NEW_NETWORK: Final = 0x40000000  # CLONE_NEWNET
_SET_FLAGS: Final = 0x8914  # SIOCSIFFLAGS
_UP: Final = 0x41  # IFF_UP, IFF_RUNNING
START: Final = 30.0
"""Most seconds until a server has started."""


@contextmanager
def own_network() -> Iterator[bool]:
    """Enter a network namespace with only a loopback interface; yield whether the system allows that."""
    try:
        import fcntl

        libc = ctypes.CDLL(None, use_errno=True)
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    except (ImportError, OSError):
        yield False
        return
    try:
        isolated = libc.unshare(_NEW_NETWORK) == 0
        if isolated:
            with socket.socket() as any_socket:
                fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        yield isolated
    finally:
        if isolated:
            libc.setns(before, 0)
        os.close(before)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return int(any_socket.getsockname()[1])


@define
class Server:
    """A program that listens on `port`; it can be started and stopped repeatedly."""

    title: str
    port: int
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The value for `--to`."""
        return f"{self.title}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the program, and wait until it listens."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                env={**os.environ, **self.environment},
            )
        latest = monotonic() + START
        while monotonic() < latest and self.process.poll() is None:
            with socket.socket() as any_socket:
                any_socket.settimeout(1)
                if any_socket.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.command[0]} does not start: {(self.folder / 'log').read_text(errors='replace')}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the program by a signal to its process group."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
        self.process = None


def need(tool: str) -> str:
    """Return the path of a server; skip the test if it is not installed."""
    found = find_tool(tool) or next((path for path in (f"/usr/sbin/{tool}",) if os.path.exists(path)), None)
    return found or pytest.skip(f"{tool} is not installed")


def storescp(folder: Path, *options: str) -> Server:
    """Return dcmtk's storage provider, which writes received files into `folder`/received."""
    (folder / "received").mkdir(parents=True)
    port = free_port()
    given = [need("storescp"), *options, "-aet", "STORESCP", "-od", str(folder / "received"), str(port)]
    return Server("STORESCP", port, given, folder)


def worklist(folder: Path, files: Mapping[str, bytes]) -> Server:
    """Return dcmtk's worklist provider with these items, in the form of `dump2dcm`."""
    place = folder / "lists" / "WORKLIST"
    place.mkdir(parents=True)
    (place / "lockfile").touch()
    for name, content in files.items():
        (place / f"{name}.wl").write_bytes(content)
    port = free_port()
    return Server("WORKLIST", port, [need("wlmscpfs"), "-dfp", str(folder / "lists"), str(port)], folder)


@define
class Orthanc(Server):
    """An Orthanc server with DICOMweb, and its REST interface."""

    http: int = 0

    def get(self, path: str) -> Any:
        """Get an answer of the REST interface."""
        return httpx.get(f"http://127.0.0.1:{self.http}{path}", timeout=30).raise_for_status()

    @property
    def stow(self) -> str:
        """The value for `--stow`."""
        return f"http://127.0.0.1:{self.http}/dicom-web"

    def instances(self) -> dict[str, str]:
        """Map the SOP Instance UID of each stored instance to its identifier in Orthanc."""
        rows = self.get("/instances?expand").json()
        found = {str(row["MainDicomTags"]["SOPInstanceUID"]): str(row["ID"]) for row in rows}
        assert len(found) == len(rows), "an instance is there twice"
        return found

    def file(self, identifier: str) -> bytes:
        """Get an instance from Orthanc."""
        return bytes(self.get(f"/instances/{identifier}/file").content)


def orthanc(folder: Path, **settings: object) -> Orthanc:
    """Return an Orthanc that stores below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    program, port, http = need("Orthanc"), free_port(), free_port()
    plugins = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
    if not plugins.exists():
        pytest.skip("orthanc-dicomweb is not installed")
    configuration = {
        "Name": "tests",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowStore": True,
        "UnknownSopClassAccepted": True,
        "SaveJobs": False,
        "Plugins": [str(plugins)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        **settings,
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    return Orthanc("ORTHANC", port, [program, str(folder / "orthanc.json")], folder, http=http)


@contextmanager
def running(server: Server) -> Iterator[None]:
    """Start a server, and stop it at the end."""
    server.start()
    try:
        yield
    finally:
        server.stop()
