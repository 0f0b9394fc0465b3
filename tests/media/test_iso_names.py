"""Names and dates of ISO 9660, Joliet and UDF; pieces of images as files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fileset.errors import FormatError, RuleError
from fileset.file_id import FileId
from fileset.media.image.bytes import ImageBytes
from fileset.media.iso.dates import recording_date, recording_time, time_of, timestamp
from fileset.media.iso.directories import joliet_hierarchy, primary_hierarchy
from fileset.media.iso.names import Shortener, joliet, level_1, level_1_key, shown
from fileset.media.iso.tree import NameTree
from fileset.media.iso.udf import compressed, dstring, expanded, tag_of, tagged


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("DICOMDIR", b"DICOMDIR.;1"),
        ("IMAGE1", b"IMAGE1.;1"),
        ("README.TXT", b"README.TXT;1"),
        ("Index.htm", b"INDEX.HTM;1"),
        ("A.", b"A.;1"),
        ("NINE_LONG", None),
        ("LONG.JPEG", None),
        ("A-B", None),
        ("A B", None),
        (".INF", None),
        ("A.B.C", None),
        ("\u00dcBER", None),
    ],
)
def test_names_of_level_1(name: str, identifier: bytes | None) -> None:
    assert level_1(name, folder=False) == identifier


def test_a_folder_of_level_1_has_no_dot() -> None:
    assert level_1("viewer", folder=True) == b"VIEWER"
    assert level_1("A.B", folder=True) is None


def test_short_names_are_near_and_never_twice() -> None:
    shorten = Shortener([b"LONG_NAM.TXT;1"])
    found = [shorten("long name.txt", folder=False) for _ in range(12)]
    assert found[:2] == [b"LONG_NA1.TXT;1", b"LONG_NA2.TXT;1"]
    assert found[-1] == b"LONG_N12.TXT;1"
    assert shorten(".hidden", folder=False) == b"_.HID;1"
    assert shorten("no-extension", folder=False) == b"NO_EXTEN.;1"
    assert shorten("a folder.d", folder=True) == b"A_FOLDER"


def test_ten_thousand_names_are_shortened_in_linear_time() -> None:
    shorten = Shortener([])
    assert len({shorten("the same long name", folder=False) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("IMAGE1.;1", "IMAGE1"),
        ("A.TXT;1", "A.TXT"),
        ("A;B", "A;B"),
        ("A", "A"),
        ("A.", "A"),
        (".", "."),
        ("A.;12", "A"),
    ],
)
def test_names_as_people_know_them(identifier: str, name: str) -> None:
    assert shown(identifier) == name


def test_joliet_takes_64_characters_but_not_all() -> None:
    assert joliet("x" * 64) == ("x" * 64).encode("utf-16-be")
    for name in ("x" * 65, "a:b", "a?b", "a*b", "a;1", "\x07"):
        with pytest.raises(RuleError):
            joliet(name)


@given(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), min_size=1, max_size=100))
def test_names_of_udf_come_back(name: str) -> None:
    assert expanded(compressed(name)) == name


def test_names_of_udf_end_at_254_bytes() -> None:
    assert len(compressed("x" * 253)) == 254
    for name in ("x" * 254, "\u6f22" * 127):
        with pytest.raises(RuleError, match="longer than"):
            compressed(name)


def test_a_dstring_ends_with_its_length() -> None:
    assert dstring("AB", 8) == b"\x08AB\0\0\0\0\x03"
    assert dstring("", 8) == bytes(8)


@given(st.binary(min_size=16, max_size=64))
def test_a_tag_is_recognised_and_a_damaged_one_refused(body: bytes) -> None:
    data = tagged(261, body, 7)
    assert tag_of(data) == 261
    for at in (0, 1, 5, 15):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        with pytest.raises(FormatError):
            tag_of(bytes(damaged))


@given(
    st.datetimes(datetime(1901, 1, 1), datetime(2154, 1, 1)),  # noqa: DTZ001  # made aware below
    st.integers(-48, 52),
)
def test_dates_come_back_in_utc(when: datetime, quarters: int) -> None:
    local = when.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert recording_time(recording_date(local)) == local.astimezone(UTC)
    assert time_of(timestamp(local), 0) == local.astimezone(UTC)


def test_impossible_dates_are_unknown() -> None:
    assert recording_time(bytes(7)) is None
    assert recording_time(bytes((100, 13, 1, 0, 0, 0, 0))) is None
    assert time_of(bytes(12), 0) is None


def test_a_recording_date_of_another_zone() -> None:
    assert recording_time(bytes((120, 1, 2, 3, 4, 5, 4))) == datetime(2020, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert recording_time(bytes((120, 1, 2, 3, 4, 5, 256 - 20))) == datetime(2020, 1, 2, 8, 4, 5, tzinfo=UTC)


# --- trees ----------------------------------------------------------------------------------------------------------


def tree(*paths: str) -> NameTree:
    return NameTree([FileId.tolerant(path) for path in paths])


def test_names_that_cannot_be_together() -> None:
    for paths in (("A", "a"), ("A/B", "A"), ("A", "a/B"), ("A/b", "A/B")):
        with pytest.raises(RuleError, match="cannot have this name"):
            tree(*paths)


def test_names_that_are_too_deep() -> None:
    tree("1/2/3/4/5/6/7/8")
    with pytest.raises(RuleError, match="7 folders above a file"):
        tree("1/2/3/4/5/6/7/8/9")


def test_a_name_that_only_level_1_makes_a_twin() -> None:
    with pytest.raises(RuleError, match="use --joliet"):
        primary_hierarchy(tree("A", "A."), invent=False)
    primary_hierarchy(tree("A", "A."), invent=True)


@pytest.mark.slow
def test_more_folders_than_a_path_table_numbers() -> None:
    paths = [f"{number:07d}/A" for number in range(0xFFFF)]
    with pytest.raises(RuleError, match="65536 folders"):
        joliet_hierarchy(tree(*paths))


@given(st.lists(st.from_regex(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{0,3})?", fullmatch=True), max_size=20, unique=True))
def test_directories_are_in_the_order_of_iso_9660(names: list[str]) -> None:
    identifiers = {identifier for name in names if (identifier := level_1(name, folder=False))}

    def padded(identifier: bytes) -> bytes:
        name, extension = level_1_key(identifier)
        return name.ljust(8) + extension.ljust(3)

    assert sorted(identifiers, key=level_1_key) == sorted(identifiers, key=padded)


# --- pieces ---------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 10)), max_size=5),
    st.lists(st.tuples(st.integers(0, 60), st.integers(-1, 20)), max_size=5),
)
def test_pieces_of_an_image_are_one_file(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, int]], reads: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hundred_bytes"
    path.write_bytes(bytes(range(100)))
    image = ImageBytes(str(path))
    whole = b"".join(bytes(range(at, at + size)) for at, size in pieces)
    with image.open(pieces, "NAME") as file:
        for at, size in reads:
            assert file.seek(at) == at
            assert file.read(size) == (whole[at:] if size < 0 else whole[at : at + size])
            assert file.tell() == at + len(whole[at:] if size < 0 else whole[at : at + size])
        assert file.seek(0, 2) == len(whole)
    image.close()


def test_pieces_after_the_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(100))
    image = ImageBytes(str(tmp_path / "image"))
    for pieces in ([(100, 1)], [(0, 10), (95, 6)]):
        with pytest.raises(FormatError, match="cut off"):
            image.open(pieces, "NAME")
    with pytest.raises(FormatError, match="cut off"):
        image.read(99, 2)
    image.close()
