"""The options of every verb that copies or sends and can change the values of patient and order."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from fileset.cli.options import add_value, add_values, keys_of
from fileset.cli.output import say
from fileset.errors import RefusedError, RuleError

if TYPE_CHECKING:
    from fileset.plan.instances import Finder
    from fileset.plan.transform import Streamed
    from fileset.transfer.peer import Tls
    from fileset.transfer.reconciliation import Reconciliation

_TITLE: Final = "FILESET"


def add_reconciliation(parser: ArgumentParser) -> None:
    """Add the options for values that replace values of the files; Original Attributes Sequence keeps the old values."""
    group = parser.add_argument_group(
        "patient and order",
        "Other values for the copied or sent files. UIDs stay, and the old values are kept in Original Attributes "
        "Sequence (0400,0561).",
    )
    add_values(group, "--set", "KEYWORD=VALUE", "a new value; the files must be of one patient")
    add_value(
        group,
        "--map",
        "FILE.csv",
        "new values for several patients: a first column OldPatientID or StudyInstanceUID, then keywords",
    )
    add_value(
        group, "--worklist", "AET@HOST:PORT", "take patient and accession number from the entry that --match finds"
    )
    add_values(
        group,
        "--match",
        "KEY=VALUE",
        "which entry of the worklist, such as AccessionNumber=A123; exactly one must match",
    )


def reconciliation_of(options: Namespace, tls: Tls | None = None) -> Reconciliation | None:
    """Build the reconciliation that the options ask for, None if there is none. Queries the worklist if one is named.

    Raises `RuleError` for a value that cannot be set, `RefusedError` unless one entry of the worklist matches.
    """
    if options.match and not options.worklist:
        raise RuleError("--match is for --worklist AET@HOST:PORT")
    if not (options.set or options.map or options.worklist):
        return None
    from fileset.transfer.reconciliation import NewValues, Reconciliation, values_of

    given: dict[str, str] = {}
    if options.worklist:
        from fileset.transfer.association import PeerSettings
        from fileset.transfer.peer import Peer, title_of
        from fileset.transfer.worklist import from_worklist

        title = title_of(getattr(options, "title", _TITLE))
        given = from_worklist(PeerSettings(Peer.of(options.worklist), title, tls), keys_of(options.match))
    given |= keys_of(options.set)
    table = NewValues.read(options.map) if options.map else None
    return Reconciliation(values_of(given), table)


def rewriting(reconciliation: Reconciliation | None) -> Streamed | None:
    """Make the rewrite that changes files, None if nothing is to be changed."""
    if reconciliation is None:
        return None
    from functools import partial

    from fileset.plan.transform import Streamed
    from fileset.transfer.reconciled import rewritten

    return Streamed(partial(rewritten, reconciliation))


def reconciled(
    reader: Finder, reconciliation: Reconciliation | None, keys: Mapping[str, str], *, listed_only: bool
) -> Finder:
    """Return a finder of the instances of `reader` with their new values; `reader` itself if nothing is to be changed.

    Raises `RefusedError` if one value is to be set for more than one patient.
    """
    if reconciliation is None:
        return reader
    from fileset.extraction.complete import Complete
    from fileset.plan.instances import RecordFinder
    from fileset.transfer.reconciled import Reconciled

    source = Complete(reader, listed_only) if isinstance(reader, RecordFinder) else reader
    patients = (record.patient.get("PatientID") for record in source.find(**keys) if record.patient)
    require_one_patient(reconciliation, (str(patient or "") for patient in patients))
    return Reconciled(source, reconciliation)


def require_one_patient(reconciliation: Reconciliation | None, patients: Iterable[str]) -> None:
    """Raise `RefusedError` if one value is to be set for more than one patient."""
    found = sorted(set(patients))
    if reconciliation is not None and reconciliation.fixed and len(found) > 1:
        raise RefusedError(
            f"the files are of {len(found)} patients ({', '.join(map(repr, found[:5]))}): one value cannot be right for all; "
            "nothing was done",
            advice="Choose one with PatientID=..., or use --map",
        )


def tell_changes(changes: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
    """Write to standard error which keys changed in which study."""
    for study, values in changes.items():
        said = ", ".join(f"{keyword} {old!r} -> {new!r}" for keyword, (old, new) in values.items())
        say(f"study {study}: {said}")
