"""A profile in words and tables, generated from the rows that the judge uses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from fileset.standard import tags
from fileset.standard.profile_keys import PROFILE_KEYS
from fileset.standard.profile_rules import Constraint
from fileset.standard.profiles import ANY, MULTI_FRAME, Profile
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.syntaxes import syntax_name

Row = tuple[str, ...]
Table = list[Row]
"""Rows of cells; the first row holds the headings."""

ROLE_NAMES: Final = {"FSC": "File-set Creator", "FSR": "File-set Reader", "FSU": "File-set Updater"}
_SERVICE_NAMES: Final = {
    ANY: "every current Storage SOP Class (PS3.4 Tables B.5-1 and GG.3-1)",
    MULTI_FRAME: "every current Storage SOP Class of multi-frame images",
}
_BY_STATEMENT: Final = "those of the conformance statement"


def service_name(service: str) -> str:
    """Look up the name of a SOP Class, or of a group of them."""
    row = SOP_CLASSES.get(service)
    return _SERVICE_NAMES.get(service) or (f"{row.name} ({row.uid})" if row else service)


def facts_of_profile(profile: Profile) -> Table:
    """Return the rules for the profile as a whole: heading and text."""
    medium = profile.medium
    return [
        ("Profile", f"{profile.id} ({profile.section})"),
        ("Medium", f"{medium.name}: {medium.file_systems} ({medium.section})"),
        ("Roles", ", ".join(f"{ROLE_NAMES[role]} ({role})" for role in profile.roles)),
        ("Security", profile.security or "none: Secure DICOM Files must not be used (PS3.11 X.3.5)"),
        ("Icons", _icons(profile)),
        *([("Note", profile.note)] if profile.note else []),
    ]


def _icons(profile: Profile) -> str:
    icon = profile.icon
    if not icon.size:
        return "optional (PS3.3 F.7)"
    need = "required in every IMAGE record" if icon.required else "optional; if present"
    return f"{need}: {icon.size} x {icon.size} pixels"


def services_of(profile: Profile) -> Iterator[Row]:
    """Yield SOP Classes and the transfer syntaxes that the profile allows for each."""
    yield "SOP class", "Transfer syntaxes"
    for service, syntaxes in profile.services.items():
        names = "; ".join(f"{syntax_name(uid)} ({uid})" for uid in syntaxes)
        yield service_name(service), names or _BY_STATEMENT


def keys_of_profile(profile: Profile) -> Iterator[Row]:
    """Yield the keys that the profile adds to directory records."""
    yield "Record", "Key", "Type", "Condition"
    for record_type, keys in PROFILE_KEYS[profile.keys].items():
        for key in keys:
            yield record_type, f"{key.keyword} {tags.text(key.tag)}", key.type, key.condition or "-"


def constraints_of(profile: Profile) -> Iterator[Row]:
    """Yield the demands on attributes of instances; sixteen overlay groups are one row."""
    yield "Rule", "SOP class", "Attribute", "Must be", "Where"
    for row in profile.constraints:
        if row.attribute.tag >> 16 not in range(0x6002, 0x6020):
            yield row.rule, _classes(row), row.attribute.label.replace("(6000,", "(60xx,"), _must(row), _when(row)


def _classes(row: Constraint) -> str:
    names = (SOP_CLASSES[uid].name.removesuffix(" Storage") for uid in sorted(row.classes))
    return ", ".join(names) or "any"


def _must(row: Constraint) -> str:
    words = row.words
    if row.attribute.vr == "UI":
        words = " or ".join(map(syntax_name, row.values))
    return f"{words}, if present" if row.optional else words


def _when(row: Constraint) -> str:
    if row.when is None:
        return "-"
    names = row.when.values
    shown = map(syntax_name, names) if row.when.attribute.vr == "UI" else names
    return f"{row.when.attribute.name} is {' or '.join(shown)}"


def tables_of(profile: Profile) -> Iterator[tuple[str, Table]]:
    """Yield the titled tables of a profile; one without rows is left out."""
    for title, rows in (
        ("SOP classes and transfer syntaxes", services_of(profile)),
        ("Additional keys of directory records" + (f" (PS3.11 Table {profile.keys})" if profile.keys else ""),
         keys_of_profile(profile)),
        ("Rules for instances", constraints_of(profile)),
    ):  # fmt: skip
        table = list(rows)
        if len(table) > 1:
            yield title, table


def document_of(profile: Profile) -> dict[str, Any]:
    """Describe a profile as a document for machines."""
    return {
        "id": profile.id,
        "annex": profile.annex,
        "medium": {
            "name": profile.medium.name,
            "file_systems": profile.medium.file_systems,
            "section": profile.medium.section,
            "formats": list(profile.medium.writes),
        },
        "roles": list(profile.roles),
        "services": {service: list(syntaxes) for service, syntaxes in profile.services.items()},
        "keys": [
            {"record_type": record_type, "keyword": key.keyword, "type": key.type, "condition": key.condition}
            for record_type, keys in PROFILE_KEYS[profile.keys].items()
            for key in keys
        ],
        "icon": {"required": profile.icon.required, "size": profile.icon.size},
        "security": profile.security,
        "rules": [
            {"rule": rule, "sop_class": classes, "attribute": attribute, "must_be": must, "where": where}
            for rule, classes, attribute, must, where in islice(constraints_of(profile), 1, None)
        ],
        "note": profile.note,
    }
