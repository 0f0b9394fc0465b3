"""Options that several verbs share, and their translation into arguments of the roles."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.options import (
    add_common,
    add_flag,
    add_format,
    add_keys,
    add_sealing,
    add_value,
    file_path,
    positive,
)
from fileset.cli.output import picked
from fileset.cli.progress import progress
from fileset.errors import RuleError

if TYPE_CHECKING:
    from argparse import _ActionsContainer, _ArgumentGroup

    from fileset.plan.cluster import ClusterExecutor
    from fileset.updater import Updater

_SHARED: Final[dict[str, dict[str, Any]]] = {
    "--file-set-id": {"metavar": "ID", "help": "up to 16 of A-Z, 0-9 and _, as on a label"},
    "--descriptor": {
        "metavar": "FILE_ID", "dest": "descriptor_file_id",
        "help": "a text file about the file-set, such as README",
    },
    "--descriptor-charset": {
        "metavar": "CS", "dest": "descriptor_character_set",
        "help": "character set of that file, such as ISO_IR 100",
    },
    "--dry-run": {"action": "store_true", "help": "write nothing; show the plan, with -v every file"},
    "--manifest": {
        "metavar": "FILE", "type": file_path,
        "help": "write the SHA-256 of every written file, as sha256sum does",
    },
    "--jobs": {
        "metavar": "N", "type": positive,
        "help": "number of processes that read (default: chosen by the number of files)",
    },
    "--cluster": {
        "metavar": "ADDRESS",
        "help": "let the workers of a Dask scheduler read the headers, such as tcp://host:8786; they must see the files "
        "under the same paths",
    },
    "--exclude": {
        "metavar": "PATTERN", "action": "append", "default": [],
        "help": "leave out files and folders with these names, such as '*.tmp'; may be repeated",
    },
    "--strict-sources": {
        "action": "store_true",
        "help": "exit with 3 also for files that are not DICOM, such as a viewer or a README",
    },
    "--icons": {
        "nargs": "?", "const": "image", "choices": ("image", "series"),
        "help": "write small pictures into the DICOMDIR: for each image (4 kB each), or one for each series",
    },
    "--keys": {
        "metavar": "KEYS", "dest": "record_keys", "default": "usual",
        "help": "keys in the records: usual (descriptions, positions and the like), minimal, or +KEYWORD,+KEYWORD to add "
        "attributes to the usual ones (default: usual)",
    },
    "--profile": {
        "metavar": "ID",
        "help": "write under this application profile, such as STD-GEN-CD: add its keys, and refuse files that do not "
        "conform (`fileset profiles` lists all)",
    },
    "--strict": {"action": "store_true", "help": "write nothing unless every file conforms to the profile"},
    "--transcode": {
        "action": "store_true",
        "help": "with --profile: decompress files, and write them in Explicit VR Little Endian, where the profile does not "
        "allow their transfer syntax; the pixels stay the same",
    },
    "--hl7-document": {
        "metavar": "FILE", "dest": "documents", "action": "append", "default": [],
        "help": "add an HL7 CDA document (XML) as an Encapsulated CDA instance; may be repeated",
    },
    "--hl7-native": {
        "action": "store_true",
        "help": "add these documents unchanged (XML or MIME packages), under the retired HL7 STRUC DOC record",
    },
    "--missing": {
        "choices": ("invent", "refuse"), "default": "invent",
        "help": "a file lacks a value that its record must have: invent and report it, or refuse the file (default: invent)",
    },
    "--invalid-uid": {
        "choices": ("refuse", "accept"), "default": "accept",
        "help": "a UID breaks the rules but has only digits and dots: refuse the file, or accept it with a warning "
        "(default: accept)",
    },
    "--patient-conflict": {
        "choices": ("refuse", "split", "merge"), "default": "refuse",
        "help": "one Patient ID has two persons, or one study has two Patient IDs: refuse the later files, split them "
        "into separate records, or merge them with the first (default: refuse)",
    },
    "--unknown-sop-class": {
        "choices": ("image", "private", "refuse"), "default": "image",
        "help": "the SOP class is not in the tables of the Standard: list the file as IMAGE if it has pixels and otherwise as "
        "PRIVATE, always list it as PRIVATE, or refuse it (default: image)",
    },
    "--trust-dicomdir": {
        "action": "store_true",
        "help": "if a file and its record in the DICOMDIR disagree about patient, study or series, use the record (default: "
        "the file). Each disagreement is reported",
    },
    "--add-header": {
        "action": "store_true", "help": "accept data sets without a Part 10 header, and write them with one",
    },
    "--preamble": {
        "choices": ("keep", "zero"), "default": "keep",
        "help": "zero: clear a preamble that is neither zero nor TIFF, because it may make the file a program "
        "(default: keep, and copy every byte)",
    },
    "--force": {
        "action": "store_true",
        "help": "change an image even if the new image loses features that only other programs write: a boot record, Rock "
        "Ridge",
    },
}  # fmt: skip
"""The options that several verbs have, with the arguments of `add_argument`."""


def add_shared(target: _ActionsContainer, *names: str) -> None:
    """Add some of the shared options."""
    for name in names:
        target.add_argument(name, **_SHARED[name])


def add_options(parser: ArgumentParser) -> _ArgumentGroup:
    """Add the options of `create` and `index`, and return the group about files."""
    identity = add_identification(parser)
    add_value(identity, "--file-set-uid", "UID", "the File-set UID (default: a new one)")
    about_files = add_rules(parser)
    add_flag(parser, "--replace", "replace the file-set that is there")
    add_flag(parser, "--undefined-lengths", "write sequences and items of the DICOMDIR with undefined length")
    add_shared(about_files, "--strict-sources")
    add_shared(parser, "--icons", "--keys", "--profile", "--strict")
    add_writing(parser)
    return about_files


IDENTIFICATION: Final = ("file_set_id", "descriptor_file_id", "descriptor_character_set")
"""The options of the File-set Identification Module, as roles name them."""


def add_identification(parser: ArgumentParser) -> _ArgumentGroup:
    """Add the options of the File-set Identification Module, None by default."""
    identity = parser.add_argument_group("identification of the file-set")
    add_shared(identity, "--file-set-id", "--descriptor", "--descriptor-charset")
    return identity


def add_rules(parser: ArgumentParser, *, patients: bool = True) -> _ArgumentGroup:
    """Add the options for files that break rules; `patients` adds --patient-conflict."""
    rules = parser.add_argument_group("files that break rules")
    conflict = ("--patient-conflict",) if patients else ()
    add_shared(rules, "--missing", "--invalid-uid", *conflict, "--unknown-sop-class")
    return rules


def add_writing(parser: ArgumentParser, *, scans: bool = True) -> None:
    """Add the options of every verb that writes; `scans` is true if the verb reads the headers of files."""
    add_shared(parser, "--dry-run", "--manifest", *(("--jobs",) if scans else ()))
    add_common(parser)


@contextmanager
def at_work(options: Namespace) -> Iterator[dict[str, Any]]:
    """Yield, for the duration of the work, the arguments of a role for its progress and for the cluster of --cluster.

    Raises as `ClusterExecutor.at`.
    """
    with _cluster(options) as executor, progress(options) as phases:
        yield {"executor": executor, "progress": phases}


def _cluster(options: Namespace) -> AbstractContextManager[ClusterExecutor | None]:
    if getattr(options, "cluster", None) is None:
        return nullcontext()
    if options.jobs:
        raise RuleError("--cluster and --jobs exclude each other: the cluster has its own workers")
    from fileset.plan.cluster import ClusterExecutor

    return ClusterExecutor.at(options.cluster)


_OF_ROLES: Final = (
    *("missing", "invalid_uid", "patient_conflict", "unknown_sop_class", "preamble", "add_header", "trust_dicomdir"),
    *("icons", "profile", "strict", "transcode", "naming", "force", "jobs"),
)
"""The options of verbs that roles have under the same name."""
_RENAMED: Final = {"format": "medium_format", "record_keys": "keys"}
"""The options of verbs that roles have under another name."""


def role_options(options: Namespace) -> dict[str, Any]:
    """Collect the options of the verb that a role takes, as keyword arguments."""
    names = {name: name for name in _OF_ROLES} | _RENAMED
    return {names[name]: value for name, value in vars(options).items() if name in names}


def settings(options: Namespace) -> dict[str, Any]:
    """Collect the options as keyword arguments of `Creator` and `index`."""
    return picked(options, *IDENTIFICATION, "file_set_uid", "replace", "undefined_lengths") | role_options(options)


def identify(updater: Updater, options: Namespace) -> None:
    """Change the File-set Identification by the options."""
    if options.file_set_id is not None:
        updater.file_set_id = options.file_set_id
    if options.descriptor_file_id is not None:
        updater.descriptor_file_id = options.descriptor_file_id or None
    if options.descriptor_character_set is not None:
        updater.descriptor_character_set = options.descriptor_character_set


def add_changed(parser: ArgumentParser, text: str = "a folder or image with a DICOMDIR, or the DICOMDIR") -> None:
    """Add the medium that a verb changes, whose help is `text`."""
    parser.add_argument("medium", metavar="MEDIUM", help=text)
    add_format(parser)
    add_sealing(parser)


def add_matched(parser: ArgumentParser) -> None:
    """Add the medium, and KEY=VALUE for the instances in it that a verb changes."""
    add_changed(parser)
    add_keys(parser)
