"""The caches of the file check change no finding."""

from __future__ import annotations

from functools import cache

import pytest

from fileset.dicom.header import HeaderError, Reading, read_header
from fileset.dicom.header_cache import Layouts, Recognised
from fileset.part10.data_set import DataSetWalk
from fileset.part10.whole_file import FileChecker
from fileset.records.key_choice import MINIMAL, key_set
from fileset.records.record_cache import OWN
from tests.support import synthetic
from tests.support.faulty import FAULTS, File

KEYS = key_set(MINIMAL)
LAYOUTS: list[Layouts] = []


@pytest.fixture(autouse=True)
def _no_known_layouts() -> None:
    """Begin each test without known headers: other tests fill the cache of the process."""
    LAYOUTS[:] = [Layouts(OWN, KEYS.apart)]


def _reading(data: bytes) -> Reading:
    return lambda at, size: data[at : at + size]


@cache
def _correct(number: int) -> bytes:
    """Return a file whose SOP Instance UID and Instance Number get longer with `number`."""
    return synthetic.encode(synthetic.instance(synthetic.CT_IMAGE, number=number))


def _header(data: bytes) -> Recognised | None:
    try:
        header = read_header(_reading(data), KEYS.wanted, LAYOUTS[0])
    except HeaderError:
        return None
    return header if isinstance(header, Recognised) else None


@pytest.mark.parametrize("title", FAULTS)
def test_a_checker_that_knows_correct_files_finds_the_same_as_a_new_one(title: str) -> None:
    checker = FileChecker()
    files = [_correct(number) for number in (1, 2, 3, 40, 500, 6000, 7)]
    for data in files:
        assert checker.faults(_reading(data), len(data), None, _header(data)) == []
    assert _header(files[-1]) is not None
    for data in (FAULTS[title](File(file)) for file in files):
        found = checker.faults(_reading(data), len(data), None, _header(data))
        assert found == FileChecker().faults(_reading(data), len(data))


def test_files_that_differ_in_the_length_of_their_numbers_are_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    walks = 0
    walk = DataSetWalk.walk

    def counted(self: DataSetWalk, start: int) -> None:
        nonlocal walks
        walks += 1
        walk(self, start)

    monkeypatch.setattr(DataSetWalk, "walk", counted)
    checker = FileChecker()
    for data in map(_correct, (1, 2, 3, 4)):
        checker.faults(_reading(data), len(data), None, _header(data))
    before = walks
    for data in map(_correct, (40, 500, 6000, 70_000)):
        assert isinstance(_header(data), Recognised)
        assert checker.faults(_reading(data), len(data), None, _header(data)) == []
    assert walks == before > 0


def _with_sequence(number: int, content: bytes) -> bytes:
    """Return a correct file, and in it a sequence of undefined length whose item has an explicit one."""
    data = _correct(number)
    at = data.index(b"\x10\0\x10\0PN")
    item = b"\xfe\xff\0\xe0" + len(content).to_bytes(4, "little") + content
    sequence = b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return data[:at] + sequence + data[at:]


def test_an_item_of_explicit_length_in_a_sequence_of_undefined_length_is_checked_in_each_file() -> None:
    checker = FileChecker()
    good = [_with_sequence(number, b"\x08\0\x50\x11UI\x04\x001.2\0") for number in range(1, 5)]
    bad = _with_sequence(5, b"\x06\0\x50\x11UI\x03\x001.2\0")
    for data in good:
        assert checker.faults(_reading(data), len(data), None, _header(data)) == []
    assert isinstance(_header(bad), Recognised)
    found = checker.faults(_reading(bad), len(bad), None, _header(bad))
    assert found == FileChecker().faults(_reading(bad), len(bad))
    assert "FS-ELEMENT-GROUP" in [fault.rule for fault in found]


def test_a_private_creator_that_becomes_empty_is_found() -> None:
    checker = FileChecker()

    def file(number: int, creator: bytes) -> bytes:
        data = _correct(number)
        at = data.index(b"\x10\0\x10\0PN")
        length = len(creator).to_bytes(2, "little")
        return data[:at] + b"\x09\0\x10\0LO" + length + creator + b"\x09\0\1\x10SH\2\0X " + data[at:]

    for number in range(1, 5):
        data = file(number, b"ACME")
        assert checker.faults(_reading(data), len(data), None, _header(data)) == []
    for creator in (b"", b"AC"):
        data = file(5, creator)
        found = checker.faults(_reading(data), len(data), None, _header(data))
        assert found == FileChecker().faults(_reading(data), len(data))
        assert bool(found) is (not creator)
