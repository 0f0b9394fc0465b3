"""Records as DICOM JSON (PS3.18 F.2): tag -> VR and values."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fileset.dicomdir.read.directory import Contents, conditions
from fileset.dicomdir.write.layout import NONE
from fileset.standard import tags
from fileset.standard.dictionary import tag_of, vr_of
from fileset.tables.select import IMAGE

Attributes = dict[str, dict[str, Any]]

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_REFERENCES: Final = {
    "00080016": tags.REFERENCED_SOP_CLASS_UID,
    "00080018": tags.REFERENCED_SOP_INSTANCE_UID,
    "00083002": tags.REFERENCED_TRANSFER_SYNTAX_UID,  # Available Transfer Syntax UID, as a query returns it
}


def dicom_json(
    contents: Contents, level: str = IMAGE, keys: Mapping[str, object] | None = None
) -> Iterator[Attributes]:
    """Yield one object for each record of `level` that matches `keys`: its keys and those of the records above, by tag.

    Raises `RuleError` as `Reader.find`.
    """
    known: dict[int, Attributes] = {NONE: {}}
    for index in contents.holding(None if level == IMAGE else level, conditions(keys or {})):
        attributes = _above(contents, index, known) | _own(contents, index)
        yield dict(sorted(attributes.items()))


def _above(contents: Contents, index: int, known: dict[int, Attributes]) -> Attributes:
    parent = contents.tree.parent[index]
    if parent not in known:
        known[parent] = _above(contents, parent, known) | _own(contents, parent)
    return known[parent]


def _own(contents: Contents, index: int) -> Attributes:
    attributes = {}
    for part in contents.flat.elements(index):
        if part.tag >> 16 not in (0x0004, 0xFFFE):
            vr = part.vr.decode("ascii") if part.vr and part.vr != b"UN" else vr_of(part.tag)
            attributes[f"{part.tag:08X}"] = attribute(vr, contents.value(index, part))
    for name, tag in _REFERENCES.items():
        if uid := contents.reference(index, tag):
            attributes[name] = attribute("UI", uid)
    return attributes


def attribute(vr: str, value: Any) -> dict[str, Any]:
    """Encode one attribute: its VR, and its values if it has any (PS3.18 F.2.2)."""
    if value is None:
        return {"vr": vr}
    if isinstance(value, bytes):
        return {"vr": vr, "InlineBinary": b64encode(value).decode("ascii")}
    values = value if isinstance(value, list) else [value]
    return {"vr": vr, "Value": [_value(vr, one) for one in values]}


def _value(vr: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: attribute(kind, one) for name, kind, one in _item(value)}
    if vr == "PN" and value is not None:
        groups = zip(_GROUPS, str(value).split("="), strict=False)
        return {group: text for group, text in groups if text}
    return value


def _item(item: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield tag in hexadecimal, VR and value of the attributes of an item, which has them by keyword."""
    for keyword, value in item.items():
        tag = tag_of(keyword)
        if tag is not None:
            yield f"{tag:08X}", vr_of(tag), value
