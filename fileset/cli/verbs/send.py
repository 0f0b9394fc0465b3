"""`fileset send`: send the instances of media to a PACS."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, define, field

from fileset.cli.findings import LINES, PARTLY, finding_row, hides_records, joint_code, tell_findings
from fileset.cli.options import (
    add_common,
    add_flag,
    add_format,
    add_opening,
    add_value,
    add_values,
    positive,
    split_media,
)
from fileset.cli.output import complain, counted, cut, grouped, json_text, picked, say, sized, write_document
from fileset.cli.progress import progress
from fileset.cli.read_options import identification, opened_whole, tell_unmatched
from fileset.cli.reconcile_options import add_reconciliation, reconciliation_of, require_one_patient, tell_changes
from fileset.cli.signals import after_work, noting
from fileset.errors import FilesetError, RuleError, asked_for, without_password

if TYPE_CHECKING:
    from fileset.plan.instances import InstanceRecord
    from fileset.transfer import Probe, SendReport, Tls
    from fileset.transfer.reconciliation import Reconciliation

EXAMPLES: Final = (
    "fileset send DISC.iso --to ARCHIVE@pacs.example.org:104",
    "fileset send DISC --stow https://pacs.example.org/dicom-web",
)
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~\t]*)").fullmatch


@define
class _Outcome:
    """The result for one medium."""

    name: str
    file_set: dict[str, Any] = field(factory=dict)
    findings: list[Any] = field(factory=list)
    report: SendReport | None = None
    probe: Probe | None = None
    problem: FilesetError | None = None
    partly: bool = False

    @property
    def code(self) -> int:
        """The exit code for this medium alone."""
        if self.problem is not None:
            return self.problem.exit_code
        complete = all(one.complete for one in (self.report, self.probe) if one is not None)
        disagrees = self.report is not None and self.report.disagreements
        return PARTLY if self.partly or disagrees or not complete else 0


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = (
        "fileset send MEDIUM... --to AET@HOST:PORT [KEY=VALUE...]\n"
        "       fileset send MEDIUM... --stow URL [KEY=VALUE...]"
    )
    parser.add_argument(
        "arguments", nargs="+", metavar="MEDIUM", help="folders, images or archives, with or without DICOMDIR"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    add_value(where, "--to", "AET@HOST:PORT", "send by C-STORE", default="")
    add_value(where, "--stow", "URL", "send by STOW-RS to a DICOMweb service", default="")
    add_value(parser, "--as", "AET", "our own AE Title (default: FILESET)", dest="title", default="FILESET")
    add_flag(parser, "--scan", "look into every file instead of the DICOMDIR")
    add_flag(parser, "--dry-run", "with --to: ask which files the PACS accepts, and send nothing")
    add_flag(parser, "--transcode", "decompress the files that the PACS does not accept as they are (extra images)")
    _add_delivery(parser)
    _add_security(parser)
    add_reconciliation(parser)
    add_format(parser, opens=False)
    add_opening(parser, "--medium-")
    add_common(parser)


def _add_delivery(parser: ArgumentParser) -> None:
    add_value(
        parser,
        "--jobs",
        "N",
        "number of associations or requests at the same time (default: 2)",
        type=positive,
        default=2,
    )
    add_value(parser, "--retries", "N", "number of retries after a temporary failure (default: 3)", type=int, default=3)
    add_value(parser, "--timeout", "SECONDS", "longest wait for each answer (default: 30)", type=positive, default=30)
    add_value(parser, "--journal", "FILE", "record each file that arrived; a second run sends only the rest")
    add_value(
        parser,
        "--commit",
        "PORT",
        "ask for Storage Commitment; the PACS answers to our AE Title at PORT",
        type=positive,
    )


def _add_security(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("security")
    add_flag(group, "--tls", "secure the connection of --to; --stow does so for https")
    add_value(group, "--ca", "FILE", "trusted certificates (default: the certificates of the system)", default="")
    add_value(group, "--cert", "FILE", "our own certificate", default="")
    add_value(group, "--key", "FILE", "its private key", default="")
    add_values(group, "--header", "'NAME: VALUE'", "a header for --stow")
    add_value(group, "--header-file", "FILE", "headers for --stow, one a line, such as Authorization: Bearer ...")


def run(options: Namespace) -> int:
    """Send the matching instances of each medium, and report."""
    media, keys = split_media(options.arguments)
    tls = _tls(options)
    if options.stow and (options.dry_run or options.commit):
        raise RuleError("--dry-run and --commit work only with --to")
    options.headers = _headers(options)
    reconciliation = reconciliation_of(options, tls)
    chosen = picked(options, "to", "title", "timeout", "transcode")
    chosen |= {"tls": tls, "keys": keys, "change": reconciliation.change if reconciliation else None}
    outcomes = [_one(medium, reconciliation, chosen, options) for medium in media]
    if len(outcomes) == 1 and outcomes[0].problem is not None:
        raise outcomes[0].problem
    if options.json:
        members = {"peer": options.to or without_password(options.stow), "media": map(json_text, map(_row, outcomes))}
        with after_work("the files that arrived stay there" if any(one.report for one in outcomes) else ""):
            write_document("fileset.send/1", members)
    return joint_code(outcome.code for outcome in outcomes)


def _one(medium: str, reconciliation: Reconciliation | None, chosen: dict[str, Any], options: Namespace) -> _Outcome:
    outcome, keys = _Outcome(medium), chosen["keys"]
    try:
        with opened_whole(medium, options) as reader:
            outcome.file_set = identification(reader)
            found = list(reader.find(**keys))
            require_one_patient(reconciliation, map(_patient, found))
            _transfer(found, chosen, outcome, options)
            if not found and any(True for _ in reader.instances):
                tell_unmatched(keys, options, reader)
            outcome.findings = list(reader.findings)
            outcome.partly = not found or hides_records(outcome.findings)
    except FilesetError as problem:
        outcome.problem = problem
        if len(options.arguments) > 1:
            complain(f"{medium}: {problem.text(known_path=medium, command=True)}")
        return outcome
    _tell(outcome, reconciliation, options)
    return outcome


def _patient(instance: InstanceRecord) -> str:
    patient = instance.patient
    value = patient.get("PatientID") if patient else None
    return "" if value is None else str(value)


def _transfer(found: Sequence[InstanceRecord], chosen: dict[str, Any], outcome: _Outcome, options: Namespace) -> None:
    from fileset.transfer import probe, send

    if options.dry_run:
        outcome.probe = probe(found, **chosen)
        return
    delivery = picked(options, "stow", "headers", "jobs", "retries", "journal") | {"commit_port": options.commit}
    again = "; run the command again to continue" if options.journal else ""
    with noting(f"the files that arrived stay there{again}"), progress(options) as phases:
        outcome.report = send(found, progress=phases, **chosen, **delivery)


# ---------------------------------------------------------------- options


def _tls(options: Namespace) -> Tls | None:
    from fileset.transfer.peer import Tls

    if not options.tls and not options.stow and (options.ca or options.cert or options.key):
        raise RuleError("--ca, --cert and --key work only with --tls, or with --stow https://...")
    return Tls(options.ca, options.cert, options.key) if options.tls or options.stow else None


def _headers(options: Namespace) -> dict[str, str]:
    lines = list(options.header)
    if options.header_file:
        with asked_for(options.header_file), open(options.header_file, encoding="latin-1") as file:
            lines += [line for line in file.read().splitlines() if line.strip()]
    if lines and not options.stow:
        raise RuleError("--header and --header-file work only with --stow")
    return dict(map(_header, lines))


def _header(line: str) -> tuple[str, str]:
    found = _HEADER(line.strip())
    if found is None:
        raise RuleError("a header is of the form NAME: VALUE, such as Authorization: Bearer ...")  # it may be a secret
    return found[1], found[2]


# ---------------------------------------------------------------- report


def _tell(outcome: _Outcome, reconciliation: Reconciliation | None, options: Namespace) -> None:
    report = outcome.report
    if not options.json:
        if outcome.probe is not None:
            _tell_probe(outcome.name, outcome.probe)
        if report is not None:
            say(*_lines(report, everything=options.verbose))
        if report is not None and reconciliation is not None and not options.quiet:
            tell_changes(reconciliation.changes)
        tell_findings(outcome.findings, everything=options.verbose, quiet=options.quiet)
    if report is not None and (not options.quiet or outcome.code):
        say(f"{outcome.name}: {_summary(report)}")


def _lines(report: SendReport, *, everything: bool) -> Iterator[str]:
    yield from _lost_lines(report, everything=everything)
    yield from _note_lines(report, everything=everything)
    if report.disagreements:
        yield f"{counted(len(report.disagreements), 'disagreement')} of a file with its record, or of two files:"
    yield from (f"  {sentence}" for sentence in report.disagreements)


def _lost_lines(report: SendReport, *, everything: bool) -> Iterator[str]:
    lost = [(one.file_id, one.reason) for one in report.lost]
    lost += [(uid, f"not committed: {reason}") for uid, reason in report.not_committed.items()]
    if lost:
        what = "not sent, or not committed" if report.not_committed else "not sent"
        yield f"{counted(len(lost), 'instance')} {what}:"
    lines = [f"  {name}: {reason}" for name, reason in lost]
    yield from cut(lines, None if everything else LINES, "  ... and {:,} more (-v or --json names every one)")


def _note_lines(report: SendReport, *, everything: bool) -> Iterator[str]:
    """List the notes of the peer on the instances that it accepted, each with its number of instances."""
    accepted = [one for one in report.instances if one.there]
    notes = grouped((note, one.file_id) for one in accepted for note in (one.reason, one.transcoded) if note)
    for reason, names in notes.items():
        lines = [f"  {name}: {reason}" for name in names]
        yield from cut(lines, None if everything else 1, "  ... and {:,} more with the same note")


def _summary(report: SendReport) -> str:
    counts = report.counts
    rate = f", {sized(int(report.size / report.seconds))}/s" if report.seconds > 0 and report.size else ""
    parts = [f"{counted(counts.get('arrived', 0), 'instance')} ({sized(report.size)}{rate}) sent to {report.peer}"]
    named = (("already", "sent before"), ("failed", "failed"), ("unsendable", "cannot be sent"))
    parts += [f"{counts[state]:,} {text}" for state, text in named if counts.get(state)]
    if report.committed is not None:
        parts.append(f"{len(report.committed):,} confirmed by Storage Commitment")
    return ", ".join(parts)


def _tell_probe(medium: str, found: Probe) -> None:
    from fileset.transfer.cstore import named

    say(f"{medium}: {found.peer} answers; nothing was sent")
    for pair, number in found.numbers.items():
        say(f"  {counted(number, 'instance')}, {named(*pair)}: {'accepted' if found.takes[pair] else 'not accepted'}")
    say(*(f"  {one.file_id}: {one.reason}" for one in found.unsendable))
    say(*(f"  {sentence}" for sentence in found.disagreements))


def _row(outcome: _Outcome) -> dict[str, Any]:
    error = outcome.problem.text(command=True) if outcome.problem else None
    row: dict[str, Any] = {"path": outcome.name, "file_set": outcome.file_set, "error": error}
    if outcome.probe is not None:
        row["contexts"] = [
            {"sop_class_uid": pair[0], "transfer_syntax_uid": pair[1], "instances": number, "accepted": found}
            for (pair, number), found in zip(outcome.probe.numbers.items(), outcome.probe.takes.values(), strict=True)
        ]
        row["instances"] = list(map(asdict, outcome.probe.unsendable))
        row["disagreements"] = outcome.probe.disagreements
    if outcome.report is not None:
        report = outcome.report
        row |= {
            "instances": list(map(asdict, report.instances)),
            "disagreements": report.disagreements,
            "committed": None if report.committed is None else sorted(report.committed),
            "not_committed": report.not_committed,
            "seconds": round(report.seconds, 3),
        }
    return row | {"findings": [finding_row(one) for one in outcome.findings]}
