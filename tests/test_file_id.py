"""File IDs: PS3.10 8.2 and 8.5, strict when made, tolerant when read, never hostile."""

from __future__ import annotations

import copy
import pickle
import re
import tracemalloc
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from fileset.errors import FilesetError, FormatError, RuleError
from fileset.file_id import DICOMDIR, FileId

COMPONENT = st.from_regex(r"[A-Z0-9_]{1,8}", fullmatch=True)
COMPONENTS = st.lists(COMPONENT, min_size=1, max_size=8)
NEAR_MISS = st.text(alphabet="AZ09_az.-\\/;: \0\n\u00c4", max_size=30)
NASTY = st.text(alphabet=st.sampled_from("AbZ9_./\\: \0\n\x7f\x85\u00e4\u56fe\ud800\udc80"), max_size=40)

LEGAL = ["A", "DICOMDIR", "DICOM\\IM000001", "_", "0", "A\\B\\C\\D\\E\\F\\G\\H", "ABCDEFGH\\12345678"]
ILLEGAL = {
    "": "''",
    "dicom": "'dicom'",
    "ABCDEFGHI": "'ABCDEFGHI'",
    "A.DCM": "'A.DCM'",
    "A B": "'A B'",
    "A ": "'A '",
    "A/B": "'A/B'",
    "A\\": "''",
    "\\A": "''",
    "A\\\\B": "''",
    "A\\..": "'..'",
    "A\n": "'A\\n'",
    "\u0391": "'\u0391'",
    "\u0661": "'\u0661'",
    "A\\B\\C\\D\\E\\F\\G\\H\\I": "9 components",
}


@pytest.mark.parametrize("value", LEGAL)
def test_one_to_eight_components_of_one_to_eight_characters_are_a_file_id(value: str) -> None:
    file_id = FileId(value)
    assert file_id.value == value
    assert file_id.conformant


@pytest.mark.parametrize(("value", "fault"), ILLEGAL.items())
def test_anything_else_is_a_rule_error_that_names_value_fault_and_section(value: str, fault: str) -> None:
    with pytest.raises(RuleError, match=r"PS3\.10 8\.2, 8\.5") as caught:
        FileId(value)
    assert repr(value) in str(caught.value)
    assert fault in str(caught.value).removeprefix(repr(value) if "\\" in value else "")


@given(COMPONENTS)
def test_components_path_and_name_are_views_of_one_value(components: list[str]) -> None:
    file_id = FileId.of(*components)
    assert file_id.components == tuple(components)
    assert file_id.path == str(file_id) == "/".join(components)
    assert file_id.name == components[-1]
    assert FileId(file_id.value) == FileId.from_path(file_id.path) == FileId.tolerant(file_id.value) == file_id


@given(NEAR_MISS)
def test_construction_is_exactly_the_rule(value: str) -> None:
    components = value.split("\\")
    legal = len(components) <= 8 and all(re.fullmatch(r"[A-Z0-9_]{1,8}", part) for part in components)
    if legal:
        assert FileId(value).conformant
    else:
        with pytest.raises(RuleError):
            FileId(value)


@pytest.mark.parametrize("components", [(), ("",), ("A\\B",), ("A", "B\\C"), ("A", ""), ("A", "..")])
def test_of_takes_components_not_paths(components: tuple[str, ...]) -> None:
    with pytest.raises(RuleError):
        FileId.of(*components)


@pytest.mark.parametrize("path", ["", "/A", "A/", "A//B", "./A", "../A", "A/../B", "A\\B", "a/b", "C:/A"])
def test_from_path_takes_only_relative_conformant_paths(path: str) -> None:
    with pytest.raises(RuleError):
        FileId.from_path(path)


