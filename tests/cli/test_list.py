"""`fileset list` and `fileset info`: for people on a terminal, for pipes, and for programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pydicom.data
import pytest

import fileset
from fileset.cli.tree_view import Branch, plain_lines
from fileset.dicom.elements import Element
from fileset.dicomdir.read.raw import FlatDirectory
from tests.support import synthetic
from tests.support.command import ANSI, Runs, damage, environment, on_terminal

SHIPPED = Path(pydicom.data.__file__).parent / "test_files"

TREE = """\
File-set TWELVE  {disc}  2 patients, 4 studies, 4 series, 12 IMAGE
├── Doe^Jane  P1  1970-01-01  O
│   ├── 2024-01-02  10:11  Study 1  study S1  accession A11
│   │   └── CT 1  3 IMAGE
│   └── 2024-01-03  10:11  Study 2  study S2  accession A12
│       └── CT 1  3 IMAGE
└── Doe^Jane  P2  1970-01-01  O
    ├── 2024-01-02  10:11  Study 1  study S1  accession A21
    │   └── CT 1  3 IMAGE
    └── 2024-01-03  10:11  Study 2  study S2  accession A22
        └── CT 1  3 IMAGE
"""


def test_the_tree_shows_each_level_and_counts(run: Runs, indexed: Path) -> None:
    assert run("list", indexed).stdout == TREE.format(disc=indexed)


def test_the_tree_holds_only_matching_instances(run: Runs, indexed: Path) -> None:
    assert run("list", indexed, "PatientID=P2", "StudyDate=20240103", "InstanceNumber=2").stdout == (
        f"File-set TWELVE  {indexed}  1 patient, 1 study, 1 series, 1 IMAGE\n"
        "└── Doe^Jane  P2  1970-01-01  O\n"
        "    └── 2024-01-03  10:11  Study 2  study S2  accession A22\n"
        "        └── CT 1  1 IMAGE\n"
    )


def test_nothing_matches_is_an_empty_answer(run: Runs, indexed: Path) -> None:
    keys = ("PatientID=NOBODY", "Modality=CT")
    answers = {"-v": f"File-set TWELVE  {indexed}\n", "--paths": "", "--jsonl": ""}
    for option, answer in answers.items():
        done = run("list", indexed, *keys, option)
        assert (done.stdout, done.stderr) == (answer, "nothing matches PatientID=NOBODY, Modality=CT\n")
    assert run("list", indexed, *keys, "--json").document["instances"] == []


def test_an_expected_empty_answer_gets_no_message(run: Runs, indexed: Path, tmp_path: Path) -> None:
    fileset.index(tmp_path)
    for arguments in (
        (tmp_path, "PatientID=P1"),
        (tmp_path,),
        (indexed, "PatientID=P1"),
        (indexed, "-q", "PatientID=X"),
    ):
        for form in ((), ("--paths",), ("--json",)):
            assert run("list", *arguments, *form).stderr == ""


LACKING = "no record has PatientWeight (0010,1030). Only keys in the DICOMDIR can be matched; `fileset list --json` shows them"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("list",), 0),
        (("list", "--json"), 0),
        (("extract", "-o", "COPIES"), 3),
        (("extract", "-o", "COPIES", "--scan"), 3),
        (("remove",), 3),
        (("refresh",), 3),
    ],
)
def test_a_key_that_no_record_has_is_named(
    arguments: tuple[str, ...], code: int, run: Runs, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(disc.parent)
    verb, *options = arguments
    unmatched = "nothing matches PatientID=P1, PatientWeight=3"
    done = run(verb, disc, *options, "PatientID=P1", "PatientWeight=3", code=code)
    lines = done.stderr.splitlines()
    assert lines[lines.index(unmatched) + 1] == LACKING
    assert LACKING not in run(verb, disc, *options, "PatientID=P1", "PatientWeight=3", "-q", code=code).stderr


def test_verbose_shows_every_instance(run: Runs, indexed: Path) -> None:
    assert run("list", indexed, "-v", "PatientID=P2", "StudyDate=20240103").stdout.endswith(
        "        └── CT 1  3 IMAGE\n"
        "            ├── IMAGE 1  P002/T002/S001/I000001\n"
        "            ├── IMAGE 2  P002/T002/S001/I000002\n"
        "            └── IMAGE 3  P002/T002/S001/I000003\n"
    )


def test_records_beside_patients_are_counted(run: Runs, tmp_path: Path) -> None:
    synthetic.write_every_sop_class(tmp_path / "IN")
    run("create", tmp_path / "IN", "-o", tmp_path / "OUT", code=3)  # some retired classes have no record type
    top = run("list", tmp_path / "OUT").stdout.splitlines()[0]
    listed = run("list", tmp_path / "OUT", "--json").document["instances"]
    for kind in {row["record_type"] for row in listed}:
        number = sum(1 for row in listed if row["record_type"] == kind)
        assert re.search(rf"[, ]{number} {kind}(,|$)", top)


def test_paths_are_the_paths_of_the_library(run: Runs, indexed: Path) -> None:
    lines = run("list", indexed, "--paths").stdout.splitlines()
    assert lines[0] == "P001/T001/S001/I000001"
    assert len(lines) == 12
    assert run("list", indexed, "--paths", "PatientID=*").stdout.splitlines() == lines
    assert run("list", indexed, "--paths", "PatientID=P2").stdout.splitlines() == lines[6:]


def test_json_has_every_key_of_every_level(run: Runs, indexed: Path) -> None:
    document = run("list", indexed, "--json", "PatientID=P2").document
    assert list(document) == ["schema", "file_set", "instances", "findings"]
    assert document["file_set"] == {"id": "TWELVE", "uid": "2.25.12", "path": str(indexed)}
    with fileset.Reader(indexed) as reader:
        records = list(reader.find(PatientID="P2"))
        assert len(records) == len(document["instances"]) == 6
        for row, record in zip(document["instances"], records, strict=True):
            assert row["keys"] == record.keys()
            for level in ("patient", "study", "series"):
                assert row[level] == getattr(record, level).keys()
            assert row["file_id"] == str(record.file_id)


def test_json_lines_are_the_instances_of_the_document(run: Runs, indexed: Path) -> None:
    rows = [json.loads(line) for line in run("list", indexed, "--jsonl").stdout.splitlines()]
    assert rows == run("list", indexed, "--json").document["instances"]


def test_an_instance_without_a_patient_has_empty_levels(run: Runs, tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.HANGING_PROTOCOL), tmp_path / "IN" / "HP1")
    run("create", tmp_path / "IN", "-o", tmp_path / "OUT")
    [row] = run("list", tmp_path / "OUT", "--json").document["instances"]
    assert (row["patient"], row["study"], row["series"]) == ({}, {}, {})


def test_sequences_and_other_alphabets_survive_json(run: Runs, tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.KEY_OBJECT, charset="ISO_IR 192")
    synthetic.write(dataset, tmp_path / "IN" / "KO1")
    run("create", tmp_path / "IN", "-o", tmp_path / "OUT")
    [row] = run("list", tmp_path / "OUT", "--json").document["instances"]
    assert row["patient"]["PatientName"] == synthetic.NAMES["ISO_IR 192"]
    assert row["keys"]["ConceptNameCodeSequence"][0]["CodeValue"]


def test_no_value_steers_the_terminal(run: Runs, disc: Path) -> None:
    damage(disc, b"Doe^Jane", b"\x1b[2JEvil")
    for option in ("-v", "--json", "--jsonl", "--paths"):
        done = run("list", disc, option)
        assert "\x1b" not in done.stdout + done.stderr
    assert "\\x1b[2JEvil" in run("list", disc).stdout


def test_hostile_file_ids_are_reported_and_not_listed(run: Runs, disc: Path) -> None:
    damage(disc, rb"P002\T002\S001\I000003", rb"..\..\..\..\etc\passwd")
    for option in ("--paths", "--jsonl", "-v"):
        done = run("list", disc, option, code=3)
        assert "passwd" not in done.stdout
        assert "FS-FILE-ID-HOSTILE" in done.stderr
    document = run("list", disc, "--json", code=3).document
    assert document["instances"][-1]["file_id"] is None
    assert [row["rule"] for row in document["findings"]] == ["FS-FILE-ID-HOSTILE", "FS-FILE-UNLISTED"]


@pytest.mark.parametrize(
    ("name", "told", "code"),
    [
        ("DICOMDIR-implicit", "1 finding:", 0),
        ("DICOMDIR-nooffset", "3 findings:", 3),
        ("DICOMDIR-nopatient", "2 findings:", 3),
    ],
)
def test_damage_is_reported_and_only_loss_is_in_the_exit_code(
    name: str, told: str, code: int, run: Runs, tmp_path: Path
) -> None:
    with fileset.Reader(SHIPPED / "dicomdirtests" / name) as reader:
        for path in reader.paths():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SHIPPED / "dicomdirtests" / path, tmp_path / path)
    medium = Path(shutil.copy(SHIPPED / "dicomdirtests" / name, tmp_path))
    done = run("list", medium, code=code)
    assert "31 IMAGE" in done.stdout.splitlines()[0]
    assert done.stderr.startswith(f"{told}\n  DICOMDIR")
    document = run("list", medium, "--json", code=code)
    assert len(document.document["findings"]) == int(told.split(maxsplit=1)[0])
    assert document.stderr == ""
    assert run("info", medium, "--json", code=code).document["findings"] == document.document["findings"]


READS: Final = (
    *(
        ("list", *form)
        for form in ([], ["--csv"], ["--json"], ["--jsonl"], ["--paths"], ["--file-ids"], ["--dicom-json"])
    ),
    *(("list", "--level", "STUDY", *form) for form in ([], ["--csv", "-q"])),
    *(("info",), ("info", "--json"), ("extract", "-o", "OUT"), ("extract", "--keep-structure", "-o", "OUT")),
)
UID_HEADER: Final = b"\x04\x00\x11\x15UI"
"""The header of Referenced SOP Instance UID in File."""


@pytest.mark.parametrize("verb", READS, ids=" ".join)
@pytest.mark.parametrize(
    ("right", "header", "rule", "message"),
    [
        (
            UID_HEADER,
            b"\x02\x03\x11\x15UI",
            "FS-RECORD-REFERENCE",
            "the file reference lacks ReferencedSOPInstanceUIDInFile",
        ),
        (UID_HEADER, b"\x04\x00\x11\x15\xaa\xaa", "FS-RECORD-MALFORMED", "is not a VR"),
        (b"\x20\x00\x13\x00IS", b"\x02\x00\xaa\x00IS", "FS-ELEMENT-ORDER", "(0002,00AA) comes after "),
    ],
)
def test_every_verb_and_form_names_a_damaged_record(
    right: bytes, header: bytes, rule: str, message: str, verb: tuple[str, ...], run: Runs, disc: Path, tmp_path: Path
) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    at = data.rindex(right)  # of the last record: those before it are similar
    (disc / "DICOMDIR").write_bytes(data[:at] + header + data[at + len(header) :])
    done = run(verb[0], disc, *(str(tmp_path / word) if word == "OUT" else word for word in verb[1:]), code=3)
    if "--json" in verb:
        assert any(row["rule"] == rule and message in row["message"] for row in done.document["findings"])
    else:
        assert message in done.stderr


@pytest.mark.parametrize("blank", [b"\0", b" "])
@pytest.mark.parametrize("verb", READS, ids=" ".join)
def test_every_verb_and_form_names_a_record_with_a_blank_uid(
    verb: tuple[str, ...], blank: bytes, run: Runs, disc: Path, tmp_path: Path
) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    at = data.rindex(UID_HEADER) + len(UID_HEADER) + 2
    length = int.from_bytes(data[at - 2 : at], "little")
    (disc / "DICOMDIR").write_bytes(data[:at] + length * blank + data[at + length :])
    done = run(verb[0], disc, *(str(tmp_path / word) if word == "OUT" else word for word in verb[1:]), code=3)
    assert re.search("0004,?1511", done.stdout if "--json" in verb else done.stderr)


@pytest.mark.parametrize(
    "verb",
    [("list",), ("list", "--paths"), ("list", "--csv"), ("list", "--json"), ("info",), ("extract", "-o", "OUT")],
    ids=" ".join,
)
def test_records_without_the_transfer_syntax_lose_nothing(
    verb: tuple[str, ...], run: Runs, disc: Path, tmp_path: Path
) -> None:
    dicomdir = disc / "DICOMDIR"
    dicomdir.write_bytes(dicomdir.read_bytes().replace(b"\x04\0\x12\x15UI", b"\x04\0\x13\x15UI"))
    run(verb[0], disc, *(str(tmp_path / word) if word == "OUT" else word for word in verb[1:]))
    assert run("check", disc, code=1).stdout.count("FS-RECORD-REFERENCE") == 1


def test_similar_records_are_not_parsed(monkeypatch: pytest.MonkeyPatch, indexed: Path) -> None:
    parsed: list[int] = []
    elements = FlatDirectory.elements

    def counting(flat: FlatDirectory, index: int) -> list[Element]:
        parsed.append(index)
        return elements(flat, index)

    monkeypatch.setattr(FlatDirectory, "elements", counting)
    with fileset.Reader(indexed) as reader:
        assert len(list(reader.paths())) == 12
    assert len(parsed) == 4  # a patient, a study, a series and an instance


def test_branches_of_any_depth_are_drawn() -> None:
    top = branch = Branch([("top", "")])
    for _ in range(3000):
        branch.branches.append(Branch([("x\x1b", "")]))
        branch = branch.branches[0]
    lines = list(plain_lines(top))
    assert len(lines) == 3001
    assert lines[2] == "    └── x\\x1b"


# --- info -----------------------------------------------------------------------------------------------------------


def test_info_shows_identification_and_contents(run: Runs, indexed: Path) -> None:
    text = run("info", indexed).stdout
    for pattern in (
        r"^File-set ID +TWELVE$",
        r"^File-set UID +2\.25\.12$",
        r"^Descriptor file +-$",
        r"^DICOMDIR +22 records, [\d.]+ kB$",
        r"^Records +2 PATIENT$",
        r"^ +12 IMAGE$",
        r"^Findings +none on opening the DICOMDIR; `fileset check` checks records and files$",
        r"^Free space +[\d.]+ \wB of [\d.]+ \wB$",
    ):
        assert re.search(pattern, text, re.MULTILINE), pattern


def test_info_says_that_it_checked_no_file(run: Runs, disc: Path) -> None:
    path = next(path for path in disc.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    path.write_bytes(path.read_bytes()[:-3])
    run("check", disc, code=1)
    assert "none on opening the DICOMDIR; `fileset check` checks records and files" in run("info", disc).stdout


def test_on_a_terminal_info_keeps_long_values_in_their_column(run: Runs, disc: Path) -> None:
    plain = run("info", disc).stdout
    shown = ANSI.sub("", on_terminal("info", disc, columns=60))
    rows = [row for row in shown.splitlines() if "`fileset" in row or "checks records" in row or "and files" in row]
    assert max(map(len, plain.splitlines())) > 60
    assert all(len(row) <= 60 or len(row[18:].split()) == 1 for row in shown.splitlines())
    assert len(rows) > 1
    assert all(row.startswith(("Findings", " " * 18)) for row in rows)


def test_info_as_json(run: Runs, indexed: Path) -> None:
    document = run("info", indexed, "--json").document
    assert document["schema"] == "fileset.info/1"
    assert document["file_set"] == {"id": "TWELVE", "uid": "2.25.12", "path": str(indexed), "descriptor_file_id": None}
    assert document["dicomdir"] == {"records": 22, "bytes": (indexed / "DICOMDIR").stat().st_size}
    assert document["records"] == {"PATIENT": 2, "STUDY": 4, "SERIES": 4, "IMAGE": 12}
    assert document["medium"].keys() == {
        *("format", "free", "capacity", "read_only", "largest_file"),
        *("used", "disc", "disc_capacity", "removable", "caveat"),
    }
    assert document["findings"] == []


# --- on a terminal --------------------------------------------------------------------------------------------------


def test_on_a_terminal_the_tree_has_colours_and_the_same_text(indexed: Path) -> None:
    shown = on_terminal("list", indexed, columns=200)
    assert "\x1b[1m" in shown
    plain = [line.rstrip() for line in ANSI.sub("", shown).splitlines()]
    assert plain == TREE.format(disc=indexed).splitlines()


def test_on_a_terminal_no_value_steers_it(disc: Path) -> None:
    damage(disc, b"Doe^Jane", b"\x1b[2J[b]x")
    shown = on_terminal("list", disc)
    assert "\x1b[2J" not in shown
    assert "\\x1b[2J[b]x" in shown


@pytest.mark.slow
def test_progress_shows_only_on_a_terminal_and_if_wanted(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 2)
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in on_terminal("create", tmp_path / "IN", "-o", tmp_path / "A")
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" not in on_terminal(
        "create", "--no-progress", tmp_path / "IN", "-o", tmp_path / "B"
    )
    assert on_terminal("create", "-q", tmp_path / "IN", "-o", tmp_path / "C") == ""


def test_messages_on_a_terminal_are_wrapped_between_words(tmp_path: Path) -> None:
    shown = on_terminal("list", tmp_path, columns=40)
    assert max(map(len, shown.splitlines())) <= max(40, len(f"fileset: error: {tmp_path}:"))
    assert "not a" in " ".join(shown.split())


def test_rich_is_loaded_for_a_terminal_only(indexed: Path) -> None:
    code = f"import sys; from fileset.cli import main; main(['list', {str(indexed)!r}]); print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("data", [b"", b"nothing" * 100])
def test_a_file_that_is_not_a_dicomdir_is_named_with_advice(data: bytes, run: Runs, disc: Path) -> None:
    (disc / "DICOMDIR").write_bytes(data)
    for verb in ("list", "info", "check"):
        said = run(verb, disc, code=4).stderr
        assert said.startswith(f"fileset: error: {disc / 'DICOMDIR'}: not a DICOMDIR: ")
        assert "`fileset repair` rebuilds it" in said
        assert "`fileset extract --scan`" in said
    (disc / "README").write_bytes(data)
    reason = 'no "DICM" at offset 128' if data else "the file is empty"
    assert run("list", disc / "README", code=4).stderr.endswith(f": not a DICOMDIR: {reason}\n")


@pytest.mark.parametrize("word", ["Patient", "PatientID", "Modality"])
def test_a_word_that_is_neither_a_condition_nor_a_path_is_wrong_usage(word: str, run: Runs, indexed: Path) -> None:
    done = run("list", indexed, word, code=2)
    assert done.stdout == ""
    reason = "is neither a condition KEY=VALUE, such as PatientID=P1, nor a path that exists"
    assert done.stderr == f"fileset: error: '{word}' {reason}\n"


@pytest.mark.parametrize("value", ["20241231-20240101", "2025-2024", "20250101-2024", "202402-20240131"])
def test_a_range_that_ends_before_it_begins_is_no_range(value: str, run: Runs, indexed: Path) -> None:
    said = run("list", indexed, f"StudyDate={value}", code=2).stderr
    assert said == f"fileset: error: StudyDate={value}: the range ends before it starts\n"


@pytest.mark.parametrize("value", ["2003-05", "200305-06", "2003-05*", "2003/05/05", "2003*", "2003-2004-2005", "--"])
def test_a_date_or_range_of_another_form_is_named_as_it_was_typed_with_the_forms(
    value: str, run: Runs, indexed: Path
) -> None:
    said = run("list", indexed, f"StudyDate={value}", code=2).stderr
    assert f"StudyDate={value}: not a value of DA" in said
    assert "a month as 200305" in said


NO_SUCH: Final = (
    *(
        "StudyDate=20161340",
        "StudyDate=201613",
        "StudyDate=2023-02-29",
        "StudyDate=20160101-20161340",
        "StudyDate=0-2016",
    ),
    *("StudyDate=2024|20161340", "StudyTime=25", "StudyTime=10:61", "StudyTime=10-24", "00400244=20161340"),
    *("AcquisitionDateTime=20161340", "AcquisitionDateTime=2016010125", "AcquisitionDateTime=20160"),
)
"""Conditions on dates and times that do not exist."""


@pytest.mark.parametrize("word", NO_SUCH)
def test_a_date_or_time_that_does_not_exist_is_wrong_usage(word: str, run: Runs, indexed: Path, tmp_path: Path) -> None:
    key, _, value = word.partition("=")
    reason = f"fileset: error: {key}={value.rpartition('|')[2]}: not a value of "
    for verb in (["list"], ["extract", "-o", tmp_path / "A"], ["create", "-o", tmp_path / "B"], ["remove"]):
        said = run(*verb, indexed, word, code=2).stderr
        assert said.startswith(reason)
        assert "Write a " in said
    with (
        fileset.Reader(indexed) as reader,
        pytest.raises(fileset.RuleError, match=re.escape(reason.rpartition("error: ")[2])),
    ):
        reader.find(**{key: value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["StudyDate", "StudyTime", "AcquisitionDateTime"])
@pytest.mark.parametrize("value", ["\udcff", "2010\udcff", "10-\udcff", "١٠"])
def test_a_date_or_time_of_no_ascii_digits_is_wrong_usage(key: str, value: str, indexed: Path) -> None:
    """A byte that is not UTF-8 arrives from the command line as a half of a surrogate pair."""
    with fileset.Reader(indexed) as reader, pytest.raises(fileset.RuleError, match="not a value of"):
        reader.find(**{key: value})


@pytest.mark.parametrize(
    ("value", "number"), [("*" * 60 + "x", 0), ("*" * 60 + "Jane", 12), ("[D]*", 0), ("D?e^*", 12)]
)
def test_any_number_of_wild_cards_is_matched_at_once(value: str, number: int, run: Runs, indexed: Path) -> None:
    assert len(run("list", indexed, f"PatientName={value}", "--paths").stdout.splitlines()) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("19500000", 6),
        ("195000", 6),
        ("00000000", 0),
        ("2024.01.03", 6),
        ("2024-01-01-2024-02-29", 6),
        ("0000-2024", 12),
    ],
)
def test_an_unknown_month_or_day_of_zeros_may_be_asked_for(value: str, number: int, run: Runs, disc: Path) -> None:
    damage(disc, b"20240102", b"19500000")
    assert len(run("list", disc, f"StudyDate={value}", "--paths").stdout.splitlines()) == number


@pytest.mark.parametrize("word", ["StudyInstanceUID=1.2*", "SOPInstanceUID=1.?", "PatientAge=0*Y"])
def test_a_wild_card_where_none_can_match_is_wrong_usage(word: str, run: Runs, indexed: Path) -> None:
    for verb in (["list"], ["list", "--scan"], ["remove"]):
        said = run(*verb, indexed, word, code=2).stderr
        assert f"{word}: a value of " in said
        assert "takes no wild cards (PS3.4 C.2.2.2.4). Write the whole value, or several with |" in said
    assert run("list", indexed, "StudyInstanceUID=*", "--paths").stdout


@pytest.mark.parametrize(
    ("word", "number"),
    [
        *(("ReferencedFileID=P001\\T001\\S001\\I000002", 1), ("ReferencedFileID=P001/T001/S001/I000002", 1)),
        *(
            ("FileID=P001/T001/S001/I000002", 1),
            ("FileID=p001/T001\\S001\\i000002", 1),
            ("FileID=./P001/T001/S001/*", 3),
        ),
        *(("FileID=P001/*", 6), ("FileID=*/I000002", 4), ("FileID=P00?/T002/S001/I00000[1]", 0), ("FileID=*2", 4)),
        *(("FileID=P001/T001/S001/I000001|P002\\T001\\S001\\I00000?", 4), ("00041500=P002/*", 6)),
        *(("FileID=I000002", 0), ("FileID=P001", 0), ("FileID=P001/", 0), ("FileID=T001/S001/I000002", 0)),
        *(("Modality=CT\\MR", 0), ("Modality=CT|MR", 12), ("PatientID=P1\\P2", 0)),
        *(("ImageType=ORIGINAL", 12), ("ImageType=primary", 12), ("ImageType=ORIGINAL\\PRIMARY", 12)),
        *(("ImageType=ORIGINAL\\*", 12), ("ImageType=PRIMARY\\ORIGINAL", 0), ("ImageType=ORIGINAL\\PRIMARY\\AXIAL", 0)),
        *(("PixelSpacing=0.50\\0.7", 12), ("PixelSpacing=0.5-1\\*", 12), ("PixelSpacing=0.7\\0.5", 0)),
        *(("PixelSpacing=0.7", 12), ("PixelSpacing=0.5\\0.7\\*", 0)),
        (f"SOPInstanceUID={synthetic.ct_uid(1, 1, 1, 1)}\\{synthetic.ct_uid(2, 1, 1, 1)}", 2),
    ],
)
def test_all_verbs_choose_the_same_instances_by_values_with_several_parts(
    word: str, number: int, run: Runs, tmp_path: Path
) -> None:
    """The backslash separates the values of one attribute; only in a list of UIDs does it separate alternatives."""
    disc = tmp_path / "DISC"
    for path in synthetic.ct_series(disc, patients=2, studies=2, series=1, instances=3):
        dataset = pydicom.dcmread(path)
        dataset.ImageType, dataset.PixelSpacing = ["ORIGINAL", "PRIMARY"], ["0.5", "0.7"]
        dataset.save_as(path)
    fileset.index(disc)
    code = 0 if number else 3
    only_recorded = word.startswith(("ImageType", "PixelSpacing"))  # usual keys, which a scan does not read
    for option in ([],) if only_recorded else ([], ["--scan"]):
        assert len(run("list", disc, word, "--paths", *option).stdout.splitlines()) == number
        done = run("extract", disc, word, "-o", tmp_path / f"OUT{len(option)}", "--json", *option, code=code)
        assert done.document["copied"] == number
    assert len(run("refresh", disc, word, "--json", "--dry-run", code=code).document["refreshed"]) == number
    assert len(run("remove", disc, word, "--json", code=code).document["removed"]) == number


def test_a_file_id_from_python_is_a_condition(indexed: Path) -> None:
    with fileset.Reader(indexed) as reader:
        wanted = [record.file_id for record in reader.instances][3:5]
        assert [record.file_id for record in reader.find(FileID=wanted[0])] == wanted[:1]
        table = reader.table(columns=["FileID"], ReferencedFileID=wanted)
        assert table["FileID"] == [str(file_id) for file_id in wanted]


@pytest.mark.parametrize("form", [r"P001\T001\S001\É%05d", r".\P001\T001\S001\É%03d", "P001/T001/S001/É%05d"])
@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_a_file_id_is_found_as_it_is_listed(form: str, charset: str, disc: Path) -> None:
    data = (disc / "DICOMDIR").read_bytes()
    for number in (1, 2, 3):
        old = rb"P001\T001\S001\I%06d" % number
        data = data.replace(old, (form % number).encode(charset).ljust(len(old)))
    (disc / "DICOMDIR").write_bytes(data)
    with fileset.Reader(disc) as reader:
        paths = list(reader.paths())
        assert sum("É" in path for path in paths) == 3
        assert reader.table(columns=["FileID"])["FileID"] == paths
        assert [str(one.file_id) for path in paths for one in reader.find(FileID=path)] == paths


@pytest.mark.parametrize("word", ["ModalitiesInStudy=CT", "NumberOfStudyRelatedInstances=3", "00201208=3"])
def test_a_computed_column_is_no_condition(word: str, run: Runs, indexed: Path, tmp_path: Path) -> None:
    for words in (["list", indexed], ["remove", indexed], ["create", indexed, "-o", tmp_path / "NEW"]):
        assert "can be a column of a table, but not a condition" in run(*words, word, code=2).stderr


GROUPS: Final = {"1": "Yamada^Tarou=山田^太郎=やまだ^たろう", "2": "=山田^花子", "3": "Doe^Jane^^=="}
"""Names of patients by Patient ID: alphabetic, ideographic and phonetic component group."""


@pytest.mark.parametrize(
    ("name", "patients"),
    [
        *(("yamada^tarou", "1"), ("山田^太郎", "1"), ("やまだ^たろう", "1"), ("山田^花子", "2"), ("doe^jane", "3")),
        *(("yama*", "1"), ("山田*", "12"), ("やまだ^?ろう", "1"), ("*太郎*", "1"), ("Y*=*", "1"), ("Doe^J?ne", "3")),
        *((GROUPS["1"], "1"), ("=山田^花子", "2"), ("Tarou", ""), ("太郎*", "")),
    ],
)
def test_a_name_matches_by_any_component_group_with_and_without_a_dicomdir(
    name: str, patients: str, run: Runs, tmp_path: Path
) -> None:
    for patient, value in GROUPS.items():
        dataset = synthetic.instance(synthetic.CT_IMAGE, patient=int(patient), charset="ISO_IR 192")
        dataset.PatientID, dataset.PatientName = patient, value
        synthetic.write(dataset, tmp_path / "DISC" / patient)
    fileset.index(tmp_path / "DISC")
    word, code = f"PatientName={name}", 0 if patients else 3
    for option in ([], ["--scan"]):
        listed = run("list", tmp_path / "DISC", word, "--file-ids", *option).stdout.split()
        assert "".join(sorted(listed)) == patients
        out = tmp_path / f"OUT{len(option)}"
        run("extract", tmp_path / "DISC", word, "-o", out, *option, code=code)
        assert len([path for path in out.rglob("*") if path.is_file()]) == len(patients)
    created = run("create", tmp_path / "DISC", word, "-o", tmp_path / "NEW", "--json", code=code).document
    assert len(created["added"]) == len(patients)


@pytest.mark.parametrize("value", ["20240101-2024", "2024-20240103", "20240103-20240103", "2024-2024"])
def test_a_range_may_begin_and_end_with_the_same(value: str, run: Runs, indexed: Path) -> None:
    assert run("list", indexed, f"StudyDate={value}", "--paths").stdout


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("StudyDate=2024", 12),
        ("StudyDate=202401", 12),
        ("StudyTime=10", 12),
        ("StudyTime=1011", 12),
        ("StudyDate=202402", 0),
    ],
)
def test_a_year_a_month_or_an_hour_matches_all_in_it_also_for_remove(
    word: str, number: int, run: Runs, disc: Path
) -> None:
    assert len(run("list", disc, word, "--paths").stdout.splitlines()) == number
    removed = run("remove", disc, word, "--dry-run", "--json", code=0 if number else 3).document["removed"]
    assert len(removed) == number


# --- law 2: the files on the medium count, not only the records ------------------------------------------------------


def test_missing_files_are_named_and_give_exit_code_3(disc: Path, run: Runs) -> None:
    (disc / "P001" / "T001" / "S001" / "I000002").unlink()
    assert "P001/T001/S001/I000002: referenced by a record, but not on the medium" in run("list", disc, code=3).stderr
    assert re.search(r"^Files +11 referenced, 1 missing$", run("info", disc, code=3).stdout, re.MULTILINE)


def test_dicom_files_that_no_record_references_are_counted(disc: Path, run: Runs) -> None:
    (disc / "extra.dcm").write_bytes((disc / "P001" / "T001" / "S001" / "I000002").read_bytes())
    (disc / "README.TXT").write_text("not DICOM")
    (disc / "DICOMDIR.OLD").write_bytes((disc / "DICOMDIR").read_bytes())
    assert "1 DICOM file that no record references is on the medium too" in run("list", disc, code=3).stderr
    assert "12 referenced, 1 DICOM file that no record references" in run("info", disc, code=3).stdout
    found = run("list", disc, "--json", code=3).document["findings"]
    assert [(row["rule"], row["where"]["file"]) for row in found] == [("FS-FILE-UNLISTED", "extra.dcm")]
    assert run("info", disc, "--json", code=3).document["files"]["unlisted"] == 1


def test_paths_open_on_the_medium_and_file_ids_are_the_values_of_the_records(disc: Path, run: Runs) -> None:
    folder = disc / "P001" / "T001" / "S001"
    (folder / "I000002").rename(folder / "i000002.dcm")
    paths = run("list", disc, "--paths", "PatientID=P1").stdout.splitlines()
    assert len(paths) == 6
    assert all((disc / path).is_file() for path in paths)
    assert "P001/T001/S001/I000002" in run("list", disc, "--file-ids").stdout.splitlines()
    run("list", disc, "--file-ids", "--paths", code=2)


def test_a_table_wider_than_the_terminal_has_a_line_for_each_value(tmp_path: Path) -> None:
    for patient in (1, 2):
        synthetic.write(synthetic.instance(synthetic.CT_IMAGE, patient=patient), tmp_path / f"IM{patient}")
    fileset.index(tmp_path)
    lines = on_terminal("list", tmp_path, "--level", "STUDY", columns=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split() for line in lines if line.startswith("PatientID")] == [
        ["PatientID", "P1"],
        ["PatientID", "P2"],
    ]
    wide = on_terminal("list", tmp_path, "--level", "STUDY", columns=400).splitlines()
    assert len(wide) == 3


def test_a_space_before_a_file_name_does_not_hide_which_record_names_the_file(disc: Path, run: Runs) -> None:
    """Spaces around a File ID are padding, so `check` finds the file too."""
    image = next(disc.rglob("I0*"))
    image.rename(image.with_name(f" {image.name}"))
    assert "no record" not in run("list", disc).stderr
    assert "no record" not in run("create", disc, "-o", disc.with_name("COPY")).stderr
    run("check", disc)
