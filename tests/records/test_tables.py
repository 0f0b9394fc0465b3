"""The tables have exactly the contents of PS3.3 Annex F.

The first part compares them, row by row, with the tab-separated tables of a folder `shared/standard` beside or above
the checkout (or in the folder that FILESET_STANDARD names). The second part needs nothing but pydicom's dictionaries.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VR, keyword_dict, keyword_for_tag
from pydicom.uid import UID

from fileset.standard import tags
from fileset.standard.dictionary import keyword_of, vr_of
from fileset.standard.record_types import RECORD_TYPES, ROOT_CHILDREN, Key, RecordType
from fileset.standard.sop_classes import SOP_CLASSES

Fact = tuple[str, ...]
Row = dict[str, str]

TABLES = ("directory_records.tsv", "record_hierarchy.tsv", "sop_class_to_record.tsv", "ciod_to_record.tsv")


def standard_folder() -> Path | None:
    """Find the folder with the tables of the Standard, or None."""
    named = os.environ.get("FILESET_STANDARD")
    found = [parent / "shared" / "standard" for parent in Path(__file__).resolve().parents]
    folders = [Path(named)] if named else found
    return next((folder for folder in folders if all((folder / name).is_file() for name in TABLES)), None)


STANDARD = standard_folder()
needs_standard = pytest.mark.skipif(
    STANDARD is None,
    reason="no folder shared/standard with the tables of the Standard above the checkout, nor in FILESET_STANDARD",
)


def rows(name: str) -> list[Row]:
    """The rows of one table of facts."""
    assert STANDARD is not None
    with (STANDARD / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


# Our tables, laid flat in the form of directory_records.tsv


def tag_text(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


ONLY_NAMED = frozenset(
    (
        *("ContentCreatorIdentificationCodeSequence", "ContentSequence>ConceptNameCodeSequence"),
        "ContentSequence>ConceptCodeSequence",
    )
)
"""Sequences for which directory_records.tsv names the macro of their items, and not its attributes (PS3.3 8.8, 10.1)."""


def flat(keys: Iterable[Key], parents: tuple[str, ...] = ()) -> Iterator[Fact]:
    """Keyword, tag, VR, Type, level, path and whether there is a condition, of each key and of all that it holds."""
    level = str(len(parents))
    for key in keys:
        path = (*parents, key.keyword)
        condition = str(bool(key.condition))
        yield key.keyword, tag_text(key.tag), " or ".join(key.vrs), key.type, level, ">".join(path), condition
        if ">".join(path) in ONLY_NAMED:
            continue
        yield from flat(key.items, path)
        if key.others:
            other = "(other C.17-5 value attributes)"
            yield other, "(any)", "", "1C", str(len(path)), ">".join((*path, other)), "True"


def row_status(record: RecordType) -> str:
    return record.status.split()[0] + (f" ({record.history})" if record.history else "")


def our_key_facts() -> Iterator[Fact]:
    for record in RECORD_TYPES.values():
        yield from ((record.name, *fact, row_status(record)) for fact in flat(record.keys))


def is_key(row: Row) -> bool:
    """Whether a row is about one key, not about group 0004, further attributes in general, or unknown keys."""
    return row["keyword"] not in {"*", "(keys unknown)"} and not row["tag"].startswith("(0004,")


def key_fact(row: Row) -> Fact:
    columns = ("record_type", "keyword", "tag", "vr", "type", "level", "path")
    return (*(row[column] for column in columns), str(bool(row["condition"])), row["status"])


@needs_standard
def test_every_key_of_every_record_type_and_no_other() -> None:
    theirs = Counter(key_fact(row) for row in rows("directory_records.tsv") if is_key(row))
    ours = Counter(our_key_facts())
    assert ours - theirs == Counter(), "not in the Standard"
    assert theirs - ours == Counter(), "only in the Standard"
    assert theirs.total() == 563


@needs_standard
def test_every_record_type_has_the_section_of_its_key_table() -> None:
    for row in rows("directory_records.tsv"):
        section = re.match(r"PS3\.3 (F\.[56]\.\d+)$", row["source"])
        if section:
            assert RECORD_TYPES[row["record_type"]].section == section[1]


# Hierarchy

REFERENCES = {"yes": True, "no": False, "optional": None, "?": None}


def names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(", ") if name != "none")


def their_children(row: Row) -> tuple[str, ...]:
    """Return the children of a row; for "any standard type", every type that a Directory Entity ever had."""
    if "any standard type as privately defined" not in row["allowed_children"]:
        return names(row["allowed_children"])
    others = [other["record_type"] for other in hierarchy() if not other["status"].startswith("never")]
    return ("PRIVATE", *(name for name in others if name not in {"PRIVATE", "MRDR"}))


def hierarchy() -> list[Row]:
    return [row for row in rows("record_hierarchy.tsv") if row["record_type"] != "(ROOT)"]


@needs_standard
def test_every_record_type_is_there_and_no_other() -> None:
    assert sorted(row["record_type"] for row in hierarchy()) == sorted(RECORD_TYPES)


@needs_standard
def test_the_root_entity_holds_the_record_types_of_table_f_4_1() -> None:
    (root,) = (row for row in rows("record_hierarchy.tsv") if row["record_type"] == "(ROOT)")
    assert names(root["allowed_children"]) == ROOT_CHILDREN


@needs_standard
def test_every_record_type_is_where_table_f_4_1_allows_it() -> None:
    for row in hierarchy():
        record = RECORD_TYPES[row["record_type"]]
        assert record.root == (row["allowed_at_root"] == "yes"), record.name
        assert sorted(record.children) == sorted(their_children(row)), record.name
        assert record.references_file is REFERENCES[row["references_a_file"]], record.name
        assert record.section == row["section"].replace("-", ""), record.name
        assert row["status"] in {record.status, f"{record.status} ({record.history})"}, record.name


@needs_standard
def test_retired_record_types_hang_where_they_hung() -> None:
    """The note of a retired row names its parents: "child of SERIES (and TOPIC)"."""
    for row in hierarchy():
        told = re.match(r"child of (.+)", row["note_or_source"])
        for parent in re.findall(r"[A-Z][A-Z0-9 ]*[A-Z]", told[1]) if told else ():
            record = RECORD_TYPES[parent]
            assert row["record_type"] in record.children + record.former_children, (parent, row["record_type"])


# SOP Classes and IODs

STATUSES = ("current", "DICONDE", "retired")


def record_type_of(row: Row) -> str:
    return row["record_type"].replace("(none)", "")


@needs_standard
def test_the_table_has_exactly_the_sop_classes_of_the_standard_with_their_record_types() -> None:
    theirs = rows("sop_class_to_record.tsv")
    assert sorted(row["sop_class_uid"] for row in theirs) == sorted(SOP_CLASSES)
    assert len(theirs) == 221
    for row in theirs:
        ours = SOP_CLASSES[row["sop_class_uid"]]
        assert ours.name == row["sop_class_name"].removesuffix(" (INFERRED)")
        assert ours.record_type == record_type_of(row), ours
        assert ours.iod == row["iod_name"], ours
        assert ours.section == row["section"].replace("-", ""), ours
        assert ours.status == next(status for status in STATUSES if status in row["status"]), ours


@needs_standard
def test_sop_classes_of_the_root_have_record_types_of_the_root() -> None:
    for row in rows("sop_class_to_record.tsv"):
        if row["at_root"] == "yes":
            assert record_type_of(row) in ROOT_CHILDREN


@needs_standard
def test_every_iod_is_there_and_no_other() -> None:
    theirs = [(row["ciod"], row["sop_class_uid"], record_type_of(row)) for row in rows("ciod_to_record.tsv")]
    assert len(theirs) == 179
    ours = [(row.iod, row.uid, row.record_type) for row in SOP_CLASSES.values() if row.iod]
    assert sorted(fact for fact in theirs if fact[1]) == sorted(ours)  # real-time IODs have no SOP class (PS3.22)


# Properties of the tables themselves


def levels(keys: tuple[Key, ...]) -> Iterator[tuple[Key, ...]]:
    yield keys
    for key in keys:
        if key.items:
            yield from levels(key.items)


ALL_LEVELS = [level for record in RECORD_TYPES.values() for level in levels(record.keys)]
ALL_KEYS = {key for level in ALL_LEVELS for key in level}


def test_a_record_type_is_found_by_its_name() -> None:
    assert all(name == record.name for name, record in RECORD_TYPES.items())


def test_every_child_is_a_record_type() -> None:
    for record in RECORD_TYPES.values():
        assert set(record.children + record.former_children) <= set(RECORD_TYPES), record.name
        assert len(set(record.children)) == len(record.children), record.name
        assert not set(record.children) & set(record.former_children), record.name


def test_the_root_entity_may_have_exactly_the_current_types_of_the_standard() -> None:
    at_root = {record.name for record in RECORD_TYPES.values() if record.root}
    current = {name for name in at_root if RECORD_TYPES[name].status == "current"}
    assert set(ROOT_CHILDREN) == current
    assert at_root - current == {"TOPIC", "PRINT QUEUE"}


def test_every_record_type_has_a_place_but_the_two_that_never_had_one() -> None:
    placed = {name for record in RECORD_TYPES.values() for name in record.children + record.former_children}
    assert set(RECORD_TYPES) - placed == {"MRDR", "STRUCT REPORT"}


def test_private_may_hang_anywhere() -> None:
    """PS3.3 F.6.1: every row of Table F.4-1 lists PRIVATE."""
    assert [name for name, record in RECORD_TYPES.items() if "PRIVATE" not in record.children] == ["MRDR"]


def test_every_record_type_of_a_sop_class_exists() -> None:
    assert {row.record_type for row in SOP_CLASSES.values()} - {""} <= set(RECORD_TYPES)


def test_every_current_record_type_that_references_a_file_has_a_sop_class() -> None:
    served = {row.record_type for row in SOP_CLASSES.values()}
    needing = {row.name for row in RECORD_TYPES.values() if row.status == "current" and row.references_file}
    assert needing <= served


def test_a_sop_class_with_a_section_has_that_of_its_record_type() -> None:
    for row in SOP_CLASSES.values():
        if row.record_type and row.section:
            assert row.section == RECORD_TYPES[row.record_type].section, row


def test_sop_classes_agree_with_the_uid_dictionary() -> None:
    known = [uid for uid in map(UID, SOP_CLASSES) if uid.name != uid]
    assert len(known) > 200
    for uid in known:
        assert SOP_CLASSES[uid].name == uid.name.removesuffix(" (Retired)")
        assert (SOP_CLASSES[uid].status == "retired") == uid.is_retired, uid


def test_a_tag_occurs_once_in_a_level() -> None:
    for level in ALL_LEVELS:
        assert len({key.tag for key in level}) == len(level), level


def test_types_are_types_and_conditional_keys_have_conditions() -> None:
    for key in ALL_KEYS:
        assert key.type in {"1", "1C", "2", "2C", "3"}, key
        assert key.condition or not key.type.endswith("C"), key


def test_only_sequences_have_items() -> None:
    assert all(key.vr == "SQ" for key in ALL_KEYS if key.items or key.others)


def test_no_key_is_of_the_group_of_the_directory() -> None:
    for record in RECORD_TYPES.values():
        assert all(key.tag >> 16 != 0x0004 for level in levels(record.keys) for key in level), record.name


def test_keywords_tags_and_vrs_agree_with_the_data_dictionary() -> None:
    for key in ALL_KEYS:
        assert keyword_dict[key.keyword] == key.tag, key
        assert dictionary_VR(key.tag) == " or ".join(key.vrs), key


def test_the_elements_of_a_dicomdir_agree_with_the_data_dictionary() -> None:
    directory = {tag for tag in vars(tags).values() if isinstance(tag, int) and tag >> 16 == 4}
    assert len(directory) > 15
    for tag in directory:
        assert (keyword_of(tag), vr_of(tag)) == (keyword_for_tag(tag), dictionary_VR(tag))


def test_the_first_of_two_vrs_is_the_vr() -> None:
    two = {key.keyword: key for key in ALL_KEYS if len(key.vrs) == 2}
    assert two["PixelData"].vr == "OB"
    assert {key.vrs for name, key in two.items() if name != "PixelData"} == {("US", "SS")}


def test_the_tables_need_no_pydicom() -> None:
    """Every command loads them, including `--help` and `--version`."""
    code = "import sys, fileset.standard.record_types; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0
