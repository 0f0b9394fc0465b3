"""Options that the verbs which write have in common."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.options import add_common, add_format, add_keys, add_sealing, file_path, positive

if TYPE_CHECKING:
    from argparse import _ActionsContainer, _ArgumentGroup

    from fileset.updater import Updater


def add_options(parser: ArgumentParser) -> _ArgumentGroup:
    """Add the options of `create` and `index`, and return the group about files."""
    identity = add_identification(parser)
    identity.add_argument("--file-set-uid", metavar="UID", help="the File-set UID (default: a new one)")
    about_files = add_rules(parser)
    parser.add_argument("--replace", action="store_true", help="replace the file-set that is there")
    parser.add_argument(
        "--undefined-lengths",
        action="store_true",
        help="write sequences and items of the DICOMDIR with undefined length",
    )
    add_strict_sources(about_files)
    add_icons(parser)
    add_record_keys(parser)
    add_profile(parser)
    add_writing(parser)
    return about_files


def add_icons(parser: ArgumentParser) -> None:
    """Add the option for icons."""
    parser.add_argument(
        "--icons",
        nargs="?",
        const="image",
        choices=("image", "series"),
        help="write small pictures into the DICOMDIR: for each image (4 kB each), or one for each series",
    )


def add_identification(parser: ArgumentParser) -> _ArgumentGroup:
    """Add the options of the File-set Identification Module, None by default."""
    identity = parser.add_argument_group("identification of the file-set")
    identity.add_argument("--file-set-id", metavar="ID", help="up to 16 of A-Z, 0-9 and _, as on a label")
    identity.add_argument("--descriptor", metavar="FILE_ID", help="a text file about the file-set, such as README")
    identity.add_argument("--descriptor-charset", metavar="CS", help="character set of that file, such as ISO_IR 100")
    return identity


def add_rules(parser: ArgumentParser, *, invalid_uid: str = "accept", patients: bool = True) -> _ArgumentGroup:
    """Add the options for files that break rules; `invalid_uid` is the default of --invalid-uid, `patients` adds --patient-conflict."""
    rules = parser.add_argument_group("files that break rules")
    rules.add_argument(
        "--missing",
        choices=("invent", "refuse"),
        default="invent",
        help="a file lacks a value that its record must have: invent and report it, or refuse the file (default: invent)",
    )
    rules.add_argument(
        "--invalid-uid",
        choices=("refuse", "accept"),
        default=invalid_uid,
        help="a UID breaks the rules but has only digits and dots: refuse the file, or accept it with a warning "
        f"(default: {invalid_uid})",
    )
    if patients:
        rules.add_argument(
            "--patient-conflict",
            choices=("refuse", "split", "merge"),
            default="refuse",
            help="one Patient ID has two persons, or one study has two Patient IDs: refuse the later files, split them "
            "into records of their own, or merge them with the first (default: refuse)",
        )
    rules.add_argument(
        "--unknown-sop-class",
        choices=("image", "private", "refuse"),
        default="image",
        help="the SOP class is not in the tables of the Standard: list the file as IMAGE if it has pixels and otherwise as "
        "PRIVATE, always list it as PRIVATE, or refuse it (default: image)",
    )
    return rules


def add_record_keys(parser: ArgumentParser) -> None:
    """Add the option for the optional keys of records."""
    parser.add_argument(
        "--keys",
        dest="record_keys",
        metavar="KEYS",
        default="usual",
        help="keys in the records: usual (descriptions, positions and the like), minimal, or +KEYWORD,+KEYWORD to add "
        "attributes to the usual ones (default: usual)",
    )


def add_profile(parser: ArgumentParser) -> None:
    """Add the options for an application profile."""
    parser.add_argument(
        "--profile",
        metavar="ID",
        help="write under this application profile, such as STD-GEN-CD: add its keys, and refuse files that do not "
        "conform (`fileset profiles` lists all)",
    )
    parser.add_argument("--strict", action="store_true", help="write nothing unless every file conforms to the profile")


def add_transcode(parser: ArgumentParser) -> None:
    """Add the option that changes files to a transfer syntax of the profile."""
    parser.add_argument(
        "--transcode",
        action="store_true",
        help="with --profile: decompress files, and write them in Explicit VR Little Endian, where the profile does not "
        "allow their transfer syntax; the pixels stay the same",
    )


def add_documents(parser: ArgumentParser) -> None:
    """Add the options for HL7 documents."""
    parser.add_argument(
        "--hl7-document",
        dest="documents",
        metavar="FILE",
        action="append",
        default=[],
        help="add an HL7 CDA document (XML) as an Encapsulated CDA instance; may be repeated",
    )
    parser.add_argument(
        "--hl7-native",
        action="store_true",
        help="add these documents unchanged (XML or MIME packages), under the retired HL7 STRUC DOC record",
    )


def add_trust(group: ArgumentParser | _ArgumentGroup) -> None:
    """Add the option to trust a record more than its file."""
    group.add_argument(
        "--trust-dicomdir",
        action="store_true",
        help="if a file and its record in the DICOMDIR disagree about patient, study or series, use the record (default: "
        "the file). Each disagreement is reported",
    )


def add_preamble(about_files: _ArgumentGroup) -> None:
    """Add the options for copied files: their preambles, headers and patients."""
    add_trust(about_files)
    about_files.add_argument(
        "--add-header", action="store_true", help="take data sets without a Part 10 header, and write them with one"
    )
    about_files.add_argument(
        "--preamble",
        choices=("keep", "zero"),
        default="keep",
        help="zero: clear a preamble that is neither zero nor TIFF, because it may make the file a program "
        "(default: keep, and copy every byte)",
    )


def add_strict_sources(about_files: _ActionsContainer) -> None:
    """Add the option that makes `create` incomplete (exit code 3) if a source is not DICOM."""
    about_files.add_argument(
        "--strict-sources",
        action="store_true",
        help="exit with 3 also for files that are not DICOM, such as a viewer or a README",
    )


def add_writing(parser: ArgumentParser, *, scans: bool = True) -> None:
    """Add the options of every verb that writes; `scans` is true if the verb reads the headers of files."""
    parser.add_argument("--dry-run", action="store_true", help="write nothing; show the plan, with -v every file")
    parser.add_argument(
        "--manifest", metavar="FILE", type=file_path, help="write the SHA-256 of every written file, as sha256sum does"
    )
    if scans:
        parser.add_argument(
            "--jobs",
            metavar="N",
            type=positive,
            help="number of processes that read (default: chosen by the number of files)",
        )
    add_common(parser)


def add_force(parser: ArgumentParser) -> None:
    """Add the option to change an image although the new image cannot keep all its features."""
    parser.add_argument(
        "--force",
        action="store_true",
        help="change an image even if the new image loses features that only other programs write: a boot record, Rock "
        "Ridge",
    )


_OPTIONS_OF_ROLES: Final = (
    *("missing", "invalid_uid", "patient_conflict", "unknown_sop_class", "preamble", "add_header", "trust_dicomdir"),
    *("icons", "profile", "strict", "transcode", "naming", "force", "jobs"),
)
"""The options of verbs that roles have under the same name."""


def role_options(options: Namespace) -> dict[str, Any]:
    """Return those of the options that a role takes, as keyword arguments: as many as the verb has."""
    chosen = {name: getattr(options, name) for name in _OPTIONS_OF_ROLES if hasattr(options, name)}
    return chosen | ({"keys": options.record_keys} if hasattr(options, "record_keys") else {})


def settings(options: Namespace) -> dict[str, Any]:
    """Return the options as keyword arguments of `Creator` and `index`."""
    return {
        "file_set_id": options.file_set_id,
        "file_set_uid": options.file_set_uid,
        "descriptor_file_id": options.descriptor,
        "descriptor_character_set": options.descriptor_charset,
        "replace": options.replace,
        "undefined_lengths": options.undefined_lengths,
        **role_options(options),
    }


def identify(updater: Updater, options: Namespace) -> None:
    """Change the File-set Identification by the options."""
    if options.file_set_id is not None:
        updater.file_set_id = options.file_set_id
    if options.descriptor is not None:
        updater.descriptor_file_id = options.descriptor or None
    if options.descriptor_charset is not None:
        updater.descriptor_character_set = options.descriptor_charset


def add_matched(parser: ArgumentParser) -> None:
    """Add the medium, and KEY=VALUE for the instances in it that a verb changes."""
    parser.add_argument("medium", metavar="MEDIUM", help="a folder or image with a DICOMDIR")
    add_format(parser)
    add_sealing(parser)
    add_keys(parser)
