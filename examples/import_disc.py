"""CD import: open a disc whatever is wrong with it, copy out every file that can be read, tell what is missing.

    python import_disc.py DISC FOLDER

Exit code 0: all there. 3: something is missing or was unreadable. 2: wrong usage. Anything else: not a file-set, see the message.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import fileset


def copy_out(reader: fileset.Reader, folder: Path) -> tuple[int, list[str]]:
    """Copy every instance into `folder`; give how many came, and what is wrong with the others.

    The copies are numbered: names and values from a foreign disc make no file names here.
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
    """Import the disc into a new folder; 0, or 3 if not all of it came."""
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
    except OSError as error:  # of the folder: there already, full, or not ours
        print(error, file=sys.stderr)
        return fileset.MediumError.exit_code
    print(f"{number} instances copied, {len(missing)} missing")
    for message in [*findings, *missing]:
        print(message, file=sys.stderr)
    broken = any(finding.severity == "error" for finding in findings)
    return 3 if missing or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
