"""Time the encryption of one large file, against `openssl cms` in the same run.

    python -m tests.benchmarks.secure [MB]

Prints seconds of wall clock, seconds of all processors with MB for each of them, and the largest memory of a process. `create`
and `extract` also sync, and read back. The targets: no slower than OpenSSL, in less than 100 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tests.secure.conftest import PASSWORD, identity
from tests.support import synthetic
from tests.support.command import command, environment

PIECE = 1 << 20

SEAL = """
import sys
from fileset import Security
source, target, certificate = sys.argv[1:]
with open(source, "rb") as file, open(target, "wb") as output:
    size = file.seek(0, 2)
    file.seek(0)
    chunks = iter(lambda: file.read(1 << 20), b"")
    output.writelines(Security(recipients=[certificate]).sealer.chunks(chunks, size))
"""
OPEN = """
import sys
from fileset import Security
from fileset.media.system.walk import random_access
from fileset.secure.reader import open_envelope
source, target, key = sys.argv[1:]
with open(source, "rb", buffering=0) as file, open(target, "wb") as output:
    opened = open_envelope(*random_access(file), Security(key=key).opener)
    for at in range(0, opened.size, 1 << 20):
        output.write(opened.read(at, 1 << 20))
"""


def write_large(path: Path, size: int) -> None:
    """Write a DICOM file with random data set trailing padding."""
    with path.open("wb") as file:
        file.write(synthetic.ct() + b"\xfc\xff\xfc\xffOB\0\0" + size.to_bytes(4, "little"))
        for _ in range(size // PIECE):
            file.write(os.urandom(PIECE))


def measure(title: str, megabytes: float, *programs: Sequence[str | Path]) -> None:
    """Run programs one after the other, and print their time and memory together."""
    started, used, memory = perf_counter(), 0.0, 0.0
    for words in programs:
        quiet = subprocess.DEVNULL
        process = subprocess.Popen([str(word) for word in words], env=environment(), stdout=quiet, stderr=quiet)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{title}: exit code {process.returncode}")
        used += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss / 1024)
    wall = perf_counter() - started
    print(f"{title:36}{wall:7.2f} s{used:9.2f} s of processors{megabytes / used:7.0f} MB/s{memory:7.0f} MB at most")


def main(megabytes: int) -> None:
    """Measure writing and reading, in turn with OpenSSL."""
    size = megabytes * PIECE
    python: list[str | Path] = [sys.executable, "-c"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        owner = identity(folder, "Owner")
        large, ours, theirs, back = (folder / name for name in ("large.dcm", "ours", "theirs", "back"))
        write_large(large, size)
        (folder / "password").write_text(PASSWORD, encoding="ascii")
        openssl: list[str | Path] = ["openssl", "cms", "-binary"]
        digested, inner = folder / "digested", folder / "inner"
        digest = [*openssl, "-digest_create", "-md", "sha256", "-outform", "DER", "-in", large, "-out", digested]
        encrypt = [*openssl, "-encrypt", "-aes-256-cbc", "-outform", "DER", "-in", digested, "-out", theirs]
        decrypt = [*openssl, "-decrypt", "-inform", "DER", "-in", theirs, "-out", inner, "-inkey", owner.key]
        verify = [*openssl, "-digest_verify", "-inform", "DER", "-in", inner, "-out", back]
        for _ in range(3):
            measure("openssl: digest, encrypt", megabytes, digest, [*encrypt, owner.certificate])
            measure("openssl: encrypt", megabytes, [*encrypt, owner.certificate])
            measure("ours: digest, encrypt", megabytes, [*python, SEAL, large, ours, owner.certificate])
            measure("openssl: decrypt", megabytes, decrypt)
            measure("openssl: decrypt, verify", megabytes, decrypt, verify)
            measure("ours: decrypt, verify", megabytes, [*python, OPEN, ours, back, owner.key])
        out, copies = folder / "OUT", folder / "COPIES"
        key, zipped = ("--key", owner.key), ("--zip-password-file", folder / "password")
        measure(
            "create --encrypt-to", megabytes, command("create", large, "-o", out, "--encrypt-to", owner.certificate)
        )
        measure("check --key", megabytes, command("check", out, *key))
        measure("extract --key", megabytes, command("extract", out, "-o", copies, *key))
        measure("create --zip-password-file", megabytes, command("create", large, "-o", folder / "OUT.zip", *zipped))
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
