"""Naming schemes: unique, legal, stable names in linear time, whatever the sources are called."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from types import FrameType

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fileset.errors import RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.plan.names import RECORD_PREFIXES, RESERVED, SCHEMES, Place, names


def place(source: str = "", *, at: tuple[int, ...] = (0, 0, 0, 0), kind: str = "IMAGE", uid: str = "") -> Place:
    *path, instance = at
    return Place(tuple(path), instance, kind, uid or "1.2." + ".".join(map(str, at)), source)


def paths(scheme: str, places: Sequence[Place], *taken: str) -> list[str]:
    return [file_id.path for file_id in names(scheme, places, [FileId.from_path(path) for path in taken])]


LEVEL = st.integers(0, 12) | st.sampled_from([999_999, 1_000_000, 9_999_999])
COMPONENT = st.sampled_from(
    ["A", "a", "a.dcm", "B", "A1", "DICOMDIR", "COM", "long name 1", "long name 2", ".", "\u00e4"]
)
SOURCE = st.lists(COMPONENT, max_size=11).map("/".join) | st.text(max_size=20)
PLACE = st.builds(
    Place,
    path=st.lists(LEVEL, max_size=3).map(tuple),
    instance=st.integers(0, 12),
    record_type=st.sampled_from([*RECORD_PREFIXES, "UNKNOWN"]),
    sop_instance_uid=st.sampled_from(["1.2.3", "1.2.4", "", "1.2.3\ud800"])
    | st.text(alphabet="0123456789.", max_size=64),
    source=SOURCE,
)
TAKEN = st.sampled_from(
    [
        "A",
        "B/A",
        "A/A",
        "LONG_NAM",
        "PT000000",
        "DICOM",
        "DICOM/D0000000",
        "DICOM/D0000000/I0000001",
        "IM000000",
        "AB/C",
    ]
).map(FileId.from_path)
PLACES = st.lists(PLACE, max_size=12)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(places=PLACES, taken=st.sets(TAKEN))
def test_names_are_unique_conformant_and_free(scheme: str, places: list[Place], taken: Collection[FileId]) -> None:
    given_names = list(names(scheme, places, taken))
    assert len(given_names) == len(places)
    assert all(file_id.conformant for file_id in given_names)
    assert len({*given_names, *taken, DICOMDIR}) == len(places) + len(taken) + 1


@pytest.mark.parametrize("scheme", SCHEMES)
@given(places=PLACES, taken=TAKEN)
def test_no_file_has_the_name_of_a_folder(scheme: str, places: list[Place], taken: FileId) -> None:
    files = {taken.components, *(file_id.components for file_id in names(scheme, places, [taken]))}
    folders = {parts[:depth] for parts in files for depth in range(1, len(parts))}
    assert not files & folders


@pytest.mark.parametrize("scheme", SCHEMES)
@given(places=PLACES)
def test_the_same_places_get_the_same_names(scheme: str, places: list[Place]) -> None:
    assert list(names(scheme, places)) == list(names(scheme, iter(places)))


@pytest.mark.parametrize("scheme", SCHEMES)
@given(places=PLACES)
def test_no_component_is_dicomdir_or_a_device_of_windows(scheme: str, places: list[Place]) -> None:
    assert not RESERVED & {part for file_id in names(scheme, places) for part in file_id.components}


def test_an_unknown_scheme_is_a_rule_error_that_names_the_choices() -> None:
    with pytest.raises(RuleError, match="counter, flat, uid, keep"):
        names("date", [])


def calls(work: Callable[[], object]) -> int:
    """Count the function calls of `work`: a measure of steps that does not depend on the machine."""
    total = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal total
        total += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return total


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("source", ["IM-0001-0001.dcm", "{0}/IM", "IM-{0:07d}.dcm", "{0:09d}/a.dcm", ""])
def test_the_cost_is_linear_however_the_sources_are_named(scheme: str, source: str) -> None:
    def run(number: int) -> None:
        places = [place(source.format(n), at=(0, 0, 0, n)) for n in range(number)]
        assert len(set(names(scheme, places, [FileId("IM_00000")]))) == number

    assert calls(lambda: run(1000)) < 4.8 * calls(lambda: run(250))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_cost_is_linear_when_the_names_are_taken(scheme: str) -> None:
    def run(number: int) -> None:
        places = [place("A.dcm", at=(0, 0, 0, n)) for n in range(number)]
        first = list(names(scheme, places))
        assert not set(first) & set(names(scheme, places, first))

    assert calls(lambda: run(1000)) < 4.8 * calls(lambda: run(250))


# counter


@pytest.mark.parametrize(
    ("at", "kind", "path"),
    [
        ((0, 0, 0, 0), "IMAGE", "PT000000/ST000000/SE000000/IM000000"),
        ((1, 2, 3, 45), "SR DOCUMENT", "PT000001/ST000002/SE000003/SR000045"),
        ((0, 0, 0, 1), "NEW KIND", "PT000000/ST000000/SE000000/XX000001"),
        ((0, 0, 0, 999_999), "IMAGE", "PT000000/ST000000/SE000000/IM999999"),
        ((0, 0, 0, 1_000_000), "IMAGE", "PT000000/ST000000/SE000000/I1000000"),
        ((0, 0, 0, 98_765_432), "IMAGE", "PT000000/ST000000/SE000000/98765432"),
        ((7,), "HANGING PROTOCOL", "HP000007"),
        ((0, 0), "PRIVATE", "PT000000/PV000000"),
    ],
)
def test_counter_names_the_position_at_each_level(at: tuple[int, ...], kind: str, path: str) -> None:
    assert paths("counter", [place(at=at, kind=kind)]) == [path]


def test_each_record_type_has_a_unique_prefix() -> None:
    assert [prefix for prefix, number in Counter(RECORD_PREFIXES.values()).items() if number > 1] == []
    assert all(len(prefix) == 2 for prefix in RECORD_PREFIXES.values())


def test_counter_goes_on_after_names_that_are_taken() -> None:
    places = [place(at=(0, 0, 0, n)) for n in range(3)]
    taken = [f"PT000000/ST000000/SE000000/IM{n:06d}" for n in range(12)]
    assert paths("counter", places, *taken) == [f"PT000000/ST000000/SE000000/IM0000{n}" for n in (12, 13, 14)]


def test_a_folder_makes_way_for_a_file_that_is_taken_in_any_case() -> None:
    taken = FileId.tolerant("pt000000")
    assert [str(file_id) for file_id in names("counter", [place()], [taken])] == ["PT000001/ST000000/SE000000/IM000000"]


# flat


def test_flat_numbers_the_whole_file_set_a_thousand_in_a_folder() -> None:
    given_names = paths("flat", [place(at=(n % 7, 0, 0, n)) for n in range(2001)])
    assert [given_names[n] for n in (0, 999, 1000, 2000)] == [
        "DICOM/D0000000/I0000000",
        "DICOM/D0000000/I0000999",
        "DICOM/D0000001/I0001000",
        "DICOM/D0000002/I0002000",
    ]


def test_flat_passes_over_numbers_that_are_taken() -> None:
    assert paths("flat", [place(), place()], "DICOM/D0000000/I0000000") == [
        "DICOM/D0000000/I0000001",
        "DICOM/D0000000/I0000002",
    ]


# uid


def test_uid_names_depend_only_on_the_uid() -> None:
    uids = [f"1.2.840.{n}" for n in range(50)]
    places = [place(uid=uid) for uid in uids]
    assert dict(zip(uids, paths("uid", places), strict=True)) == dict(
        zip(reversed(uids), paths("uid", places[::-1]), strict=True)
    )
    assert paths("uid", [place(uid="1.2.840.10008.1")]) == ["DICOM/Q6/PUF3EURE"]


def test_uid_gives_the_next_hash_when_the_first_is_taken() -> None:
    [first] = paths("uid", [place(uid="1.2.3")])
    [second] = paths("uid", [place(uid="1.2.3")], first)
    assert paths("uid", [place(uid="1.2.3")] * 2) == [first, second]


def test_uid_spreads_the_files_over_folders() -> None:
    folders = Counter(path.rpartition("/")[0] for path in paths("uid", [place(uid=f"1.{n}") for n in range(5000)]))
    assert max(folders.values()) < 30


# keep


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("DICOM/IM000001", "DICOM/IM000001"),
        ("dicom/im000001", "DICOM/IM000001"),
        ("image.dcm", "IMAGE"),
        ("IMAGE.DCM;1", "IMAGE"),
        ("IMAGE.;1", "IMAGE"),
        ("IMAGE.", "IMAGE"),
        ("a.b.dcm", "A_B"),
        ("CT head, 3 mm/slice-01.ima", "CT_HEAD_/SLICE_01"),
        ("\u56fe\u50cf/\u00e41", "__/_1"),
        ("../..", "_/_"),
        (".dcm", "_"),
        ("A//B", "A/B"),
        ("1/2/3/4/5/6/7/8/9/10", "3/4/5/6/7/8/9/10"),
        ("DICOMDIR", "DICOMDI_"),
        ("aux.dcm", "AUX_"),
        ("", "PT000000/ST000000/SE000000/IM000000"),
    ],
)
def test_keep_gives_the_nearest_legal_name(source: str, path: str) -> None:
    assert paths("keep", [place(source)]) == [path]


def test_keep_does_not_change_a_legal_name_whatever_comes_before_it() -> None:
    assert paths("keep", [place("image.dcm"), place("Image"), place("IMAGE")]) == ["IMAGE0", "IMAGE1", "IMAGE"]


def test_keep_keeps_folders_apart_and_each_together() -> None:
    sources = ["Study one/1", "STUDY_ON/1", "Study one/2", "Study only/1", "STUDY_ON/2"]
    assert paths("keep", [place(source) for source in sources]) == [
        "STUDY_O0/1",
        "STUDY_ON/1",
        "STUDY_O0/2",
        "STUDY_O1/1",
        "STUDY_ON/2",
    ]


def test_keep_uses_an_existing_folder() -> None:
    assert paths("keep", [place("A/B"), place("A/C")], "A/B") == ["A/B0", "A/C"]


def test_keep_renames_a_file_that_has_the_name_of_a_folder() -> None:
    assert paths("keep", [place("A.dcm"), place("A/B")]) == ["A0", "A/B"]


def test_keep_numbers_never_make_a_reserved_name() -> None:
    assert paths("keep", [place("COM")] * 3) == ["COM", "COM00", "COM01"]


def test_a_folder_that_is_full_is_a_rule_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileset.plan.names.MAX_LENGTH", 1)
    with pytest.raises(RuleError, match="more folders"):
        list(names("keep", [evolve(place("A"), instance=n) for n in range(12)]))
