"""Options of the verbs that make pages for a browser."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, cast

from fileset.cli.findings import PARTLY, finding_rows, hides_records, tell_findings
from fileset.cli.options import add_common, add_flag, add_value, positive
from fileset.cli.output import counted, picked, say, write_document
from fileset.cli.progress import progress
from fileset.cli.read_options import add_medium, identification, opened_whole
from fileset.cli.signals import after_work
from fileset.errors import RuleError

if TYPE_CHECKING:
    from argparse import _ActionsContainer

    from fileset.extraction.complete import Complete
    from fileset.extraction.scanned import Scanned
    from fileset.pages.options import WebOptions
    from fileset.pages.report import PagesReport
    from fileset.plan.instances import Instances


def add_web(parser: _ActionsContainer) -> None:
    """Add the options for the look of pages."""
    add_value(
        parser, "--web-pictures", "N", "at most N pictures of each series, evenly spaced (default: 200)", type=positive
    )
    add_value(parser, "--web-language", "LANGUAGE", "language of the pages: de, en, es or fr (default: en)")
    add_value(parser, "--institution", "NAME", "the institution named on the pages and in README.TXT", default="")
    add_value(parser, "--contact", "TEXT", "its telephone number or address, for the pages and README.TXT", default="")


def refuse_web_alone(options: Namespace) -> None:
    """Raise `RuleError` for an option about pages without --web."""
    given = picked(options, "web_pictures", "web_language", "institution", "contact")
    alone = next((f"--{name.replace('_', '-')}" for name, value in given.items() if value), "")
    if alone and not options.web:
        raise RuleError(f"{alone} works only with --web", advice="Add --web, or leave it out")


def web_options(options: Namespace) -> WebOptions:
    """Return the options of pages. Raises `RuleError` for an unknown language."""
    from fileset.pages.options import PICTURES, WebOptions

    return WebOptions(
        pictures=options.web_pictures or PICTURES,
        language=options.web_language or "en",
        institution=options.institution,
        contact=options.contact,
        plain=getattr(options, "web_plain", False),
    )


def add_pages(parser: ArgumentParser) -> None:
    """Add the medium and all options of a verb that makes pages of it."""
    add_medium(parser)
    add_flag(
        parser,
        "--scan",
        "look into every file instead of the DICOMDIR; without a readable DICOMDIR this happens anyway",
    )
    add_web(parser)
    add_value(
        parser, "--jobs", "N", "number of processes that make pictures (default: one for each processor)", type=positive
    )
    add_common(parser)


def make_pages(options: Namespace, folder: str, note: str = "") -> int:
    """Write the pages of the medium into `folder`, report them, and return the exit code.

    If the report cannot be written, the message has the `note` too.
    """
    from fileset.pages.folder import write_pages

    with opened_whole(options.medium, options) as reader, progress(options) as phases:
        report = write_pages(
            cast("Instances", reader), folder, options=web_options(options), jobs=options.jobs, progress=phases
        )
        findings = [*reader.findings, *report.findings]
        if options.json:
            with after_work(note):
                _document(report, reader)
        else:
            tell_findings(findings, everything=options.verbose, quiet=options.quiet)
        if not options.quiet or not report.complete:
            say(_summary(report))
        hidden = hides_records(one for one in reader.findings if one.rule != "FS-FILE-UNLISTED")
        return 0 if report.complete and report.instances and not hidden else PARTLY


def _summary(report: PagesReport) -> str:
    if not report.instances:
        return "there are no instances on this medium: the pages are empty"
    kinds = {"report": report.reports, "document": report.documents}
    shown = [counted(report.pictures, "picture"), *(counted(number, kind) for kind, number in kinds.items() if number)]
    without = sum(finding.rule in ("FS-PICTURE-NONE", "FS-PICTURE-FAILED") for finding in report.findings)
    lacking = f"; {counted(without, 'instance')} without a picture (-v or --json names each)" if without else ""
    return f"{', '.join(shown)} of {counted(report.instances, 'instance')} in {report.folder}{lacking}"


def _document(report: PagesReport, reader: Complete | Scanned) -> None:
    write_document(
        "fileset.pages/1",
        {
            "file_set": identification(reader),
            **picked(report, "folder", "instances", "pictures", "reports", "documents"),
            "findings": finding_rows([*reader.findings, *report.findings]),
        },
    )
