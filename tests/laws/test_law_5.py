"""Law 5: the journal of a medium never leads to the loss of a file that the change did not write."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import pytest

import fileset
from fileset.errors import FilesetError, RefusedError
from fileset.media.folder.journal import ADDED, REMOVED, JournalEntry, removal
from fileset.media.folder.work_folder import NEW, OLD
from fileset.media.system.files import blocks
from fileset.media.system.hashing import digest_of
from fileset.media.system.walk import JOURNAL, LOCK, SEAL, WORK
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.long import LONG
from tests.support.tries import Tries

COUNT = 2000 if LONG else 520
SEED = 5
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file-set with listed and unlisted files, links into it and out of it, and files beside it."""
    stage = tmp_path_factory.mktemp("law5")
    synthetic.ct_series(stage / "DISC", patients=1, studies=1, series=1, instances=3)
    (stage / "DISC" / "README").write_text("about this file-set")
    fileset.index(stage / "DISC", descriptor_file_id="README")
    (stage / "DISC" / "MORE").mkdir()
    for name, place in (("EXTRA1", 7), ("MORE/EXTRA2", 8)):
        (stage / "DISC" / name).write_bytes(synthetic.ct(place))
    (stage / "BESIDE").mkdir()
    (stage / "BESIDE" / "BAIT").write_bytes(synthetic.ct(9))
    (stage / "DISC" / "LINK").symlink_to(stage / "BESIDE", target_is_directory=True)
    (stage / "DISC" / "BAIT").symlink_to(stage / "BESIDE" / "BAIT")
    (stage / "DISC" / "TWIN").symlink_to("MORE", target_is_directory=True)
    return stage


def content(stage: Path) -> Files:
    """Return every file, except those of the work folder, with its bytes; follow links."""
    paths = [Path(above) / name for above, _, names in os.walk(stage, followlinks=True) for name in names]
    return {str(path.relative_to(stage)): path.read_bytes() for path in paths if WORK not in path.parts}


LISTED = "P001\\T001\\S001\\I000001"
NEVER = (
    *("DICOMDIR", "dicomdir", "DICOMDIR;1", "DICOMDIR.", "README", "readme", LISTED, LISTED.lower(), f"{LISTED};1"),
    *("LINK\\BAIT", "BAIT", "TWIN\\EXTRA2", "..\\BESIDE\\BAIT", "P001", "MORE", "P001\\T001", ".", "..", "", "\\"),
    *(f"{WORK}\\{LOCK}", f"{WORK}\\{JOURNAL}", WORK, "P001\\..\\EXTRA1", "C:\\EXTRA1", "\0", "A" * 3000),
)
"""Names that recovery must leave alone even if size and hash are right."""
UNPROVED = ("EXTRA1", "MORE\\EXTRA2", "extra1", "EXTRA1;1")
"""Names of files that recovery must leave alone if size or hash are wrong."""


def forged(stage: Path, random: Random) -> str:
    """A line of a journal: a true description of a file that is to stay, or a wrong one of another file, or nonsense."""
    kind = random.choice((ADDED, REMOVED))
    if random.random() < 0.5:
        name = random.choice(NEVER)
        size, digest = described(stage / "DISC" / name.replace("\\", "/").partition(";")[0], kind)
    else:
        name = random.choice(UNPROVED)
        size, digest = described(stage / "DISC" / name.upper().replace("\\", "/").partition(";")[0], kind)
        if random.random() < 0.5:
            size += random.choice((-1, 1))
        else:
            digest = f"{int(digest, 16) ^ 1 << random.randrange(128):032x}"
    line = f"{kind} {size} {digest} {name}\n"
    if random.random() < 0.1:
        at = random.randrange(len(line))
        line = line[:at] + random.choice("\0\n\x7f +-9\\") + line[at + 1 :]
    return line


def described(path: Path, kind: str) -> tuple[int, str]:
    """Return size and hash of a file for a journal; those of no bytes if there is no file."""
    if len(str(path)) > 1000 or "\0" in str(path) or not path.is_file():
        return 0, digest_of([b""])
    if kind == ADDED:
        return path.stat().st_size, digest_of(blocks(str(path)))
    entry: JournalEntry = removal(fileset.FileId("X"), str(path))
    return entry.size, entry.digest


