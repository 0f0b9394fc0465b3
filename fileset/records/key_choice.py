"""Keys of directory records: the keys of PS3.3 F.5 always, and the additions of a user or an application profile."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from attrs import frozen

from fileset.dicom.elements import SHORT_VRS
from fileset.dicom.header import Wanted, WantedTags
from fileset.dicom.header_cache import Layouts
from fileset.dicom.values import FALLBACK_TAGS
from fileset.errors import RuleError
from fileset.records.instance_keys import SHARED_GROUPS, carried_keys
from fileset.records.levels import CHAIN_TAGS, FIELDS, LEVELS, Field
from fileset.records.record_cache import OWN
from fileset.standard import tags
from fileset.standard.profile_keys import IN_GROUPS, PROFILE_KEYS
from fileset.standard.record_types import RECORD_TYPES, ROOT_CHILDREN, Key
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.uids import DIRECTORY_CLASS
from fileset.standard.usual_keys import USUAL_KEYS, VARYING

_STUDY_ATTRIBUTES: Final = frozenset((0x00101010, 0x00101020, 0x00101030, 0x00102180))
"""Age, size, weight and occupation of a patient belong to his study (PS3.3 C.7.2.2)."""
_CODED: Final = {vr.decode("ascii") for vr in SHORT_VRS} - {"AT"} | {"UC", "UR", "UT"}
"""VRs whose values fit into a record."""


@frozen
class KeyChoice:
    """The wanted optional keys: `USUAL_KEYS` if `usual`, `added` ones, and the table of a profile."""

    usual: bool = False
    added: tuple[Key, ...] = ()
    table: str = ""


MINIMAL: Final = KeyChoice()
"""Types 1 and 2 of PS3.3 F.5 alone."""
USUAL: Final = KeyChoice(usual=True)


def parse_keys(text: str) -> KeyChoice:
    """Parse the choice of a user: "usual", "minimal", or keywords to add, as in "+PatientWeight,+Manufacturer".

    Keywords alone are added to the usual keys. Raises `RuleError` for a keyword that PS3.6 does not have, or whose
    values do not fit into a record.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    base = [word for word in words if not word.startswith("+")]
    if len(base) > 1 or not set(base) <= {"usual", "minimal"} or not words:
        raise RuleError(
            f"keys={text!r}: not a choice of keys", advice="Use usual, minimal, or +KEYWORD,... such as +PatientWeight"
        )
    added = tuple(_key_named(word[1:]) for word in words if word.startswith("+"))
    return KeyChoice(usual=base != ["minimal"], added=added)


def _key_named(keyword: str) -> Key:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None:
        raise RuleError(f"keys: there is no attribute {keyword!r} (PS3.6)")
    vr = dictionary_VR(tag).split(" or ")[0]
    if vr not in _CODED or tag >> 16 in (0x0002, 0x0004):
        raise RuleError(f"keys: values of {keyword} (VR {vr}) do not fit into a directory record")
    return Key(keyword, tag, vr, "3")


def _level_of(key: Key) -> str:
    """Find the record type that an added key belongs to; "" for the records of instances."""
    known = (level for level, keys in USUAL_KEYS.items() if any(row.tag == key.tag for row in keys))
    group = key.tag >> 16
    default = "STUDY" if key.tag in _STUDY_ATTRIBUTES else "PATIENT" if group == 0x0010 else ""
    return next(known, default)


def _level_of_types() -> dict[str, str]:
    levels = dict.fromkeys(ROOT_CHILDREN, "")
    for level in LEVELS:
        kind = RECORD_TYPES[level]
        levels.update(dict.fromkeys(kind.children + kind.former_children, level))
    return {name: level for name, level in levels.items() if name not in LEVELS}


LEVEL_OF: Final = _level_of_types()
"""Record type -> the type of the record above it, "" for the root Directory Entity (PS3.3 Table F.4-1)."""
_ALWAYS: Final = CHAIN_TAGS | {
    tags.SOP_CLASS_UID,
    tags.SOP_INSTANCE_UID,
    tags.RELATED_GENERAL_SOP_CLASS_UID,
    tags.INSTANCE_NUMBER,
}


