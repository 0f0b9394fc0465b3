"""Ask OpenSSL to open envelopes, and to make them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fileset.secure.ber import element, identifier, sequence
from fileset.secure.names import DIGESTED, SIGNED
from tests.secure.conftest import PASSWORD, Identity

PROGRAM = shutil.which("openssl")
needed = pytest.mark.skipif(PROGRAM is None, reason="the program openssl is not installed")


def cms(action: str, source: Path, target: Path, *options: str | Path) -> bytes:
    """Run `openssl cms`, and return its output."""
    encoding = ["-outform", "DER"] if action in ("-sign", "-encrypt", "-digest_create") else ["-inform", "DER"]
    command = ["openssl", "cms", action, "-binary", *encoding, "-in", str(source), "-out", str(target)]
    found = subprocess.run([*command, *map(str, options)], capture_output=True, check=False)
    assert found.returncode == 0, found.stderr.decode()
    return target.read_bytes()


def content(source: Path, folder: Path, owner: Identity | None = None, authority: Identity | None = None) -> bytes:
    """Return the content of an envelope for `owner`, or for the password, after its digest or signature was verified."""
    opener = ("-recip", owner.certificate, "-inkey", owner.key) if owner else ("-pwri_password", PASSWORD)
    inner = cms("-decrypt", source, folder / "inner", *opener)
    kind = SIGNED if authority else DIGESTED
    layer = folder / "layer"
    layer.write_bytes(sequence(identifier(kind), element(0xA0, inner)))
    if authority:
        return cms("-verify", layer, folder / "content", "-CAfile", authority.certificate, "-purpose", "any")
    return cms("-digest_verify", layer, folder / "content")
