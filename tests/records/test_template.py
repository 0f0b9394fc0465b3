"""A record that is filled into a template is the record that is made the long way."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from pydicom.dataset import Dataset

from fileset.dicom.header import HeaderError, read_header
from fileset.dicom.header_cache import Layouts
from fileset.plan.dataset_source import encode_dataset
from fileset.records.describe import WANTED, Describer, Instance, InvalidUid, Policy
from fileset.records.key_choice import MINIMAL, key_set
from fileset.records.record_cache import OWN, Template
from fileset.standard.sop_classes import SOP_CLASSES
from tests.benchmarks.corpus import Shape, files

EVERYTHING = key_set(MINIMAL).everything
SHAPE = Shape(400, per_series=40)
UID = b"\x08\x00\x18\x00UI"
NUMBER = b"\x20\x00\x13\x00IS"


def headers() -> Iterator[bytes]:
    return (header + tail for _, header, tail in files(SHAPE))


def described(data: bytes, describer: Describer, layouts: Layouts | None) -> Instance | str:
    try:
        return describer.describe(read_header(lambda at, size: data[at : at + size], WANTED, layouts), invent=False)
    except HeaderError as problem:
        return str(problem)


def changed(data: bytes, tag: bytes, value: bytes) -> bytes:
    """The file with another value of one element."""
    at = data.index(tag) + 8
    length = int.from_bytes(data[at - 2 : at], "little")
    return data[: at - 2] + len(value).to_bytes(2, "little") + value + data[at + length :]


@pytest.fixture(scope="module")
def layouts() -> Layouts:
    """The caches after every file was read once."""
    known = Layouts(OWN, key_set(MINIMAL).apart)
    for data in headers():
        described(data, Describer(Policy()), known)
    return known


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> list[Instance]:
    """The instances that were made from a template."""
    found: list[Instance] = []
    fill = Template.filled

    def noting(self: Template, own: tuple[bytes, ...]) -> Instance | None:
        instance = fill(self, own)
        if instance:
            found.append(instance)
        return instance

    monkeypatch.setattr(Template, "filled", noting)
    return found


@pytest.mark.parametrize("invalid_uid", ["refuse", "accept"])
def test_files_of_one_series_are_filled_in(layouts: Layouts, filled: list[Instance], invalid_uid: InvalidUid) -> None:
    policy = Policy(invalid_uid=invalid_uid)
    templates, plain = Describer(policy), Describer(policy)
    for data in headers():
        assert described(data, templates, layouts) == described(data, plain, None)
    assert len(filled) > 0.8 * SHAPE.files


NUMBERS = (b"7 ", b" 7", b"07", b"+7", b"7", b"", b"-7", b"7\\8 ", b"99999999", b"9999999999", b"7\0", b"x ", b"0 ")
UIDS = (b"1.2.3\0", b"1.2.3 ", b"1.2.03", b"1.2.3", b"", b"1.9.3\0", b"5.2.3\0", b"1.2" + b".1" * 31, b"1." + b"1" * 63)


@pytest.mark.slow
@pytest.mark.parametrize("invalid_uid", ["refuse", "accept"])
def test_unusual_values_take_the_long_way(layouts: Layouts, filled: list[Instance], invalid_uid: InvalidUid) -> None:
    policy = Policy(invalid_uid=invalid_uid)
    templates, plain = Describer(policy), Describer(policy)
    for data in headers():
        described(data, templates, layouts)
        for number in NUMBERS:
            other = changed(data, NUMBER, number)
            assert described(other, templates, layouts) == described(other, plain, None), number
        for uid in UIDS:
            other = changed(data, UID, uid)  # not as File Meta Information has it
            assert described(other, templates, layouts) == described(other, plain, None), uid
            both = changed(other, b"\x02\x00\x03\x00UI", uid)
            assert described(both, templates, layouts) == described(both, plain, None), uid
    assert filled


def test_values_in_common_that_change_make_another_template(layouts: Layouts, filled: list[Instance]) -> None:
    random = Random(20261122)
    templates, plain = Describer(Policy()), Describer(Policy())
    for data in headers():
        damaged = bytearray(data)
        for _ in range(random.randint(0, 2)):
            damaged[random.randrange(132, 1500)] = random.choice((0, 32, 48, 49, 65))
        other = bytes(damaged)
        assert described(other, templates, layouts) == described(other, plain, None)
    assert len(filled) > SHAPE.files / 4


def test_the_substitute_for_the_date_of_a_study_comes_from_each_file(layouts: Layouts, filled: list[Instance]) -> None:
    templates, plain = Describer(Policy()), Describer(Policy())
    for count, data in enumerate(headers()):
        dateless = changed(data, b"\x08\x00\x20\x00DA", b"")
        dated = changed(dateless, b"\x08\x00\x23\x00DA", b"2026%02d01" % (count % 12 + 1))
        found = described(dated, templates, layouts)
        assert found == described(dated, plain, None)
        assert isinstance(found, Instance)
        assert found.chain
        assert found.chain.fallback_date
    assert not filled


def test_everything_is_read_without_layouts() -> None:
    data = next(headers())
    assert read_header(lambda at, size: data[at : at + size], EVERYTHING).has_pixel_data


DATED = [
    "WAVEFORM",
    "RAW DATA",
    "REGISTRATION",
    "FIDUCIAL",
    "VALUE MAP",
    "MEASUREMENT",
    "SURFACE",
    "TRACT",
    "ANNOTATION",
]


def made(record_type: str, number: int, **values: str) -> bytes:
    """Return a file of one series, with the keys of nearly any record."""
    dataset = Dataset()
    dataset.SOPClassUID = next(uid for uid, row in SOP_CLASSES.items() if row.record_type == record_type)
    dataset.SOPInstanceUID = f"1.2.9.{number}"
    dataset.PatientName, dataset.PatientID, dataset.Modality = "Doe^Jane", "P1", "OT"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200101", "101010", "1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SeriesNumber = "1.2.3", "1.2.3.4", 1
    dataset.InstanceNumber = number
    dataset.ContentLabel, dataset.ContentDescription = "A", "B"
    dataset.add_new(0x70010010, "LO", "the elements after it")
    dataset.add_new(0x70011001, "OB", bytes(64))
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return encode_dataset(dataset)


@pytest.mark.parametrize("record_type", DATED)
def test_a_record_with_a_content_date_has_that_of_its_own_file(record_type: str) -> None:
    series = [made(record_type, number, ContentDate=f"2020010{number}", ContentTime="1010") for number in range(1, 6)]
    known, templates, plain = Layouts(OWN, key_set(MINIMAL).apart), Describer(Policy()), Describer(Policy())
    for data in series:
        assert described(data, templates, known) == described(data, plain, None)
    assert known.find(series[0]) is not None


@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize("invalid_uid", ["refuse", "accept"])
def test_a_uid_that_is_too_long_is_refused_whatever_came_before(invalid_uid: InvalidUid) -> None:
    policy = Policy(invalid_uid=invalid_uid)
    known, templates, plain = Layouts(OWN, key_set(MINIMAL).apart), Describer(policy), Describer(policy)
    uids = ["1.2." + digits for digits in ("3" * 62, "4" * 62, "3" * 58, "4" * 58, "5" * 62)]
    series = [made("IMAGE", number, SOPInstanceUID=uid) for number, uid in enumerate(uids, 1)]
    found = [described(data, templates, known) for data in series]
    assert found == [described(data, plain, None) for data in series]
    assert isinstance(found[-1], str)