def leave(stage: Path, random: Random) -> str:
    """Leave the work folder of an interrupted change with a forged journal; return that."""
    work = stage / "DISC" / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / LOCK).touch()
    journal = "".join(forged(stage, random) for _ in range(random.randint(1, 6)))
    (work / JOURNAL).write_text(journal, encoding="ascii")
    if random.random() < 0.3:
        kept = random.choice((b"", b"nothing", synthetic.ct(6)))
        digests = [digest_of([random.choice((kept, b"else"))]) for _ in range(2)]
        (work / random.choice((NEW, OLD))).write_bytes(kept)
        (work / SEAL).write_text(f"{digests[0]}  {NEW}\n{digests[1]}  {OLD}\n", encoding="ascii")
    return journal


def changed(stage: Path) -> None:
    with fileset.Updater(stage / "DISC") as updater:
        updater.file_set_id = "A" if updater.file_set_id != "A" else "B"


def rehearsed(stage: Path) -> None:
    fileset.repair_file_set(stage / "DISC", dry_run=True)


def added(stage: Path) -> None:
    with fileset.Updater(stage / "DISC") as updater:
        updater.add(stage / "BESIDE" / "BAIT")
    with fileset.Updater(stage / "DISC") as updater:
        updater.remove(PatientID="P9")


VERBS = (changed, changed, changed, rehearsed, added)


@pytest.mark.slow
def test_a_forged_journal_costs_no_file_that_its_change_did_not_write(stage: Path, tries: Tries) -> None:
    random = Random(SEED)
    before, refused = content(stage), 0
    del before["DISC/DICOMDIR"]
    for _ in range(COUNT):
        journal = leave(stage, random)
        verb = random.choice(VERBS)
        try:
            verb(stage)
        except FilesetError:
            refused += 1  # a sealed DICOMDIR that is not one: nothing may be written
        shutil.rmtree(stage / "DISC" / WORK, ignore_errors=True)
        after = content(stage)
        del after["DISC/DICOMDIR"]
        assert after == before, (verb.__name__, journal)
        with fileset.Reader(stage / "DISC") as reader:
            assert len(list(reader.instances)) == 3, (verb.__name__, journal)
    assert refused < COUNT / 2
    tries("forged journals that cost no file", COUNT)


@pytest.mark.parametrize("name", ["T0000001", NEW, OLD])
@pytest.mark.parametrize("verb", ["index", "add", "create", "repair"])
def test_a_folder_of_others_with_the_name_of_the_work_folder_is_refused(
    verb: str, name: str, run: Runs, tmp_path: Path
) -> None:
    """Names alone do not make files ours; repair writes nothing here, and names the file."""
    disc = tmp_path / "DISC"
    synthetic.ct_series(disc, patients=1, studies=1, series=1, instances=1)
    if verb != "index":
        fileset.index(disc)
    image = disc / WORK / name
    image.parent.mkdir()
    image.write_bytes(synthetic.ct(2))
    (tmp_path / "NEW").write_bytes(synthetic.ct(3))
    more = {"add": (tmp_path / "NEW",), "create": ("-o", disc, "--replace")}.get(verb, ())
    run(verb, tmp_path / "NEW" if verb == "create" else disc, *more, code=3 if verb == "repair" else 6)
    assert image.read_bytes() == synthetic.ct(2)


def test_listed_files_in_the_folder_of_an_interrupted_change_are_never_swept(tmp_path: Path) -> None:
    disc = tmp_path / "DISC"
    disc.mkdir()
    (disc / "FILESETX").mkdir()
    (disc / "FILESETX" / "T0000001").write_bytes(synthetic.ct(1))
    fileset.index(disc)
    (disc / "DICOMDIR").write_bytes((disc / "DICOMDIR").read_bytes().replace(b"FILESETX", WORK.encode()))
    (disc / "FILESETX").rename(disc / WORK)
    (disc / WORK / LOCK).touch()
    with pytest.raises(RefusedError, match="for temporary files"):
        changed(tmp_path)
    assert (disc / WORK / "T0000001").read_bytes() == synthetic.ct(1)
