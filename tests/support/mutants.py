"""Fifteen ways to break one thing in a good file-set, as a table; each keeps the length, so any two can be combined.

The good file-set is the one with 52 records that pydicom ships. A mutant also changes the truth about each instance: all
that it did not overwrite or remove stays true. `broken` returns the bytes, the missing files and the truth; `write` makes a
folder of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path
from struct import pack_into, unpack_from
from typing import Any, Final

import pydicom.data
from attrs import define, evolve, field, frozen

from tests.support.judges import Node, walk

SOURCE: Final = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"

# Offsets in each record of the good DICOMDIR, counted from its Item tag.
NEXT: Final = 16
IN_USE: Final = 28
LOWER: Final = 38
TYPE: Final = 50

_FIRST: Final = b"\x04\x00\x00\x12UL\x04\x00"
_CONSISTENCY: Final = b"\x04\x00\x12\x12US\x02\x00"
_FILE_ID: Final = b"\x04\x00\x00\x15CS"
_INSTANCE_UID: Final = b"\x04\x00\x11\x15UI"
_PATIENT_ID: Final = b"\x10\x00\x20\x00LO"


@frozen
class Row:
    """The truth about one instance. `path` is its File ID with "/", None if it has no File ID that may be used."""

    path: str | None
    uid: str
    patient: str
    study: str
    series: str


@frozen
class Good:
    """The good file-set: its DICOMDIR, the offset of each record, their types, and the truth by index of record."""

    data: bytes
    offsets: tuple[int, ...]
    types: tuple[str, ...]
    rows: Mapping[int, Row]

    def nth(self, record_type: str, number: int) -> int:
        """Return the index of the n-th record of a type, from 0, in the order of the file."""
        return [index for index, name in enumerate(self.types) if name == record_type][number]

    def link(self, index: int, at: int) -> int:
        """Return the value of a link of a record: `NEXT` or `LOWER`."""
        return int(unpack_from("<I", self.data, self.offsets[index] + at)[0])


@define
class Broken:
    """A file-set after some mutants: its DICOMDIR, the paths of missing files, and the truth about each instance."""

    good: Good
    data: bytearray
    rows: dict[int, Row]
    gone: set[str] = field(factory=set)

    def put(self, index: int, at: int, value: bytes) -> None:
        """Overwrite bytes of a record."""
        start = self.good.offsets[index] + at
        self.data[start : start + len(value)] = value

    def link(self, index: int, at: int, offset: int) -> None:
        """Overwrite a link of a record: `NEXT` or `LOWER`."""
        pack_into("<I", self.data, self.good.offsets[index] + at, offset)

    def value(self, index: int, header: bytes, change: Callable[[bytes], bytes]) -> None:
        """Change the value of an element of short form; keep its length."""
        start = self.data.index(header, self.good.offsets[index]) + 8
        length = unpack_from("<H", self.data, start - 2)[0]
        self.data[start : start + length] = change(bytes(self.data[start : start + length])).ljust(length)[:length]

    def note(self, index: int, **changed: Any) -> None:
        """Change the truth about an instance."""
        self.rows[index] = evolve(self.rows[index], **changed)


@frozen
class Mutant:
    """One row of the table: the record that it breaks by default, how, and the rules under which a Reader, which does not
    open the files, may report it; none if only a check of files or of all keys can find it.
    """

    number: int
    title: str
    record: tuple[str, int]
    act: Callable[[Broken, int], None]
    rules: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.number}: {self.title}"


@cache
def good() -> Good:
    """Return the file-set to break."""
    nodes = sorted(walk(SOURCE / "DICOMDIR"), key=lambda node: int(node.record.seq_item_tell))
    rows = {index: _row(node) for index, node in enumerate(nodes) if node.file_id}
    offsets = tuple(int(node.record.seq_item_tell) for node in nodes)
    return Good((SOURCE / "DICOMDIR").read_bytes(), offsets, tuple(node.type for node in nodes), rows)


def _row(node: Node) -> Row:
    above: Node | None = node
    levels: dict[str, str] = {}
    while above is not None:
        key = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID"}.get(above.type)
        if key:
            levels[above.type] = str(above.record[key].value)
        above = above.parent
    uid = str(node.record.ReferencedSOPInstanceUIDInFile)
    return Row(node.file_id, uid, levels["PATIENT"], levels["STUDY"], levels["SERIES"])


def _next_beside(broken: Broken, index: int) -> None:
    broken.link(index, NEXT, broken.good.link(index, NEXT) + 2)


def _next_to_itself(broken: Broken, index: int) -> None:
    broken.link(index, NEXT, broken.good.offsets[index])


def _lower_beyond(broken: Broken, index: int) -> None:
    broken.link(index, LOWER, len(broken.good.data) + 1000)


def _lower_case(broken: Broken, index: int) -> None:
    broken.value(index, _FILE_ID, bytes.lower)
    broken.note(index, path=(broken.rows[index].path or "").lower())


def _upwards(broken: Broken, index: int) -> None:
    broken.value(index, _FILE_ID, lambda _: b"..")
    broken.note(index, path=None)


def _file_missing(broken: Broken, index: int) -> None:
    broken.gone.add(broken.rows[index].path or "")


def _unknown_type(broken: Broken, index: int) -> None:
    broken.put(index, TYPE, b"STRANG")


def _wrong_uid(broken: Broken, index: int) -> None:
    broken.value(index, _INSTANCE_UID, lambda uid: b"1.2.3.4".ljust(len(uid), b"\0"))
    broken.note(index, uid="1.2.3.4")


def _odd_in_use(broken: Broken, index: int) -> None:
    broken.put(index, IN_USE, b"\1\0")


def _inconsistent(broken: Broken, _: int) -> None:
    at = broken.data.index(_CONSISTENCY) + 8
    broken.data[at : at + 2] = b"\xff\xff"


def _half(broken: Broken, _: int) -> None:
    del broken.data[len(broken.data) // 2 :]
    for index in list(broken.rows):
        if broken.good.offsets[index] + 200 > len(broken.data):  # its file reference is not all there
            del broken.rows[index]


def _blank_patient(broken: Broken, index: int) -> None:
    patient = next(row.patient for at, row in broken.good.rows.items() if at > index)
    broken.value(index, _PATIENT_ID, lambda _: b"")
    for at, row in broken.rows.items():
        if row.patient == patient:
            broken.note(at, patient="")


def _series_below_patient(broken: Broken, index: int) -> None:
    study = broken.good.offsets.index(broken.good.link(index, LOWER))
    broken.link(index, LOWER, broken.good.link(study, LOWER))


def _first_is_second(broken: Broken, _: int) -> None:
    pack_into("<I", broken.data, broken.data.index(_FIRST) + 8, broken.good.offsets[1])


def _shared_child(broken: Broken, index: int) -> None:
    other = next(at for at in range(index) if broken.good.types[at] == broken.good.types[index])
    broken.link(index, LOWER, broken.good.link(other, LOWER))


MUTANTS: Final = (
    Mutant(1, "a next offset is 2 too large", ("STUDY", 2), _next_beside, frozenset({"FS-OFFSET-NEAR"})),
    Mutant(2, "a next offset leads to itself", ("SERIES", 0), _next_to_itself, frozenset({"FS-OFFSET-CYCLE"})),
    Mutant(3, "a lower offset leads beyond the end", ("STUDY", 1), _lower_beyond, frozenset({"FS-OFFSET-NOWHERE"})),
    Mutant(4, "a File ID is in lower case", ("IMAGE", 0), _lower_case, frozenset({"FS-FILE-ID-FORM"})),
    Mutant(5, 'a File ID is ".."', ("IMAGE", 1), _upwards, frozenset({"FS-FILE-ID-HOSTILE"})),
    Mutant(6, "a referenced file is missing", ("IMAGE", 2), _file_missing),
    Mutant(7, "a record type is unknown", ("IMAGE", 3), _unknown_type, frozenset({"FS-RECORD-TYPE"})),
    Mutant(8, "a SOP Instance UID is wrong", ("IMAGE", 4), _wrong_uid),
    Mutant(9, "an in-use flag is 0001H", ("IMAGE", 5), _odd_in_use, frozenset({"FS-RECORD-IN-USE-FLAG"})),
    Mutant(10, "the consistency flag is FFFFH", ("PATIENT", 0), _inconsistent, frozenset({"FS-CONSISTENCY-FLAG"})),
    Mutant(11, "the second half is gone", ("PATIENT", 0), _half, frozenset({"FS-DICOMDIR-TRUNCATED"})),
    Mutant(12, "a Patient ID is blank", ("PATIENT", 0), _blank_patient),
    Mutant(13, "a SERIES below a PATIENT", ("PATIENT", 1), _series_below_patient, frozenset({"FS-OFFSET-SHARED"})),
    Mutant(14, "the first record is the second", ("PATIENT", 0), _first_is_second, frozenset({"FS-OFFSET-FIRST"})),
    Mutant(15, "two parents share a child", ("STUDY", 3), _shared_child, frozenset({"FS-OFFSET-SHARED"})),
)
"""The mutation table. `record` is (record type, index among them)."""

PAIRS: Final = tuple(combinations(MUTANTS, 2))
"""All 105 pairs."""


def broken(*mutants: Mutant, record: int | None = None) -> Broken:
    """Break the good file-set with these mutants, the one that shortens it last; `record` chooses another record."""
    base = good()
    result = Broken(base, bytearray(base.data), dict(base.rows))
    for mutant in sorted(mutants, key=lambda mutant: mutant.act is _half):
        mutant.act(result, base.nth(*mutant.record) if record is None else record)
    return result


def write(result: Broken, folder: Path) -> Path:
    """Write a broken file-set into a folder; return the folder."""
    for row in good().rows.values():
        path = row.path or ""
        if path not in result.gone:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / path, folder / path)
    (folder / "DICOMDIR").write_bytes(result.data)
    return folder
