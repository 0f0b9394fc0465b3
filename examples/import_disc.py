"""Import a disc, also a damaged one: copy every readable file, and report the missing ones.

    python import_disc.py DISC FOLDER

Exit code 0: complete. 3: a file is missing or unreadable. 2: wrong usage. Any other code: not a file-set; see the message.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import fileset


def copy_out(reader: fileset.Reader, folder: Path) -> tuple[int, list[str]]:
    """Copy every instance into `folder`; return their number, and the reasons why others are missing.

    The copies are numbered, because names and values of a foreign disc are not safe as file names.
    """
    number, missing = 0, []
    for record in reader.instances:
        target = folder / f"{number:06d}.dcm"
        try:
            with record.open() as source, target.open("xb") as copy:
                shutil.copyfileobj(source, copy)
        except fileset.FilesetError as error:
            target.unlink(missing_ok=True)
            missing.append(str(error))
        else:
            number += 1
    return number, missing


def main(argv: Sequence[str]) -> int:
    """Import the disc into a new folder; return 0, or 3 if it is incomplete."""
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    disc, folder = argv
    try:
        with fileset.Reader(disc) as reader:
            Path(folder).mkdir()
            number, missing = copy_out(reader, Path(folder))
            findings = list(reader.findings)
    except fileset.FilesetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:  # about the folder: it exists, is full, or is not ours
        print(error, file=sys.stderr)
        return fileset.MediumError.exit_code
    print(f"{number} instances copied, {len(missing)} missing")
    for message in [*findings, *missing]:
        print(message, file=sys.stderr)
    broken = any(finding.severity == "error" for finding in findings)
    return 3 if missing or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
