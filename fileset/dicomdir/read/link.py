"""Link flat records to the tree that their offsets describe (PS3.3 F.2.1).

Every offset must be the start of an item, and every record must be reached once. If so, the tree is complete; otherwise
`rescue` builds the most likely tree. No walk is recursive and none visits a record twice, so that no directory can
hang a reader.
"""

from __future__ import annotations

from array import array
from itertools import compress
from operator import ne

from fileset.dicom.elements import MAX_DEPTH
from fileset.dicomdir.read.offsets import check_last
from fileset.dicomdir.read.raw import ABSENT, FlatDirectory
from fileset.dicomdir.read.rescue import rescue
from fileset.dicomdir.read.tree import Tree, unlinked
from fileset.dicomdir.write.layout import NONE
from fileset.findings import Findings
from fileset.standard import tags
from fileset.standard.record_types import RECORD_TYPES


def link(flat: FlatDirectory, *, file: str = "DICOMDIR") -> Tree:
    """Build the tree of `flat`, by its offsets or, where these are wrong, by other evidence."""
    findings = Findings(file)
    tree = _by_offsets(flat, findings)
    if tree is None:
        tree = rescue(flat, findings)
    if tree.is_deep():
        message = f"records are nested more than {MAX_DEPTH} deep: {tree.flatten()} entities are moved to the root"
        findings.add("FS-RECORD-NESTING", message)
    _check_presence(flat, findings)
    _check_types(flat, findings)
    _flags(flat, tree, findings)
    tree.findings = findings.listed()
    return tree


def _by_offsets(flat: FlatDirectory, findings: Findings) -> Tree | None:
    """Return the tree if the offsets describe one that contains all records, else None."""
    tree = unlinked(len(flat))
    first, last_root = flat.number(tags.FIRST_ROOT_RECORD), flat.number(tags.LAST_ROOT_RECORD)
    tree.first, tree.last = flat.index_at(first), flat.index_at(last_root)
    last = len(flat) - 1
    # Most records are followed by the next one in the file and have no lower-level entity.
    tree.next[:last] = array("q", range(1, len(flat)))
    jumps = [*compress(range(last), map(ne, flat.next, flat.start[1:])), last] if len(flat) else []
    holders = list(compress(range(len(flat)), flat.lower))
    for offsets, links, places in ((flat.next, tree.next, jumps), (flat.lower, tree.lower, holders)):
        for place in places:
            links[place] = flat.index_at(offsets[place])
            if links[place] == NONE and offsets[place]:
                return None
    if not tree.adopt_all(sorted({*jumps, *holders})):
        return None
    missed = tree.reached.find(0)
    while missed != -1:
        # A Multi-Referenced File Directory Record (retired, PS3.3-2004 F.6.2) or an inactive one may be in no entity.
        if flat.record_type(missed) != "MRDR" and flat.in_use[missed]:
            return None
        missed = tree.reached.find(0, missed + 1)
    check_last(flat, tree, findings)
    return tree


def _check_presence(flat: FlatDirectory, findings: Findings) -> None:
    """Report missing offsets: (0004,1400) and (0004,1420) are Type 1, and 0 means no record."""
    for places, tag in ((flat.next_at, tags.NEXT_RECORD), (flat.lower_at, tags.LOWER_LEVEL_ENTITY)):
        missing = places.count(ABSENT)
        if missing:
            where = flat.start[places.index(ABSENT)]
            findings.add("FS-OFFSET-ABSENT", f"absent from {missing} of {len(flat)} records", offset=where, tag=tag)


def _check_types(flat: FlatDirectory, findings: Findings) -> None:
    unknown = {number for number, name in enumerate(flat.types) if name not in RECORD_TYPES} | flat.misspelt.keys()
    if not unknown:
        return
    for index, number in enumerate(flat.type_of):
        if number in unknown:
            unknown.remove(number)  # report each type once
            stated = flat.misspelt.get(number, flat.types[number])
            where = flat.start[index]
            findings.add(
                "FS-RECORD-TYPE", f"{stated!r} is not a Directory Record Type", offset=where, tag=tags.RECORD_TYPE
            )


def _flags(flat: FlatDirectory, tree: Tree, findings: Findings) -> None:
    flag = flat.number(tags.CONSISTENCY_FLAG)
    if flag:
        message = f"File-set Consistency Flag is {flag:04X}H: the directory may be out of date"
        findings.add("FS-CONSISTENCY-FLAG", message, tag=tags.CONSISTENCY_FLAG)
    if flat.in_use == array("H", [0xFFFF]) * len(flat):
        return
    for index, value in enumerate(flat.in_use):
        if value == 0xFFFF:
            continue
        rule = "FS-RECORD-IN-USE-FLAG" if value else "FS-RECORD-INACTIVE"
        findings.add(rule, f"Record In-use Flag is {value:04X}H", offset=flat.start[index], tag=tags.RECORD_IN_USE)
        tree.hidden[index] = not value
    tree.hide_below()
