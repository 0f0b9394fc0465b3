"""The scanner and pydicom read the same header values from every file that both can read."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from struct import pack
from typing import Any, Final

import pydicom.data
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom import dcmwrite
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRBigEndian

from fileset.dicom.header import PIXEL_DATA, Header, HeaderError, Wanted, read_header
from fileset.dicom.header_by_pydicom import read_foreign
from fileset.dicom.header_cache import FIRST_READ
from fileset.records.describe import WANTED
from fileset.records.key_choice import MINIMAL, key_set
from fileset.standard import tags
from tests.support import synthetic
from tests.support.directories import CODINGS, EXPLICIT, IMPLICIT
from tests.support.long import LONG

DATA: Final = Path(pydicom.data.__file__).parent
FILES: Final = sorted(path for path in DATA.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
DEFLATED: Final = b"1.2.840.10008.1.2.1.99"
EVERYTHING: Final = key_set(MINIMAL).everything
DEPTHS: Final = {"the wanted elements": WANTED, "everything": EVERYTHING}

Said = dict[int, Any] | str
"""Tag and value of a header, or the rule that it breaks."""


def by_scanner(data: bytes, wanted: Wanted) -> Said:
    """Return the values of `read_header`, by the fast or the slow way."""
    return _said(lambda: read_header(lambda at, size: data[at : at + size], wanted), wanted)


def by_pydicom(data: bytes, wanted: Wanted) -> Said:
    """Return the values of pydicom; deflated data is inflated before, because pydicom has no limit for that."""
    plain = _inflated(data)
    said = _said(lambda: read_foreign(lambda at, size: plain[at : at + size], wanted), wanted)
    if plain is not data and isinstance(said, dict):
        said[0x00020010] = DEFLATED
    return said


def _inflated(data: bytes) -> bytes:
    at = 144 + int.from_bytes(data[140:144], "little")
    if DEFLATED not in data[132:at]:
        return data
    return data[:at].replace(DEFLATED, EXPLICIT.encode().ljust(len(DEFLATED), b"\0")) + zlib.decompress(data[at:], -15)


def _said(read: Any, wanted: Wanted) -> Said:
    try:
        header: Header = read()
    except HeaderError as problem:
        return problem.rule
    values = {tag: _comparable(tag, value, wanted) for tag, value in header.values.items() if tag not in PIXEL_DATA}
    return values | header.meta


def _comparable(tag: int, value: bytes, wanted: Wanted) -> Any:
    """Items as pydicom decodes them, since pydicom may write other lengths; other values as they are."""
    if tag not in wanted.sequences or not value:
        return value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sequence = BytesIO(pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, len(value)) + value)
        return read_dataset(sequence, is_implicit_VR=False, is_little_endian=True)[tag].value


@pytest.mark.parametrize("depth", DEPTHS)
def test_both_ways_agree_on_every_file_that_pydicom_ships(depth: str) -> None:
    compared = 0
    for path in FILES:
        data, wanted = path.read_bytes(), DEPTHS[depth]
        found = by_scanner(data, wanted)
        if found == "FS-FILE-NOT-DICOM":
            assert data[128:132] != b"DICM", path  # pydicom would read anything: the scanner looks first
            continue
        assert found == by_pydicom(data, wanted), path
        compared += 1
    assert compared > 150


@pytest.mark.slow
@pytest.mark.parametrize("sop_class", synthetic.storage_classes())
@pytest.mark.parametrize("transfer_syntax", [EXPLICIT, IMPLICIT, "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_both_ways_agree_on_every_sop_class(sop_class: str, transfer_syntax: str) -> None:
    data = synthetic.encode(synthetic.instance(sop_class, transfer_syntax=transfer_syntax))
    assert by_scanner(data, WANTED) == by_pydicom(data, WANTED)
    assert by_scanner(data, EVERYTHING) == by_pydicom(data, EVERYTHING)


# --- generated data sets --------------------------------------------------------------------------------------------

SR: Final = "1.2.840.10008.5.1.4.1.1.88.33"
CLASSES: Final = ("1.2.840.10008.5.1.4.1.1.2", SR, "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.3.4.5")
TEXTS: Final = {
    0x00080005: "CS",
    0x00080018: "UI",
    0x00080020: "DA",
    0x00080050: "SH",
    0x00080060: "CS",
    0x00100010: "PN",
    0x00100020: "LO",
    0x0020000D: "UI",
    0x0020000E: "UI",
    0x00200011: "IS",
    0x00200013: "IS",
    0x00280010: "US",
    0x0040A491: "CS",
}
OTHERS: Final = {0x00080000: "UL", 0x00081030: "LO", 0x00091001: "OB", 0x00100000: "UL", 0x00191010: "UN"}
SEQUENCES: Final = (0x00081140, 0x00091002, 0x0040A043, 0x0040A730)
CODE: Final = ((0x00080100, "SH", b"121111"), (0x00080102, "SH", b"DCM "), (0x00080104, "LO", b"Summary "))


@st.composite
def data_sets(draw: st.DrawFn, syntax: str) -> list[bytes]:
    """Elements in order of tag: wanted ones and others, private ones beyond the first read, sequences of any form."""
    coding = CODINGS[syntax]
    tags = draw(st.sets(st.sampled_from([*TEXTS, *OTHERS, *SEQUENCES])))
    sop_class = draw(st.sampled_from(CLASSES)).encode()
    found = {0x00080016: coding.element(0x00080016, "UI", sop_class)}
    for tag in tags:
        if tag in SEQUENCES:
            found[tag] = draw(sequences(tag, syntax))
        elif tag in TEXTS or OTHERS[tag] == "UL":
            numeric = {"US": 2, "UL": 4}.get({**TEXTS, **OTHERS}[tag], 0)
            size = numeric or 2 * draw(st.integers(0, 8))
            value = draw(st.text("0123456789", min_size=size, max_size=size)).encode()
            found[tag] = coding.element(tag, {**TEXTS, **OTHERS}[tag], value)
        else:
            size = draw(st.sampled_from([0, 4, 100, FIRST_READ - 300, FIRST_READ, 3 * FIRST_READ]))
            found[tag] = coding.element(tag, OTHERS[tag], bytes(size))
    if draw(st.booleans()):
        found[0x7FE00010] = coding.element(0x7FE00010, "OW", bytes(draw(st.sampled_from([0, 64, FIRST_READ]))))
    return [found[tag] for tag in sorted(found)]


@st.composite
def sequences(draw: st.DrawFn, tag: int, syntax: str, depth: int = 0) -> bytes:
    """A sequence: explicit or undefined lengths, empty or nested."""
    coding = CODINGS[syntax]
    content = b""
    for _ in range(draw(st.integers(0, 2))):
        inside = b"".join(coding.element(*part) for part in CODE)
        if depth < 2 and draw(st.booleans()):
            inside += draw(sequences(0x0040A043, syntax, depth + 1))
        content += coding.item(inside, undefined=draw(st.booleans()))
    if draw(st.booleans()):
        return coding.element(tag, "SQ", content)
    end = pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return coding.element(tag, "SQ", content, 0xFFFFFFFF) + end


def _file(parts: list[bytes], syntax: str) -> bytes:
    coding = CODINGS[EXPLICIT]
    meta = coding.element(0x00020003, "UI", b"1.2.3") + coding.element(0x00020010, "UI", syntax.encode())
    group = coding.element(0x00020000, "UL", pack("<I", len(meta))) + meta
    return bytes(128) + b"DICM" + group + b"".join(parts)


QUIET: Final = settings(
    max_examples=3000 if LONG else 150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("depth", DEPTHS)
def test_both_ways_agree_on_any_ordered_data_set(syntax: str, depth: str) -> None:
    @QUIET
    @given(data_sets(syntax))
    def agree(parts: list[bytes]) -> None:
        data = _file(parts, syntax)
        assert by_scanner(data, DEPTHS[depth]) == by_pydicom(data, DEPTHS[depth])

    agree()


@pytest.mark.slow
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_both_ways_agree_on_elements_out_of_order_and_twice(syntax: str) -> None:
    @QUIET
    @given(data_sets(syntax).flatmap(_disordered))
    def agree(parts: list[bytes]) -> None:
        data = _file(parts, syntax)
        assert by_scanner(data, EVERYTHING) == by_pydicom(data, EVERYTHING)

    agree()


def _disordered(parts: list[bytes]) -> st.SearchStrategy[list[bytes]]:
    """In any order, some twice, the pixel data last: no reader looks beyond it."""
    ends = [part for part in parts if part.startswith(b"\xe0\x7f")]
    before = [part for part in parts if part not in ends]
    return st.tuples(st.permutations(before), st.lists(st.sampled_from(before), max_size=2)).map(
        lambda mixed: [*mixed[0], *mixed[1], *ends]
    )


def test_half_a_value_at_the_end_of_a_file_is_no_value() -> None:
    whole = synthetic.ct(patient=1)
    patient_id = whole.index(b"\x10\x00\x20\x00LO") + 8
    header = read_header(lambda at, size: whole[: patient_id + 1][at : at + size], WANTED)
    assert tags.SOP_INSTANCE_UID in header.values
    assert tags.PATIENT_ID not in header.values


@pytest.mark.slow
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_truncated_header_is_an_error_unless_the_missing_part_is_not_needed(syntax: str) -> None:
    @QUIET
    @given(data_sets(syntax), st.floats(0, 1))
    def agree(parts: list[bytes], share: float) -> None:
        whole = _file(parts, syntax)
        data = whole[: 132 + int((len(whole) - 132) * share)]
        found, other = by_scanner(data, WANTED), by_pydicom(data, WANTED)
        assert found == other or (isinstance(found, dict) and found == by_scanner(whole, WANTED))

    agree()


@given(st.binary(max_size=400))
@example(bytes(128) + b"DICM")
@example(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100")
def test_any_bytes_give_a_header_or_a_header_error(data: bytes) -> None:
    by_scanner(data, EVERYTHING)
    by_scanner(bytes(128) + b"DICM" + data, EVERYTHING)
    by_scanner(_file([data], EXPLICIT), EVERYTHING)


def _windows() -> Iterator[int]:
    yield from range(FIRST_READ - 40, FIRST_READ + 10)
    yield from (2 * FIRST_READ, 8 * FIRST_READ - 1, 8 * FIRST_READ, 1_000_000)


def test_a_value_may_end_anywhere_about_the_end_of_the_first_read() -> None:
    coding = CODINGS[EXPLICIT]
    tail = coding.element(0x0020000D, "UI", b"1.2") + coding.element(0x00200013, "IS", b"7")
    for size in _windows():
        data = _file([coding.element(0x00091001, "OB", bytes(size)), tail], EXPLICIT)
        found = by_scanner(data, WANTED)
        assert isinstance(found, dict)
        assert found[0x00200013] == b"7 "


@pytest.mark.parametrize("nested", [False, True], ids=["element", "in-sequence"])
@pytest.mark.parametrize("size", [4, 2 * FIRST_READ])
def test_a_big_endian_file_with_an_unknown_vr_of_undefined_length_is_read(size: int, *, nested: bool) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    target = BytesIO()
    dcmwrite(target, dataset, little_endian=False, implicit_vr=False, enforce_file_format=True)
    data = target.getvalue()
    inner = pack("<HHI", 0x0009, 0x1001, size) + bytes(size)  # PS3.5 6.2.2: Implicit VR Little Endian
    content = pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner + pack("<HHI", 0xFFFE, 0xE0DD, 0)
    added = pack(">HH2sHI", 0x0009, 0x1010, b"UN", 0, 0xFFFFFFFF) + content
    if nested:
        items = pack(">HHI", 0xFFFE, 0xE000, len(added)) + added + pack(">HHI", 0xFFFE, 0xE0DD, 0)
        added = pack(">HH2sHI", 0x0009, 0x1020, b"SQ", 0, 0xFFFFFFFF) + items
    at = data.index(pack(">HH2s", 0x0010, 0x0010, b"PN"))
    changed = data[:at] + pack(">HH2sH", 0x0009, 0x0010, b"LO", 4) + b"ACME" + added + data[at:]
    assert by_scanner(changed, WANTED) == by_scanner(data, WANTED) == by_pydicom(data, WANTED)


def test_a_length_beyond_the_end_of_the_file_is_called_so() -> None:
    data = synthetic.ct()[132:]  # without preamble, pydicom reads it
    at = data.index(b"\x10\x00\x20\x00LO")
    cut = data[:at] + pack("<HH2sHI", 0x0010, 0x0020, b"UT", 0, 1 << 30) + data[at:]
    with pytest.raises(HeaderError, match="a length of 1073741824 exceeds the file"):
        read_header(lambda at, size: cut[at : at + size], WANTED)
