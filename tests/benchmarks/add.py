"""Add one file to a file-set with a program, print how many seconds that took, and leave the file-set as it was.

    python add.py FOLDER PROGRAM [ARGUMENT...]

The arguments may name ``{folder}`` and ``{extra}``, a file of a new series that lies in the folder under a File ID.
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
"""One file of another corpus; its UIDs are made other ones, of the same length."""


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
            # Who syncs would else wait for the copies above, too.
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
    """An instance that no corpus has."""
    [(_, header, tail)] = files(STRANGER)
    return (header + tail).replace(b"2.25.1", b"2.25.9").replace(b"2.25.2", b"2.25.8").replace(b"2.25.3", b"2.25.7")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