@frozen(eq=False)
class KeySet:
    """All keys of all records under one choice, and the tags that a header must be searched for.

    `upper`: the optional keys of PATIENT, STUDY and SERIES records. `leaf`: all keys of the records of instances, in
    order of tag. `wanted` stops at the last tag that the SOP class needs, `everything` at the pixel data: before a value
    is called missing. `varying`: keys that each file of a series has for itself. `apart`: tags that differ from file to
    file, and matter only where a study has no date. `dated`: record types that hold such a date as a key. `layouts`: the
    headers that this process has met: files of one scanner may be in any chunk.
    """

    upper: dict[str, tuple[Field, ...]]
    leaf: dict[str, tuple[Key, ...]]
    wanted: Wanted
    everything: Wanted
    varying: tuple[Key, ...]
    apart: frozenset[int]
    dated: frozenset[str]
    layouts: Layouts


@lru_cache(16)
def key_set(choice: KeyChoice) -> KeySet:
    """Collect the keys of a choice."""
    upper = {level: tuple(_fields(choice, level)) for level in LEVELS}
    leaf = {name: _leaf_keys(choice, name) for name in LEVEL_OF}
    chain = _ALWAYS | {row.tag for rows in upper.values() for row in rows}
    wanted = _wanted(leaf, chain)
    used = {key.tag for keys in leaf.values() for key in keys} | chain - FALLBACK_TAGS
    varying = tuple(key for key in VARYING if choice.usual)
    apart = FALLBACK_TAGS - {tags.STUDY_DATE, tags.STUDY_TIME}
    apart -= frozenset(row.tag for rows in upper.values() for row in rows)
    if choice.usual:
        apart -= used
    dated = frozenset(name for name, keys in leaf.items() if not apart.isdisjoint(key.tag for key in keys))
    layouts = Layouts(OWN, apart, tuple(key.tag for key in varying))
    return KeySet(upper, leaf, wanted, Wanted(wanted.any, {}, wanted.sequences), varying, apart, dated, layouts)


def _chosen(choice: KeyChoice, record_type: str) -> list[Key]:
    """Collect the optional keys of one record type; a key that a profile demands has the Type that the profile gives it."""
    level = record_type if record_type in LEVELS else ""
    keys = list(PROFILE_KEYS[choice.table].get(record_type, ()))
    keys += USUAL_KEYS[level] if choice.usual else ()
    keys += (key for key in choice.added if _level_of(key) == level)
    return list({key.tag: key for key in reversed(keys)}.values())


def _fields(choice: KeyChoice, level: str) -> list[Field]:
    known = {row.tag for rows in FIELDS.values() for row in rows}
    return sorted(
        (
            Field(key.keyword, key.keyword, key.tag, key.vr, key.type)
            for key in _chosen(choice, level)
            if key.tag not in known
        ),
        key=lambda row: row.tag,
    )


def _leaf_keys(choice: KeyChoice, record_type: str) -> tuple[Key, ...]:
    keys = carried_keys(record_type)
    if LEVEL_OF[record_type] != "SERIES":
        return keys
    known = {key.tag for key in keys} | {tags.ICON_IMAGE_SEQUENCE}
    added = (key for key in _chosen(choice, record_type) if key.tag not in known)
    return tuple(sorted((*keys, *added), key=lambda key: key.tag))


def _wanted(leaf: dict[str, tuple[Key, ...]], chain: frozenset[int] | set[int]) -> Wanted:
    keys = [key for kind in leaf.values() for key in kind]
    everything = WantedTags(
        frozenset(chain | {key.tag for key in keys} | {tags.VERIFYING_OBSERVER_SEQUENCE}), tags.PIXEL_DATA
    )
    sequences = frozenset(key.tag for key in keys if key.vr == "SQ") | {
        tags.VERIFYING_OBSERVER_SEQUENCE,
        SHARED_GROUPS,
    }
    of_class = {
        uid.encode("ascii"): _keys_of(leaf[row.record_type], chain)
        for uid, row in SOP_CLASSES.items()
        if row.record_type in leaf
    }
    of_class[DIRECTORY_CLASS] = WantedTags(frozenset(chain), tags.SOP_CLASS_UID)
    return Wanted(everything, of_class, sequences)


def _keys_of(keys: tuple[Key, ...], chain: frozenset[int] | set[int]) -> WantedTags:
    needed = frozenset(chain) | {key.tag for key in keys}
    if any(key.condition == IN_GROUPS for key in keys):
        needed |= {SHARED_GROUPS}
    if tags.VERIFICATION_DATE_TIME in needed:
        needed |= {tags.VERIFYING_OBSERVER_SEQUENCE}
    return WantedTags(needed, max(needed))
