"""The Reader as a library: its results, its findings and its errors."""

from __future__ import annotations

import itertools
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from fileset import Creator, FileId, FormatError, MediumError, Reader, RuleError
from tests.hostile.test_linear import linked
from tests.support import synthetic
from tests.support.directories import FILE_SET_UID, Rec, directory, image, patient, series, study, text, usual


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two studies of one series of three instances each; one of the files is no DICOM file."""
    root = tmp_path_factory.mktemp("set")
    roots = usual()
    for record in (record for patient_ in roots for record in patient_.walk() if record.type == "IMAGE"):
        path = root.joinpath(*record.keys[0x00041500][1].decode().split("\\"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(synthetic.ct())
    roots[1].lower[1].lower[0].keys[0x00080060] = text("MR", "CS")
    roots[1].keys[0x00100010] = text("Roe^Richard", "PN")
    roots[1].lower[1].keys[0x00080020] = text("20250131", "DA")
    for number, record in enumerate(roots[0].lower[0].lower[0].lower, start=8):
        record.keys[0x00200013] = text(f"{number}", "IS")
    (root / "P2" / "T2" / "IM3").write_bytes(b"no DICOM file")
    (root / "P2" / "T2" / "IM2").unlink()
    top = {0x00041141: text("README", "CS")}
    (root / "DICOMDIR").write_bytes(directory(roots, top=top))
    return root


@pytest.fixture
def reader(folder: Path) -> Iterator[Reader]:
    with Reader(folder) as opened:
        yield opened


def test_the_file_set_is_identified(reader: Reader) -> None:
    assert reader.file_set_id == "TEST"
    assert reader.file_set_uid == FILE_SET_UID
    assert reader.descriptor_file_id == FileId("README")
    assert len(reader) == 22
    assert not reader.findings


def test_a_hostile_descriptor_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(directory([], top={0x00041141: text(r"..\README", "CS")}))
    with Reader(tmp_path) as reader:
        assert reader.descriptor_file_id is None
        assert list(reader.instances) == []


def test_levels_are_walked_from_the_top_and_from_below(reader: Reader) -> None:
    roots = list(reader.roots)
    assert [record.record_type for record in roots] == ["PATIENT", "PATIENT"]
    [series_] = [record for record in reader.series if record["SeriesInstanceUID"] == "1.2.1.1"]
    assert [record["InstanceNumber"] for record in series_.children] == [1, 1, 1]
    first = next(series_.children)
    assert first.parent == first.series == series_
    assert first.study == series_.parent
    assert first.patient == roots[1]
    assert roots[1].parent is None
    assert roots[1].study is None
    assert [len(list(each)) for each in (reader.patients, reader.studies, reader.series, reader.instances)] == [
        2,
        4,
        4,
        12,
    ]
    assert [record.record_type for record in itertools.islice(reader.records, 4)] == [
        *("PATIENT", "STUDY", "SERIES", "IMAGE"),
    ]


def test_the_level_image_means_all_instances_as_in_a_table(reader: Reader) -> None:
    assert list(reader.find("IMAGE")) == list(reader.instances)
    assert len(list(reader.find("IMAGE", PatientID="*"))) == len(reader.table("IMAGE", PatientID="*"))


def test_a_record_is_a_value(reader: Reader, folder: Path) -> None:
    one, same, other = next(reader.instances), next(reader.instances), list(reader.instances)[1]
    assert one == same
    assert len({one, same, other}) == 2
    text: object = "IMAGE"
    assert one != text
    assert repr(one).startswith(f"<IMAGE record at offset {one.offset}")
    with Reader(folder) as again:
        assert next(again.instances) != one


def test_keys_are_decoded_when_asked_for(reader: Reader) -> None:
    first = next(reader.patients)
    assert first["PatientID"] == first.get("PatientID") == "P1"
    assert first.keys() == {"PatientName": "Doe^Jane", "PatientID": "P1"}
    assert first.get("PatientSex") is None
    assert first.get("PatientSex", "O") == "O"
    with pytest.raises(KeyError, match="PatientSex"):
        first["PatientSex"]
    with pytest.raises(KeyError, match=r"PatientID is not in the IMAGE record: it is a key of record\.patient"):
        next(reader.instances)["PatientID"]
    with pytest.raises(RuleError, match="PatientIdentity"):
        first["PatientIdentity"]


def test_the_file_reference_is_reported(reader: Reader) -> None:
    first = next(reader.instances)
    assert first.file_id == FileId(r"P1\T1\IM1")
    assert first.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert first.sop_instance_uid == "1.1.1.1.1"
    assert first.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert first.inquire().size == len(synthetic.ct())
    assert first.dataset().PatientID == "P1"
    with first.open() as file:
        assert file.read() == synthetic.ct()


def test_a_file_that_cannot_be_opened_is_an_error_of_that_instance(reader: Reader) -> None:
    *_, missing, broken = reader.instances
    with pytest.raises(MediumError, match="P2/T2/IM2"):
        missing.dataset()
    with pytest.raises(FormatError, match="P2/T2/IM3"):
        broken.dataset()
    with pytest.raises(FormatError, match="references no file"):
        next(reader.patients).open()


FOUND: Final[list[tuple[dict[str, Any], int]]] = [
    ({}, 12),
    ({"PatientID": "P1"}, 6),
    ({"PatientID": "P*"}, 12),
    ({"PatientID": "?1"}, 6),
    ({"PatientID": "p1"}, 0),
    ({"PatientID": ""}, 12),
    ({"PatientID": ["P1", "P2"]}, 12),
    ({"PatientID": ["P1", "P3"]}, 6),
    ({"PatientName": "doe^jane"}, 6),
    ({"PatientName": "ROE*"}, 6),
    ({"PatientName": "Doe^Jane^^"}, 6),
    ({"StudyDate": "20240101"}, 9),
    ({"StudyDate": "20240101-20241231"}, 9),
    ({"StudyDate": "2025-"}, 3),
    ({"StudyDate": "-2024"}, 9),
    ({"Modality": "MR"}, 3),
    ({"Modality": "MR", "PatientID": "P1"}, 0),
    ({"InstanceNumber": 9}, 1),
    ({"InstanceNumber": "09"}, 1),
    ({"SOPInstanceUID": "1.1.1.1.1"}, 1),
    ({"SOPInstanceUID": "1.1.1.1.1|1.2.2.1.3"}, 2),
    ({"SOPInstanceUID": r"1.1.1.1.1\1.2.2.1.3"}, 2),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, 12),
    ({"TransferSyntaxUID": "1.2.840.10008.1.2"}, 0),
    ({"PatientSex": "F"}, 0),
    ({"PatientSex": "*"}, 12),
    ({"00100020": "P1"}, 6),
    ({"00100020": "p1"}, 0),
]


@pytest.mark.parametrize(("keys", "count"), FOUND)
def test_instances_are_found_by_the_keys_of_any_level(keys: dict[str, Any], count: int, reader: Reader) -> None:
    found = list(reader.find(**keys))
    assert len(found) == count
    assert {record.record_type for record in found} <= {"IMAGE"}


def test_records_of_a_level_are_found_by_keys_above_and_at_it(reader: Reader) -> None:
    def count(level: str, **keys: Any) -> int:
        return len(list(reader.find(level, **keys)))

    assert count("STUDY", PatientID="P1") == 2
    assert count("SERIES", PatientID="P2", Modality="MR") == 1
    assert count("PATIENT", PatientName="Roe*") == 1
    assert count("PATIENT", Modality="MR") == 1
    assert {record.record_type for record in reader.find("SERIES")} == {"SERIES"}


def test_an_unknown_name_is_a_wrong_request(reader: Reader) -> None:
    with pytest.raises(RuleError, match="PatientIdentity"):
        reader.find(PatientIdentity="P1")


def test_paths_are_the_file_ids_of_the_records(reader: Reader) -> None:
    assert list(reader.paths()) == [str(record.file_id) for record in reader.instances]


# --- opening a medium -----------------------------------------------------------------------------------------------


def test_the_dicomdir_itself_may_be_named(folder: Path) -> None:
    with Reader(folder / "DICOMDIR") as reader:
        assert len(list(reader.instances)) == 12


def test_records_are_built_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(linked(100_000, lambda at: at + 1 if at + 1 < 100_000 else -1))
    with Reader(tmp_path) as reader:
        next(iter(reader.records))
        tracemalloc.start()
        try:
            seen = sum(1 for record in itertools.islice(reader.records, 20_000) if record.offset)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert seen == 20_000
    assert most < 100_000  # bytes: five for each record


def test_a_missing_file_is_an_error_of_the_medium(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="NOWHERE"):
        Reader(tmp_path / "NOWHERE")


def test_a_folder_without_a_dicomdir_is_no_file_set(tmp_path: Path) -> None:
    (tmp_path / "A" / "B").mkdir(parents=True)
    with pytest.raises(FormatError, match="no DICOMDIR"):
        Reader(tmp_path)


def test_a_folder_called_dicomdir_is_not_a_dicomdir(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").mkdir()
    with pytest.raises((FormatError, MediumError)):
        Reader(tmp_path)


def test_a_dicomdir_larger_than_offsets_can_count_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "DICOMDIR").open("wb") as file:
        file.write(directory(usual()))
        try:
            os.truncate(file.fileno(), 5 << 30)
        except OSError:
            pytest.skip("no sparse file of 5 GiB here")
    with pytest.raises(FormatError, match="too large"):
        Reader(tmp_path)


def test_a_link_out_of_the_file_set_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "BAIT").write_bytes(synthetic.ct())
    root = tmp_path / "SET"
    (root / "IN").mkdir(parents=True)
    (root / "OUT").symlink_to(tmp_path)
    (root / "BAIT").symlink_to("../BAIT")
    (root / "IN" / "REAL").write_bytes(synthetic.ct(number=2))
    (root / "LINK").symlink_to("IN/REAL")
    names = [r"OUT\BAIT", "BAIT", "LINK"]
    records: list[Rec] = [image(name, f"1.1.1.{number}") for number, name in enumerate(names)]
    (root / "DICOMDIR").write_bytes(directory([patient("P1", study("1.1", series("1.1.1", *records)))]))
    with Reader(root) as reader:
        outside, other, inside = reader.instances
        for record in (outside, other):
            with pytest.raises(FormatError, match="link"):
                record.open()
        assert inside.dataset().InstanceNumber == 2


@pytest.mark.parametrize("format_", ["iso", "zip"])
def test_a_record_of_a_closed_image_says_so_and_does_not_call_its_file_missing(
    folder: Path, tmp_path: Path, format_: str
) -> None:
    with Creator(tmp_path / f"disc.{format_}") as creator:
        creator.add(folder)
    with Reader(tmp_path / f"disc.{format_}") as image:
        record = next(image.instances)
    with pytest.raises(RuleError, match=rf"disc\.{format_}: is closed\. Read its files before that"):
        record.dataset()
    assert image.findings == []
