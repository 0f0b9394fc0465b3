"""Peers for the tests of the network; each test module has its own network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from tests.support.servers import Orthanc, Server, orthanc, own_network, running, storescp

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    """Nothing but a loopback interface, where the system allows it."""
    with own_network():
        yield


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[Orthanc]:
    """An Orthanc that has nothing yet."""
    server = orthanc(tmp_path / "orthanc")
    with running(server):
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Server]:
    """Dcmtk's storage provider."""
    server = storescp(tmp_path / "storescp")
    with running(server):
        yield server