@pytest.mark.parametrize("path", ["A/B", PurePosixPath("A/B"), PureWindowsPath("A\\B")])
def test_from_path_takes_text_and_paths_of_every_system(path: str | PurePosixPath | PureWindowsPath) -> None:
    assert FileId.from_path(path) == FileId("A\\B")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("DICOM\\IM000001 ", "DICOM/IM000001"),
        ("DICOM\\IM000001\0", "DICOM/IM000001"),
        (" DICOM \\ IM1 ", "DICOM/IM1"),
        ("dicom\\image-1.dcm", "dicom/image-1.dcm"),
        ("dicom/image.dcm", "dicom/image.dcm"),
        ("\\DICOM\\IM1", "DICOM/IM1"),
        ("/DICOM/IM1", "DICOM/IM1"),
        ("A\\B\\C\\D\\E\\F\\G\\H\\I", "A/B/C/D/E/F/G/H/I"),
        ("Bilder Kopf;1", "Bilder Kopf;1"),
        ("\u00c4RZTE\\\u56fe\u50cf", "\u00c4RZTE/\u56fe\u50cf"),
        ("...A", "...A"),
        ("A..", "A.."),
        ("\udcc4", "\udcc4"),
        ("A" * 255, "A" * 255),
        ("\\".join("A" * 64), "/".join("A" * 64)),
    ],
)
def test_tolerant_reads_the_file_ids_of_real_discs(value: str, path: str) -> None:
    assert FileId.tolerant(value).path == path


@pytest.mark.parametrize(
    "value",
    [
        *["", " ", "\0", "\\", "/", "\\\\", "//server/share", "\\\\server\\share", "A\\\\B", "A\\ \\B"],
        *["..", "\\..", "A\\..", "..\\A", "A/../B", " .. ", "A\\..\0", ".", "A\\.", "...", ". .", ".. ."],
        *["C:\\A", "C:", "A:stream", "A\0B", "A\nB", "A\x1b[2J", "A\x7f", "A\x85", "\ud800"],
        *["A" * 256, "\\".join("A" * 65), "\\".join("A" * 100_000)],
    ],
)
def test_tolerant_refuses_names_that_lead_out_or_do_harm(value: str) -> None:
    with pytest.raises(FormatError, match=r"PS3\.10 8\.2") as caught:
        FileId.tolerant(value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2000


@given(NASTY | st.text())
def test_tolerance_never_yields_an_escaping_path(value: str) -> None:
    try:
        file_id = FileId.tolerant(value)
    except FilesetError:
        return
    posix, windows = PurePosixPath(file_id.path), PureWindowsPath(file_id.path)
    assert not posix.is_absolute()
    assert not windows.anchor
    assert posix.parts == windows.parts == file_id.components
    assert not {"..", ".", ""} & set(file_id.components)
    assert FileId.tolerant(file_id.value) == file_id


@given(COMPONENTS, COMPONENTS)
def test_file_ids_are_values(one: list[str], two: list[str]) -> None:
    first, second = FileId.of(*one), FileId.of(*two)
    assert (first == second) == (one == two)
    assert (first < second) == (first.value < second.value)
    assert len({first, FileId.of(*one)}) == 1
    assert pickle.loads(pickle.dumps(first)) == copy.deepcopy(first) == first


def test_a_file_id_read_tolerantly_is_marked_and_survives_pickling() -> None:
    file_id = FileId.tolerant("dicom/a.dcm")
    assert not file_id.conformant
    assert pickle.loads(pickle.dumps(file_id)) == file_id


def test_a_file_id_cannot_change() -> None:
    with pytest.raises(FrozenInstanceError):
        DICOMDIR.value = "OTHER"  # type: ignore[misc]


def test_the_reserved_file_id_is_one_component() -> None:
    assert DICOMDIR.components == ("DICOMDIR",)


def test_a_file_id_costs_little_more_than_its_text() -> None:
    values = [f"DICOM\\IM{number:06d}" for number in range(10_000)]
    tracemalloc.start()
    file_ids = [FileId(value) for value in values]
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used / len(file_ids) < 64


@pytest.mark.parametrize("value", [".\\A\\B", "A\\B\\", "A/B", "\\A\\B", ".\\.\\A\\B", "./A/B/"])
def test_tolerant_normalises_harmless_spellings(value: str) -> None:
    assert FileId.tolerant(value) == FileId("A\\B")
