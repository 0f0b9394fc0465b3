"""Run every verb once in an empty folder and print what it says, so that the output of two systems can be compared.

Run it as `python every_verb.py FOLDER`; what differs between systems by nature (free space, kinds of file systems) is
left out, and paths are printed with "/" and below the folder alone.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pydicom

from fileset.cli import main as fileset_main

FILES = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "ExplVR_BigEnd.dcm")
COMMANDS = """
version
create in -o OUT --file-set-uid 2.25.1 --file-set-id DISC
create in -o OUT
list OUT
list OUT --json
list OUT --paths
list OUT Modality=MR
info OUT
check OUT
create in -o D.iso --file-set-uid 2.25.1 --joliet
check D.iso
list D.iso
create in -o U.iso --file-set-uid 2.25.1 --udf
check U.iso
create in -o Z.zip --file-set-uid 2.25.1 --manifest Z.txt
check Z.zip --hash Z.txt
extract Z.zip -o EX
extract OUT -o EX2 Modality=CT
remove OUT Modality=MR
add OUT in/MR_small.dcm
refresh OUT
repair OUT
check OUT
remove D.iso Modality=MR
add D.iso in
check D.iso
index FLAT --file-set-uid 2.25.1
check FLAT
list nowhere
create in -o OUT
extract OUT -o OUT/sub
profiles STD-GEN-CD
conformance
drives
check D.iso --against D.iso
check D.iso --against U.iso
burn D.iso --device nowhere
list OUT --level SERIES --csv
list OUT --ohif
completion bash
"""
VARIES = re.compile(r'"modified": "[^"]*", |, \d+\.\d s(?=,|$)')
"""Dates of files, and how long a command took."""
BY_NATURE = ("Free space", "File system", "Medium     ", "Largest file")


def prepare(folder: Path) -> None:
    """Put a few real files into `in`, and the same under legal names into `FLAT`."""
    source = Path(pydicom.__path__[0]) / "data" / "test_files"
    for name in ("in", "FLAT"):
        (folder / name).mkdir(parents=True)
    for number, name in enumerate(FILES):
        data = (source / name).read_bytes()
        (folder / "in" / name).write_bytes(data)
        (folder / "FLAT" / f"IM{number}").write_bytes(data)


def run(words: list[str], folder: str) -> None:
    """Run one command in `folder` and print its exit code and output."""
    output, errors = StringIO(), StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            code: object = fileset_main(words)
        except SystemExit as end:  # of --help
            code = end.code
    print(f"$ fileset {' '.join(words)}\n[exit code {code}]")
    for line in (output.getvalue() + errors.getvalue()).splitlines():
        if not line.startswith(BY_NATURE):
            print(VARIES.sub("", line.replace("\\", "/").rstrip()).replace(folder, "FOLDER"))


def main() -> None:
    """Run all commands."""
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    prepare(folder)
    os.chdir(folder)
    os.environ |= {"SOURCE_DATE_EPOCH": "1700000000", "PYTHONUTF8": "1", "COLUMNS": "100", "NO_COLOR": "1"}
    for line in COMMANDS.split("\n"):
        if line:
            run(line.split(" "), Path.cwd().as_posix())


if __name__ == "__main__":
    main()
