"""Import discs overnight: check each one, give it the local patient, send it to the PACS, and file it under done or failed.

    python import_night.py INCOMING DONE FAILED AET@HOST:PORT [MAP.csv]

INCOMING holds one folder, image or archive for each disc. MAP.csv has new values by patient: a first column OldPatientID,
then keywords such as PatientID and PatientName. DONE/import.csv gets one line for each disc. A journal makes it safe to run
again: instances that arrived are not sent twice. Exit code 0: all done. 3: some failed. 2: wrong usage.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import fileset
from fileset.transfer.reconciliation import NewValues, Reconciliation


def import_disc(disc: Path, peer: str, journal: Path, table: NewValues | None) -> tuple[str, int, str]:
    """Check and send one disc; return the verdict, the number of instances that arrived, and the problems."""
    try:
        report = fileset.check_file_set(disc)
        verdict = "conformant" if report.conformant else f"{report.errors} errors"
        reader = fileset.Reader(disc)
    except fileset.FilesetError as error:
        verdict = f"no file-set: {error}"
        try:
            reader = fileset.Reader(disc, scan=True)
        except fileset.FilesetError as scan_error:
            return verdict, 0, str(scan_error)
    change = None if table is None else Reconciliation(table=table).change
    with reader:
        try:
            sent = fileset.send(reader.instances, to=peer, journal=journal, change=change)
        except fileset.FilesetError as error:
            return verdict, 0, str(error)
    arrived = sum(one.there for one in sent.instances)
    problems = [f"{one.file_id}: {one.reason}" for one in sent.lost] + sent.disagreements
    return verdict, arrived, "; ".join(problems)


def main(argv: Sequence[str]) -> int:
    """Import all discs; return 0, or 3 if some failed."""
    if len(argv) not in (4, 5):
        print(__doc__, file=sys.stderr)
        return 2
    incoming, done, failed = (Path(name) for name in argv[:3])
    table = NewValues.read(argv[4]) if len(argv) == 5 else None
    code = 0
    for folder in (done, failed):
        folder.mkdir(parents=True, exist_ok=True)
    with (done / "import.csv").open("a", newline="", encoding="utf-8") as file:
        log = csv.writer(file)
        for disc in sorted(incoming.iterdir()):
            verdict, arrived, problem = import_disc(disc, argv[3], done / "journal.jsonl", table)
            target = (failed if problem else done) / disc.name
            now = datetime.now(UTC).isoformat(timespec="seconds")
            log.writerow([now, disc.name, verdict, arrived, problem])
            if problem:
                code = 3
                print(f"{disc.name}: {problem}", file=sys.stderr)
            if target.exists():
                print(f"{target} exists: {disc} stays where it is", file=sys.stderr)
                code = 3
            else:
                shutil.move(disc, target)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
