"""The media part of a conformance statement in the form of PS3.2, generated from the tables that the program works by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from attrs import frozen

from fileset.dicom.character_sets import CODECS
from fileset.profiles.words import ROLE_NAMES, Row
from fileset.standard import tags
from fileset.standard.profiles import ANY_CLASSES, PROFILES, S_MIME
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.syntaxes import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, SYNTAX_NAMES
from fileset.standard.usual_keys import USUAL_KEYS

_ACTIVITIES: Final = (
    ("Application Entity", "Role", "Real-World Activity", "Command"),
    ("FILESET", "FSC", "Create File-set", "create, index"),
    ("FILESET", "FSR", "Display Directory, Copy Instances", "list, info, extract, send, pages, view, check"),
    ("FILESET", "FSU", "Update File-set", "add, remove, refresh, repair"),
)
_NATIVE: Final = frozenset((IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED))
_VIDEO: Final = tuple(f"1.2.840.10008.1.2.4.10{number}" for number in range(9))
_FORMATS: Final = {
    "folder": "a folder, to be copied or burned",
    "iso": "an ISO 9660 image",
    "iso+udf": "an ISO 9660 image with a UDF bridge",
    "zip": "a ZIP archive",
}


@frozen
class Implementation:
    """The identity of the program: its name, version, Implementation Class UID and Implementation Version Name."""

    product: str
    version: str
    class_uid: str
    version_name: str
    private_record_uid: str


@frozen
class Section:
    """A numbered section: its heading, paragraphs, and a table whose first row holds the headings."""

    number: str
    title: str
    paragraphs: tuple[str, ...] = ()
    table: Sequence[Row] = ()


def sections(one: Implementation) -> Iterator[Section]:
    """Yield the sections of the statement."""
    yield Section("1", "Conformance Statement Overview", (
        (f"{one.product} creates, reads and updates DICOM File-sets on interchange media (PS3.10, PS3.11, PS3.12). This "
        "statement covers only media."),
    ))  # fmt: skip
    yield Section("2", "Implementation Identifying Information", (), (
        ("Item", "Value"),
        ("Product", f"{one.product} {one.version}"),
        ("Implementation Class UID (0002,0012)", one.class_uid),
        ("Implementation Version Name (0002,0013)", one.version_name),
        ("Source Application Entity Title (0002,0016)", "not written"),
    ))  # fmt: skip
    yield Section("3", "Application Entity Specification", (
        ("There is one Application Entity, FILESET, in three roles. DICOM files are copied byte for byte, with the File "
        "Meta Information of their source; the identifiers above are those of the DICOMDIR, and of files that were "
        "transcoded."),
    ), _ACTIVITIES)  # fmt: skip
    yield Section("4", "Media Storage Application Profiles and Roles", (
        ("A profile is supported as a File-set Creator and Updater where `--profile` takes it. Files are read, copied and "
        "listed under all of them; images are decoded only for pictures, icons and transcoding, with the extra `images`."),
        ("Profiles with SEC use the Basic DICOM Media Security Profile (PS3.15 D.1), with the extra `secure`. Written are "
        "AES-256 in CBC mode, RSA and password recipients, and inside a SHA-256 digest or an RSA signature; read are all "
        "algorithms of D.1."),
    ), [*_profiles()])  # fmt: skip
    yield Section("5", "SOP Classes", (
        ("Every Storage SOP Class that is current has the directory record that PS3.3 F.5 gives it. Those that are retired "
        "are read and listed, and refused under a profile."),
    ), [*_classes()])  # fmt: skip
    yield Section("6", "Transfer Syntaxes", (
        ("Files of every transfer syntax are copied unchanged. A DICOMDIR is read in Explicit and Implicit VR, Little "
        "and Big Endian, and always written in Explicit VR Little Endian (PS3.10 8.6)."),
    ), [*_syntaxes()])  # fmt: skip
    yield Section("7", "Directory Records: Additional Keys", (
        ("Beside the keys of PS3.3 F.5, and those of the profile, records hold these Type 3 keys where an instance has "
        "them. `--keys minimal` leaves them out."),
    ), [*_keys()])  # fmt: skip
    yield Section("8", "Augmented and Private Application Profiles", (
        ("Augmented Application Profiles: none. Keys of Type 3 beyond those of a profile (section 7, and the attributes "
        "that the user adds with `--keys +KEYWORD`) do not change the profile that is claimed."),
        ("Private Application Profiles: none. A File-set that is written without `--profile` claims no profile."),
    ))  # fmt: skip
    yield Section("9", "Support of Character Sets", (
        ("Records hold text in the character set of the instance, or in ISO_IR 192 where instances of one patient, study "
        "or series use several. Combinations with code extensions (ISO 2022) are read and kept."),
    ), [*_character_sets()])  # fmt: skip
    yield Section("10", "Extensions, Specializations and Privatizations", (
        ("Instances of a SOP Class without a record type become an IMAGE record if they have pixel data. On request they "
        f"become a PRIVATE record with Private Record UID {one.private_record_uid}."),
        ("A Type 1 key without a value in the instance is made from its UIDs and reported; `--missing refuse` refuses the "
        "file instead."),
    ))  # fmt: skip


def _profiles() -> Iterator[Row]:
    yield "Profile", "PS3.11", "Creator", "Reader", "Updater", "Written as"
    for profile in PROFILES.values():
        supported = ("yes" if role in profile.roles else "-" for role in ROLE_NAMES)
        secured = "; every file encrypted" if profile.secure else ""
        secured = "; the mail program secures the e-mail" if profile.security == S_MIME else secured
        forms = ", ".join(_FORMATS[form] for form in profile.medium.writes if form in _FORMATS) + secured
        yield profile.id, profile.annex, *supported, forms if "FSC" in profile.roles else "-"


def _classes() -> Iterator[Row]:
    yield "SOP Class", "UID", "Record type", "Create", "Read"
    for uid in sorted(ANY_CLASSES, key=lambda uid: [int(part) for part in uid.split(".")]):
        row = SOP_CLASSES[uid]
        yield row.name, uid, row.record_type or "PRIVATE, on request", "yes", "yes"


def _syntaxes() -> Iterator[Row]:
    yield "Transfer Syntax", "UID", "Copied", "Decoded", "Result of transcoding"
    for uid, name in SYNTAX_NAMES.items():
        decoded = "no" if uid in _VIDEO else "yes" if uid in _NATIVE else "with the extra images"
        yield name, uid, "yes", decoded, "yes" if uid == EXPLICIT else "no"


def _keys() -> Iterator[Row]:
    yield "Record", "Key", "Tag", "Type"
    for level, keys in USUAL_KEYS.items():
        for key in keys:
            yield level or "instances of a series", key.keyword, tags.text(key.tag), key.type


def _character_sets() -> Iterator[Row]:
    yield ("Defined Term",)
    yield from ((term,) for term in CODECS if term)


def as_markdown(one: Implementation) -> Iterator[str]:
    """Format the statement as Markdown, line by line."""
    yield f"# DICOM Conformance Statement: media of {one.product} {one.version}"
    for section in sections(one):
        yield from ("", f"## {section.number} {section.title}")
        for paragraph in section.paragraphs:
            yield from ("", paragraph)
        if section.table:
            head, *rows = section.table
            yield ""
            yield f"| {' | '.join(head)} |"
            yield f"|{'---|' * len(head)}"
            yield from (f"| {' | '.join(row)} |" for row in rows)


def as_html(one: Implementation) -> Iterator[str]:
    """Format the statement as an HTML document, line by line."""
    title = escape(f"DICOM Conformance Statement: media of {one.product} {one.version}")
    yield f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
    yield f"<h1>{title}</h1>"
    for section in sections(one):
        yield f"<h2>{section.number} {escape(section.title)}</h2>"
        yield from (f"<p>{escape(paragraph)}</p>" for paragraph in section.paragraphs)
        if section.table:
            head, *rows = section.table
            yield "<table>"
            yield f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"
            yield from (f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
            yield "</table>"
    yield "</body></html>"
