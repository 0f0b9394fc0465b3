"""Tables of jobs, contenders and targets, one row each; no job has its own code.

Words of a command may contain ``{corpus}`` (the folder with the files), ``{out}`` (a folder that does not exist before a
run), ``{python}``, ``{here}`` (the folder of this package) and ``{patient}`` (a Patient ID of the corpus); the word
``{ours}`` is replaced by the command that starts our program.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from attrs import frozen

MEGABYTE = 1_000_000
ALL = 10**9
OURS = "ours"
EMPTY_DIRECTORY_BYTES = 400
SECTOR = 2048

Quantity = Literal["seconds", "memory"]
Level = Literal["quick", "default", "full"]


@frozen
class Site:
    """The files of one job and of its last run, which the proofs examine."""

    corpus: Path
    out: Path
    files: int
    stdout: Path

    @property
    def directory(self) -> Path:
        """The DICOMDIR that an index job writes."""
        return self.corpus / "DICOMDIR"


Proof = Callable[[Site], str]


def exit_code(_: Site) -> str:
    """Accept a command whose exit code is proof enough."""
    return ""


def indexed(site: Site) -> str:
    """Check that there is a DICOMDIR large enough to hold a record for every file."""
    return "" if holds_records(site.directory, site.files) else "wrote no DICOMDIR that holds all files"


def exported(site: Site) -> str:
    """Check that a DICOMDIR is in the new folder, because pydicom cannot index in place."""
    return "" if holds_records(site.out / "DICOMDIR", site.files) else "wrote no DICOMDIR that holds all files"


def created(site: Site) -> str:
    """Check that all files and a DICOMDIR are in the new folder."""
    return exported(site) or copied(site, extra=1)


def copied(site: Site, extra: int = 0) -> str:
    """Check that all files are in the new folder."""
    found = sum(path.is_file() for path in site.out.rglob("*"))
    wanted = site.files + extra
    return "" if found == wanted else f"{found} files in the new folder, not {wanted}"


def imaged(site: Site) -> str:
    """Check that the image is at least as large as all files in whole sectors."""
    wanted = sum(-(-path.stat().st_size // SECTOR) * SECTOR for path in site.corpus.rglob("*") if path.is_file())
    found = site.out.stat().st_size if site.out.is_file() else 0
    return "" if found >= wanted else f"wrote an image of {found} bytes, not of {wanted} at least"


def listed(site: Site) -> str:
    """Check that there is a line for every file."""
    with site.stdout.open("rb") as lines:
        found = sum(1 for _ in lines)
    return "" if found >= site.files else f"{found} lines for {site.files} files"


def checked(site: Site) -> str:
    """Check that all files were checked, without an error."""
    summary = site.stdout.read_text(encoding="utf-8")
    return "" if f"{site.files:,} files: 0 errors" in summary else f"said {summary[-200:]!r}"


def holds_records(directory: Path, files: int) -> bool:
    """Return whether the DICOMDIR has room for a smallest image record (UIDs, File ID, links) for each file."""
    return directory.is_file() and directory.stat().st_size > EMPTY_DIRECTORY_BYTES + 200 * files


@frozen
class Contender:
    """One program at one job.

    It is skipped above ``limit`` files, for the reason ``why``, and if the module ``needs`` is not installed. If it
    ``prints_seconds``, it times itself, because only a part of its work is the job. After the warm-up, ``proof`` returns
    the part of the job that it did not do, or "".
    """

    name: str
    words: tuple[str, ...]
    limit: int = ALL
    why: str = ""
    needs: str = ""
    prints_seconds: bool = False
    proof: Proof = exit_code


@frozen
class Job:
    """One job: the commands of all contenders, and the corpus.

    ``sizes`` are the numbers of files at each level. ``per_series`` 0 puts all files in one series. A job that reads a
    DICOMDIR ``needs_directory``: the first of `INDEXERS` that works writes it, and the time does not count. With
    ``records_only`` there are no files: `big_directory` writes a DICOMDIR of so many image records.
    """

    name: str
    title: str
    contenders: tuple[Contender, ...]
    sizes: dict[Level, tuple[int, ...]]
    per_series: int = 200
    matrix: int = 16
    needs_directory: bool = False
    records_only: bool = False


@frozen
class Target:
    """A target of the project: our ``quantity`` at ``files`` must be at most ``limit``.

    The unit is seconds or megabytes; with a ``peer`` it is the ratio to the peer's figure, and with ``since`` the ratio to
    our own figure at that smaller number of files.
    """

    job: str
    files: int
    quantity: Quantity
    limit: float
    peer: str = ""
    since: int = 0

    @property
    def title(self) -> str:
        """The target as a phrase."""
        what = {"seconds": "time", "memory": "peak memory"}[self.quantity]
        if self.peer:
            return f"{what} / {self.peer}'s"
        if self.since:
            return f"{what} / its own at {self.since:,}"
        return what

    @property
    def unit(self) -> str:
        """The unit of the limit."""
        return "x" if self.peer or self.since else {"seconds": "s", "memory": "MB"}[self.quantity]


QUADRATIC = "quadratic in the number of files"
INVENTS = "with +I it walks the whole tree after every file"

FLOOR = Contender("floor", ("{python}", "{here}/floor.py", "{corpus}"))
# Without +I, the faster way: the corpus has all Type 1 keys.
DCMMKDIR = Contender(
    "dcmmkdir",
    ("dcmmkdir", "+r", "+id", "{corpus}", "-Pgp", "+D", "{corpus}/DICOMDIR", "DICOM"),
    100_000,
    "takes too long",
    proof=indexed,
)
DCMMKDIR_INVENT = Contender(
    "dcmmkdir +I",
    ("dcmmkdir", "+r", "+id", "{corpus}", "-Pgp", "+I", "+D", "{corpus}/DICOMDIR", "DICOM"),
    2_000,
    INVENTS,
    proof=indexed,
)
GDCMGENDIR = Contender(
    "gdcmgendir",
    ("gdcmgendir", "-r", "-i", "{corpus}/DICOM", "-o", "{corpus}/DICOMDIR"),
    1_000,
    QUADRATIC,
    proof=indexed,
)
PYDICOM_INDEX = Contender(
    "pydicom FileSet",
    ("{python}", "{here}/pydicom_fileset.py", "index", "{corpus}", "{out}"),
    2_000,
    QUADRATIC,
    needs="pydicom",
    proof=exported,
)
INDEX = Contender(OURS, ("{ours}", "index", "{corpus}", "--no-progress", "-q"), proof=indexed)
# The time of cp with a sync, because a commit must leave the files as safe.
CP_SYNC = Contender("cp -r, sync", ("sh", "-c", 'cp -r "$0" "$1" && sync -f "$1"', "{corpus}", "{out}"), proof=copied)
CREATE_ISO = Contender(
    OURS, ("{ours}", "create", "{corpus}", "-o", "{out}", "--format", "iso", "--no-progress", "-q"), proof=imaged
)
INDEXERS = (INDEX, DCMMKDIR)
INDEX_PEERS = (FLOOR, DCMMKDIR, DCMMKDIR_INVENT, GDCMGENDIR, PYDICOM_INDEX)

ADD = ("{python}", "-m", "tests.benchmarks.add", "{corpus}")

JOBS: tuple[Job, ...] = (
    Job(
        "index",
        "write the DICOMDIR of a folder",
        (INDEX, *INDEX_PEERS),
        {
            "quick": (200, 1_000),
            "default": (1_000, 2_000, 10_000, 20_000),
            "full": (1_000, 2_000, 10_000, 20_000, 100_000),
        },
    ),
    Job(
        "index-minimal",
        "the same with the mandatory keys alone",
        (
            Contender(OURS, ("{ours}", "index", "{corpus}", "--keys", "minimal", "--no-progress", "-q"), proof=indexed),
            FLOOR,
            DCMMKDIR,
        ),
        {"quick": (200,), "default": (20_000,), "full": (20_000, 100_000, 1_000_000)},
    ),
    Job(
        "check",
        "check a folder: DICOMDIR and every file to its last byte",
        (
            Contender(OURS, ("{ours}", "check", "{corpus}", "--no-progress", "-q"), proof=checked),
            # Compared with our own time to write the directory.
            Contender("our index", ("{ours}", "index", "{corpus}", "--replace", "--no-progress", "-q"), proof=indexed),
            FLOOR,
        ),
        {"quick": (200, 1_000), "default": (2_000, 20_000), "full": (2_000, 20_000, 100_000, 1_000_000)},
        needs_directory=True,
    ),
    Job(
        "index-one-series",
        "the same, all files in one series",
        (INDEX, FLOOR, DCMMKDIR),
        {"quick": (400,), "default": (8_000,), "full": (8_000, 100_000)},
        per_series=0,
    ),
    Job(
        "index-large-files",
        "the same, files of 520 KB",
        (INDEX, FLOOR, DCMMKDIR),
        {"quick": (50,), "default": (2_000,), "full": (2_000,)},
        matrix=512,
    ),
    Job(
        "list",
        "open a DICOMDIR and print all paths",
        (
            Contender(OURS, ("{ours}", "list", "{corpus}", "--paths", "--no-progress", "-q"), proof=listed),
            Contender("dcmdump", ("dcmdump", "{corpus}/DICOMDIR"), proof=listed),
            # Only the File IDs: the nearest equivalent of our job that dcmdump has.
            Contender("dcmdump +P", ("dcmdump", "+P", "0004,1500", "{corpus}/DICOMDIR"), proof=listed),
            Contender(
                "pydicom FileSet",
                ("{python}", "{here}/pydicom_fileset.py", "list", "{corpus}"),
                2_000,
                "takes too long",
                needs="pydicom",
                proof=listed,
            ),
        ),
        {
            "quick": (200, 1_000),
            "default": (2_000, 20_000),
            "full": (2_000, 10_000, 20_000, 100_000),
        },
        needs_directory=True,
    ),
    Job(
        "encode-records",
        "write a DICOMDIR of so many records",
        (Contender(OURS, ("{python}", "-m", "tests.benchmarks.big_directory", "{files}", "{corpus}"), proof=indexed),),
        {"quick": (2_000,), "default": (100_000,), "full": (100_000, 1_000_000)},
        records_only=True,
    ),
    Job(
        "list-records",
        "open a DICOMDIR of so many records and print all paths",
        (
            Contender(OURS, ("{ours}", "list", "{corpus}", "--paths", "--no-progress", "-q"), proof=listed),
            Contender("dcmdump", ("dcmdump", "{corpus}/DICOMDIR"), 100_000, "takes too much memory", proof=listed),
        ),
        {"quick": (2_000,), "default": (100_000,), "full": (100_000, 1_000_000)},
        needs_directory=True,
        records_only=True,
    ),
    Job(
        "find",
        "Reader.find(PatientID=...), reader open",
        (
            Contender(OURS, ("{python}", "{here}/find.py", "{corpus}", "{patient}"), prints_seconds=True),
            Contender(
                "pydicom FileSet",
                ("{python}", "{here}/pydicom_fileset.py", "find", "{corpus}", "{patient}"),
                2_000,
                "takes too long",
                needs="pydicom",
                prints_seconds=True,
            ),
        ),
        {"quick": (1_000,), "default": (2_000, 20_000), "full": (2_000, 20_000, 100_000)},
        needs_directory=True,
    ),
    Job(
        "add",
        "add one file to a file-set",
        (
            Contender(OURS, (*ADD, "{ours}", "add", ".", "{{extra}}", "-q", "--no-progress"), prints_seconds=True),
            Contender(
                "dcmmkdir +A",
                (*ADD, "dcmmkdir", "+A", "-Pgp", "{{extra}}"),  # without +I, as above
                100_000,
                "takes too long",
                prints_seconds=True,
            ),
        ),
        {"quick": (400,), "default": (20_000,), "full": (20_000, 100_000, 1_000_000)},
        needs_directory=True,
    ),
    Job(
        "create",
        "copy files of 520 KB into a new file-set",
        (
            Contender(OURS, ("{ours}", "create", "{corpus}", "-o", "{out}", "--no-progress", "-q"), proof=created),
            Contender("cp -r", ("cp", "-r", "{corpus}", "{out}"), proof=copied),
            CP_SYNC,
            FLOOR,
        ),
        {"quick": (50,), "default": (500, 2_000), "full": (500, 2_000)},
        matrix=512,
    ),
    Job(
        "create-manifest",
        "the same with the SHA-256 of each file",
        (
            Contender(
                OURS,
                ("{ours}", "create", "{corpus}", "-o", "{out}", "--manifest", "{out}.sha256", "--no-progress", "-q"),
                proof=created,
            ),
            CP_SYNC,
        ),
        {"quick": (50,), "default": (500, 2_000), "full": (500, 2_000)},
        matrix=512,
    ),
    Job(
        "create-iso",
        "the same as an ISO 9660 image, synced and read back",
        (
            CREATE_ISO,
            Contender("genisoimage", ("genisoimage", "-quiet", "-o", "{out}", "{corpus}"), proof=imaged),
            # The time of genisoimage with a sync, because a commit must leave the image as safe.
            Contender(
                "genisoimage, sync",
                ("sh", "-c", 'genisoimage -quiet -o "$1" "$0" && sync "$1"', "{corpus}", "{out}"),
                proof=imaged,
            ),
        ),
        {"quick": (50,), "default": (500, 2_000), "full": (500, 2_000)},
        matrix=512,
    ),
    Job(
        "create-iso-small",
        "the same, small files",
        (CREATE_ISO, Contender("genisoimage", ("genisoimage", "-quiet", "-o", "{out}", "{corpus}"), proof=imaged)),
        {"quick": (1_000,), "default": (50_000,), "full": (50_000, 200_000)},
    ),
    Job(
        "help",
        "start, print the help, end",
        (
            Contender(OURS, ("{ours}", "--help")),
            Contender("python -c pass", ("{python}", "-c", "pass")),
            Contender("dcmmkdir", ("dcmmkdir", "--help")),
        ),
        {"quick": (0,), "default": (0,), "full": (0,)},
    ),
)

TARGETS: tuple[Target, ...] = (
    Target("index", 20_000, "seconds", 1 / 8, peer="dcmmkdir"),
    Target("index", 100_000, "seconds", 1 / 10, peer="dcmmkdir"),
    Target("index-one-series", 8_000, "seconds", 1 / 50, peer="dcmmkdir"),
    Target("index", 100_000, "seconds", 11, since=10_000),
    Target("index", 100_000, "seconds", 4.5, peer="floor"),
    Target("index", 100_000, "memory", 160),
    Target("check", 20_000, "seconds", 3, peer="our index"),
    Target("check", 100_000, "memory", 160),
    Target("list", 100_000, "seconds", 1 / 4, peer="dcmdump"),
    Target("list", 100_000, "memory", 1 / 3, peer="dcmdump"),
    Target("find", 100_000, "seconds", 0.020),
    Target("encode-records", 1_000_000, "memory", 1200),
    Target("list-records", 1_000_000, "memory", 1200),
    # "Linear" as a number: the margin of the target from 10,000 to 100,000.
    Target("encode-records", 1_000_000, "seconds", 11, since=100_000),
    Target("list-records", 1_000_000, "seconds", 11, since=100_000),
    Target("add", 100_000, "seconds", 1 / 4, peer="dcmmkdir +A"),
    Target("index-minimal", 100_000, "seconds", 3.5, peer="floor"),
    Target("index-minimal", 100_000, "seconds", 1 / 12, peer="dcmmkdir"),
    Target("index-minimal", 1_000_000, "seconds", 10.5, since=100_000),
    Target("index-minimal", 1_000_000, "memory", 700),
    Target("create", 2_000, "seconds", 1.1, peer="cp -r, sync"),
    Target("create-manifest", 2_000, "seconds", 1.3, peer="cp -r, sync"),
    Target("create-iso", 2_000, "seconds", 1.2, peer="genisoimage, sync"),
    Target("create-iso-small", 50_000, "memory", 150),
    Target("help", 0, "seconds", 0.1),
)
