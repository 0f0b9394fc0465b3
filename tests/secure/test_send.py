"""An encrypted file-set is sent as its plain files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import fileset
from tests.secure.conftest import Identity
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.servers import own_network, running, storescp


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    """Nothing but a loopback interface, where the system allows it."""
    with own_network():
        yield


@pytest.mark.judges
def test_a_pacs_gets_the_plain_files(run: Runs, alice: Identity, tmp_path: Path) -> None:
    (tmp_path / "IM0").write_bytes(synthetic.ct())
    security = fileset.Security(recipients=[alice.certificate])
    with fileset.Creator(tmp_path / "OUT.iso", security=security) as creator:
        creator.add(tmp_path / "IM0")
    server = storescp(tmp_path / "received")
    with running(server):
        run("send", tmp_path / "OUT.iso", "--to", server.address, "--medium-key", alice.key)
        assert "without a key" in run("send", tmp_path / "OUT.iso", "--to", server.address, code=4).stderr
    received = [path for path in (tmp_path / "received").rglob("*") if path.is_file()]
    assert sum(synthetic.ct_uid().encode() in path.read_bytes() for path in received) == 1
