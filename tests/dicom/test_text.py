"""Character sets: PS3.5 6.1 and 7.5.3, PS3.3 C.12.1.1.2."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_element, encode_string, python_encoding
from pydicom.dataelem import DataElement

from fileset.dicom.character_sets import CODECS, TEXT_VRS, decode, guess, is_known, needs_character_set, text_problem
from fileset.standard import tags
from tests.support import synthetic


@pytest.mark.parametrize("term", [term for term in CODECS if term])
def test_each_single_character_set_is_decoded_as_pydicom_does(term: str) -> None:
    sample = synthetic.NAMES.get(term, "Doe^Jane")
    encoded = sample.encode(python_encoding[term] if term in python_encoding else CODECS[term], "ignore")
    assert decode(encoded, term) == encoded.decode(CODECS[term])


@pytest.mark.parametrize(
    ("value", "character_set", "expected"),
    [
        (b"Doe^Jane", "", "Doe^Jane"),
        (b"Doe^Jane", "ISO_IR 999", "Doe^Jane"),
        (b"M\xfcller", "ISO_IR 100", "Müller"),
        (b"M\xfcller", " ISO_IR 100 ", "Müller"),
        (b"M\xc3\xbcller", "ISO_IR 192", "Müller"),
        (b"M\xfcller", "ISO_IR 192", "M\ufffdller"),
        (b"M\xfcller", "", "Müller"),
        (b"M\xc3\xbcller", "", "Müller"),
        (b"M\xc3\xbcller", "ISO_IR 6", "Müller"),
        (b"M\xfcller", "ISO 2022 IR 100", "Müller"),
        (b"M\xfcller", "ISO_IR 999", "Müller"),
        (b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎"),
        (b"Hong=\x1b$)C\xfb\xf3", "\\ISO 2022 IR 149", "Hong=洪"),
        (b"\x1b$)C\xb1\xe8=\xb1\xe8^\xb1\xe8", "\\ISO 2022 IR 149", "김=김^김"),
        (b"\x1b$B;3ED\x1b(J^A", "\\ISO 2022 IR 87", "山田^A"),
        (b"\x1b$B;", "\\ISO 2022 IR 87", None),
        (b"\x1b\xff\xfe", "\\ISO 2022 IR 87\\ISO 2022 IR 159", None),
    ],
)
def test_text_is_decoded_or_made_the_best_of(value: bytes, character_set: str, expected: str | None) -> None:
    found = decode(value, character_set, "PN" if value.startswith((b"Y", b"H")) else "LO")
    assert isinstance(found, str)
    assert expected in (None, found)


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        *product(sorted(TEXT_VRS), ["김=김", "김^김", "A=김^B=김"]),
        *product(("ST", "LT", "UT"), ["김\r\n김", "김\t김=김"]),
    ],
)
def test_delimiters_bring_the_first_set_back_where_pydicom_says_so(vr: str, text: str) -> None:
    """PS3.5 6.1.2.5.3. Not for a backslash: pydicom does not return to the first set there."""
    value = b"\x1b$)C" + text.encode("euc_kr")
    element = DataElement(tags.STUDY_DESCRIPTION, vr, value)
    decode_element(element, ["", "ISO 2022 IR 149"])
    assert decode(value, HANGUL, vr) == str(element.value)
    assert (decode(value, HANGUL, vr) == text) == (text_problem(value, HANGUL, vr) == "")


@given(
    st.binary(max_size=40),
    st.sampled_from([*CODECS, "\\ISO 2022 IR 87", "ISO 2022 IR 6\\ISO 2022 IR 58", "x\\y", "\\"]),
)
def test_any_bytes_in_any_character_set_are_text(value: bytes, character_set: str) -> None:
    assert isinstance(decode(value, character_set), str)


@given(st.text(max_size=20))
def test_a_guessed_character_set_decodes_the_text(text: str) -> None:
    assert decode(text.encode("utf-8"), guess(text.encode("utf-8"))) == text


def test_a_character_set_is_needed_beyond_ascii_and_for_escapes() -> None:
    assert not needs_character_set(b"Doe^Jane")
    assert needs_character_set(b"M\xfcller")
    assert needs_character_set(b"\x1b$B;3")


@pytest.mark.parametrize(
    ("character_set", "known"),
    [
        *((term, True) for term in CODECS),
        ("ISO 2022 IR 100", True),
        ("\\ISO 2022 IR 87", True),
        ("ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159", True),
        ("ISO_IR 999", False),
        ("ISO_IR 87", False),
        ("ISO_IR 149", False),
        ("\\ISO 2022 IR 999", False),
        ("latin1", False),
    ],
)
def test_defined_terms_are_known(character_set: str, known: object) -> None:
    assert is_known(character_set) is known


KANJI = "\\ISO 2022 IR 87"
HANGUL = "\\ISO 2022 IR 149"
KATAKANA = "ISO 2022 IR 13\\ISO 2022 IR 87"


@pytest.mark.parametrize(
    ("value", "character_set"),
    [
        (b"M\xfcller", "ISO_IR 100"),
        (b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ISO_IR 13"),
        (b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", KANJI),
        (b"A=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J ", KANJI),
        (b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J", KATAKANA),
        (b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", HANGUL),
        (b"Zhang=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "\\ISO 2022 IR 58"),
        (b"M\xfcller \x1b-F\xe4", "ISO 2022 IR 100\\ISO 2022 IR 126"),
        (b"M\xfcller", "ISO 2022 IR 100"),
        (b"\x1b$B;3ED\x1b(B", "ISO 2022 IR 87"),
    ],
)
def test_the_examples_of_the_standard_are_correct(value: bytes, character_set: str) -> None:
    assert text_problem(value, character_set, "PN") == ""


@pytest.mark.parametrize("value", [b"\x1b$)C\xb1\xe8=\xb1\xe8", b"\x1b$)C\xb1\xe8^\xb1\xe8"])
def test_only_in_names_a_caret_or_an_equals_sign_brings_the_initial_set_back(value: bytes) -> None:
    """PS3.5 6.1.2.5.3."""
    assert text_problem(value, HANGUL, "PN")
    assert text_problem(value, HANGUL, "LO") == text_problem(value, HANGUL, "LT") == ""


@pytest.mark.parametrize("value", [b"\x1b$)C\xb1\xe8\\\xb1\xe8", b"\x1b$)C\xb1\xe8\r\n\xb1\xe8"])
def test_a_further_value_or_line_begins_with_the_initial_set(value: bytes) -> None:
    assert text_problem(value, HANGUL, "LO")


@pytest.mark.parametrize(
    ("value", "character_set"),
    [
        (b"M\xfcller", KANJI),
        (b"M\xfcller", HANGUL),
        (b"\xb1\xe8", HANGUL),
        (b"\x1b$)C\xb1\xe8^\xb1\xe8", HANGUL),
        (b"\x1b$)C\xb1", HANGUL),
        (b"\x1b$)C\xb1\xe8", KANJI),
        (b"\x1b$B;3ED", KANJI),
        (b"\x1b$B;3E\x1b(B", KANJI),
        (b"\x1b$B ", KANJI),
        (b"A\x1bB", KANJI),
        (b"\x1b.A\xfc", "ISO 2022 IR 100\\ISO 2022 IR 126"),
        (b"\x1b-L\xe4", "ISO 2022 IR 100\\ISO 2022 IR 126"),
        (b"\x1b$B;3ED\x1b(B", "ISO_IR 100"),
        (b"\x1b$B;3ED\x1b(B", "ISO_IR 192"),
        (b"\x8eR\x93c", "ISO_IR 13"),
        (b"\x8eR\x93c", KATAKANA),
        (b"\xfc", "ISO 2022 IR 6\\ISO 2022 IR 100"),
    ],
)
def test_bytes_outside_the_declared_sets_are_a_fault(value: bytes, character_set: str) -> None:
    assert text_problem(value, character_set, "PN")


@pytest.mark.parametrize(
    ("character_set", "letters"),
    [
        (KANJI, "Aあア山田"),
        ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "A山丂"),
        (HANGUL, "A김洪"),
        ("ISO 2022 IR 100\\ISO 2022 IR 144", "AüЖ"),
    ],
)
@given(data=st.data())
def test_a_name_as_pydicom_encodes_it_has_no_fault(character_set: str, letters: str, data: st.DataObject) -> None:
    """Not for ISO 2022 IR 58: there pydicom 3.0 leaves the escape sequences out."""
    name = data.draw(st.text(st.sampled_from(letters), min_size=1, max_size=12))
    encoded = encode_string(name, convert_encodings(character_set.split("\\")))
    assert text_problem(encoded, character_set, "PN") == ""
