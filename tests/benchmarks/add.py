"""Add one file to a file-set with a program, print the seconds that it took, and restore the file-set.

    python add.py FOLDER PROGRAM [ARGUMENT...]

The arguments may contain ``{folder}`` and ``{extra}``, a file of a new series in that folder, whose name is a File ID.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.corpus import Shape, files

EXTRA = "EXTRA001"
STRANGER = Shape(1, matrix=17)
"""One file of another corpus; its UIDs are replaced by others of the same length."""


def main(argv: Sequence[str]) -> int:
    """Run the program once."""
    folder, command = Path(argv[0]), argv[1:]
    before = {path.name for path in folder.iterdir()}
    with tempfile.TemporaryDirectory() as kept:
        saved = shutil.copy2(folder / "DICOMDIR", kept)
        extra = folder / EXTRA
        extra.write_bytes(stranger())
        try:
            words = [word.format(folder=folder, extra=EXTRA) for word in command]
            # Otherwise a program that syncs would also wait for the copies above.
            subprocess.run(["sync", "-f", str(folder)], check=False)
            start = time.perf_counter()
            subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - start
        finally:
            shutil.copy2(saved, folder / "DICOMDIR")
            for path in folder.iterdir():
                if path.name not in before:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(seconds)
    return 0


def stranger() -> bytes:
    """Return an instance that no corpus has."""
    [(_, header, tail)] = files(STRANGER)
    return (header + tail).replace(b"2.25.1", b"2.25.9").replace(b"2.25.2", b"2.25.8").replace(b"2.25.3", b"2.25.7")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
