"""Rules for the DICOMDIR as a whole and the tree of its records (PS3.3 F.2.1, F.3.2, F.4; PS3.10 8.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.read.file_reference import FileReference
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.write.header import DESCRIPTOR_CHARACTER_SETS
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FormatError
from fileset.file_id import DICOMDIR, FileId
from fileset.part10.values import shown
from fileset.records.torn_studies import RULE as TORN
from fileset.records.torn_studies import torn_studies
from fileset.standard import tags
from fileset.standard.dictionary import named, vr_of
from fileset.standard.record_types import RECORD_TYPES, ROOT_CHILDREN

_WIDTHS: Final = {tags.FIRST_ROOT_RECORD: 4, tags.LAST_ROOT_RECORD: 4, tags.CONSISTENCY_FLAG: 2}
_ALLOWED: Final = frozenset(
    (tags.FILE_SET_ID, tags.DESCRIPTOR_FILE_ID, tags.DESCRIPTOR_CHARACTER_SET, tags.RECORD_SEQUENCE, *_WIDTHS)
)
_ID: Final = re.compile(rb"[A-Z0-9_]{0,16}").fullmatch
_FORMER_ROOTS: Final = frozenset(name for name, row in RECORD_TYPES.items() if row.root) - set(ROOT_CHILDREN)


def check_identification(collector: Collector) -> FileId | None:
    """Check the File-set Identification and Directory Information Modules; return the File ID of the descriptor."""
    top = collector.flat.top
    value = top.get(tags.FILE_SET_ID)
    if value is None:
        collector.add("FS-DIRECTORY-ELEMENT", f"{named(tags.FILE_SET_ID)} is missing", tag=tags.FILE_SET_ID)
    elif not _ID(value.rstrip(b" \0")):
        message = f"File-set ID {shown(value)}: allowed are up to 16 of A-Z, 0-9 and _"
        collector.add("FS-FILE-SET-ID", message, tag=tags.FILE_SET_ID)
    if any(tag in top for tag in _WIDTHS):
        for tag, width in _WIDTHS.items():
            if len(top.get(tag, b"")) != width:
                collector.add("FS-DIRECTORY-ELEMENT", f"{named(tag)} is missing or not {width} bytes long", tag=tag)
    for tag in top:
        if tag not in _ALLOWED and tag & 0xFFFF:
            collector.add("FS-DIRECTORY-FOREIGN", f"{named(tag)} is not an element of a DICOMDIR", tag=tag)
    _check_vrs(collector)
    return _descriptor(collector)


def _check_vrs(collector: Collector) -> None:
    """Report the wrong VRs of elements of the DICOMDIR as a whole."""
    for part in collector.flat.header:
        if part.tag in _ALLOWED and part.vr and part.vr.decode("ascii") != vr_of(part.tag):
            message = f"{named(part.tag)} has VR {part.vr.decode('ascii')} instead of {vr_of(part.tag)}"
            collector.add("FS-ELEMENT-VR", message, offset=part.at, tag=part.tag)


def _descriptor(collector: Collector) -> FileId | None:
    raw = collector.flat.top.get(tags.DESCRIPTOR_FILE_ID, b"").strip(b" \0")
    character_set = collector.flat.top.get(tags.DESCRIPTOR_CHARACTER_SET, b"").strip(b" \0").decode("ascii", "replace")
    if character_set and (not raw or character_set not in DESCRIPTOR_CHARACTER_SETS):
        message = f"character set {character_set!a} of the descriptor file: " + (
            "not a defined term" if raw else "there is no descriptor file"
        )
        collector.add("FS-DESCRIPTOR", message, tag=tags.DESCRIPTOR_CHARACTER_SET)
    if not raw:
        return None
    try:
        file_id = FileReference(raw).file_id
    except FormatError as problem:
        collector.add("FS-FILE-ID-HOSTILE", str(problem), tag=tags.DESCRIPTOR_FILE_ID)
        return None
    if file_id == DICOMDIR:
        collector.add("FS-DESCRIPTOR", "the descriptor file is the DICOMDIR itself", tag=tags.DESCRIPTOR_FILE_ID)
        return None
    if not file_id.conformant:
        collector.add(
            "FS-FILE-ID-FORM",
            f"the name of the descriptor file, {file_id.path!a}, is not a File ID",
            tag=tags.DESCRIPTOR_FILE_ID,
        )
    return file_id


def check_hierarchy(collector: Collector) -> None:
    """Report records below a record that must not contain them, in the tree or by their offsets (PS3.3 Table F.4-1)."""
    parent = collector.tree.parent
    for index in collector.tree.walk():
        _check_parent(collector, parent[index], index)
    for index, child in _changed_links(collector):
        _check_parent(collector, index, child)


def _changed_links(collector: Collector) -> Iterator[tuple[int, int]]:
    """Yield (record, first record of its lower entity) by the offsets of the file, where the tree differs from them."""
    flat, tree = collector.flat, collector.tree
    for index, offset in enumerate(flat.lower):
        kept = tree.lower[index]
        if offset and (kept == NONE or flat.start[kept] != offset + tree.shift):
            child = flat.index_at(offset + tree.shift)
            if child != NONE:
                yield index, child


def _check_parent(collector: Collector, above: int, index: int) -> None:
    contents = collector.contents
    verdict = _verdict("" if above == NONE else contents.type_name(above), contents.type_name(index))
    if verdict is not None:
        collector.add_at_record(*verdict, index, tags.RECORD_TYPE)


@cache
def _verdict(above: str, kind: str) -> tuple[str, str] | None:
    """Return rule and message if a record of type `kind` must not be below one of type `above` ("": root entity).

    The linker reports record types that do not exist.
    """
    row, parent = RECORD_TYPES.get(kind), RECORD_TYPES.get(above)
    if row is None or (above and parent is None):
        return None
    retired = "FS-RECORD-RETIRED", f"{kind} records are {row.status}: {row.history}"
    if kind in (parent.children if parent else ROOT_CHILDREN):
        return None if row.status == "current" else retired
    if kind in (parent.former_children if parent else _FORMER_ROOTS):
        return retired
    place = f"below a {above} record" if above else "in the root entity"
    return "FS-HIERARCHY", f"a {kind} record is not allowed {place}"


def check_torn_studies(collector: Collector) -> None:
    """Report patients with studies that are probably one study: see `torn_studies`."""
    contents, tree = collector.contents, collector.tree
    lonely: dict[int, list[int]] = {}
    for index in tree.walk():
        if contents.type_name(index) == "STUDY" and _is_lonely(tree, tree.lower[index]):
            lonely.setdefault(tree.parent[index], []).append(index)
    for patient, studies in lonely.items():
        keys = ((str(contents.key(at, tags.STUDY_DATE)), str(contents.key(at, tags.STUDY_ID))) for at in studies)
        for message in torn_studies(keys) if patient != NONE else ():
            collector.add_at_record(TORN, message, patient)


def _is_lonely(tree: Tree, series: int) -> bool:
    """Test whether there is one series, with one instance."""
    instance = tree.lower[series] if series != NONE and tree.next[series] == NONE else NONE
    return instance != NONE and tree.next[instance] == NONE
