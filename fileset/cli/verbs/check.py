"""`fileset check`: find errors in a file-set, or list the rules."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from fileset.cli.findings import NOUNS, finding_row, joint_code
from fileset.cli.options import add_common, add_flag, add_format, add_value
from fileset.cli.output import (
    aligned,
    counted,
    escaped,
    grouped,
    json_text,
    paragraph,
    picked,
    say,
    write,
    write_document,
)
from fileset.cli.progress import progress
from fileset.cli.shared_options import add_shared, at_work, role_options
from fileset.cli.shell import shown
from fileset.errors import FilesetError, RuleError
from fileset.findings import ERROR, INFO, RULES, WARNING

if TYPE_CHECKING:
    from fileset.check import CheckReport

EXAMPLES: Final = ("fileset check DISC.iso", "fileset check /media/cdrom --hash SHA256SUMS")
FOUND: Final = 1
"""Exit code: the check found errors."""
SHOWN: Final = 5
"""Most findings shown under one rule without -v."""

_STYLES: Final = {ERROR: "bold red", WARNING: "bold yellow", INFO: "bold blue"}

Line = tuple[str, str]
"""A text, and its style for rich."""


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset check MEDIUM... [options]\n       fileset check MEDIUM --profiles [--json]\n       fileset check DEVICE --against IMAGE [--json]\n       fileset check --rules [--json]"
    parser.add_argument(
        "media",
        nargs="*",
        metavar="MEDIUM",
        help="a folder or image with a DICOMDIR, or the DICOMDIR; several give one line each",
    )
    add_flag(parser, "--no-files", "check only the DICOMDIR")
    add_value(parser, "--hash", "MANIFEST", "compare the files with the digests in a manifest, as sha256sum writes it")
    add_value(parser, "--against", "IMAGE", "only compare the disc in a drive with the ISO image, sector by sector")
    add_value(parser, "--profile", "ID", "check also the rules of this application profile (PS3.11)")
    add_flag(parser, "--profiles", "show which profiles the medium satisfies, and why it does not satisfy others")
    add_flag(parser, "--show-values", "show names and other values of patients in messages")
    add_flag(parser, "--rules", "list all rules")
    add_format(parser)
    add_shared(parser, "--jobs", "--cluster")
    add_common(parser)
    parser.epilog = "Ends with exit code 1 if a rule of severity error is broken. -v shows every finding."


def run(options: Namespace) -> int:
    """Check, and report on standard output."""
    if options.rules:
        _rules(as_json=options.json)
        return 0
    if not options.media:
        raise RuleError("check: no MEDIUM given", advice="Name a folder or image with a DICOMDIR, or give --rules")
    if options.against:
        return _compare(options)
    if options.no_files and options.hash:
        raise RuleError("--no-files and --hash exclude each other: --hash compares files")
    if options.profiles:
        return _advise(options)
    if options.profile and options.no_files:
        raise RuleError("--profile and --no-files exclude each other: a profile has rules for files")
    if len(options.media) > 1:
        return _several(options)
    report = _checked(options.media[0], options)
    if options.json:
        _document(report)
    else:
        show(lines(report, everything=options.verbose, quiet=options.quiet))
        if not (options.quiet or report.conformant):
            _advise_repair(report, options)
    return 0 if report.conformant else FOUND


def _advise_repair(report: CheckReport, options: Namespace) -> None:
    """Name the command that shows a repair, if one helps; not if all files are missing, since a new copy may have them."""
    from fileset.repair.diagnosis import repair_helps

    if not options.format and (report.files or options.no_files) and repair_helps(report):
        say(f"`{shown(['fileset', 'repair', report.medium, '--dry-run'])}` shows what a repair would change")


def _checked(medium: str, options: Namespace) -> CheckReport:
    from fileset.check import check_file_set

    chosen = {"files": not options.no_files, "manifest": options.hash, "show_values": options.show_values}
    with at_work(options) as tools:
        return check_file_set(medium, **chosen, **tools, **role_options(options))


def _compare(options: Namespace) -> int:
    """Compare a disc with its image."""
    if len(options.media) > 1 or options.no_files or options.hash or options.profile or options.profiles:
        raise RuleError("--against compares one disc, and cannot be combined with other checks")
    from fileset.burn import compare_with_image
    from fileset.cli.comparison import DIFFERS, comparison_lines, comparison_members

    with progress(options) as phases:
        comparison = compare_with_image(options.media[0], options.against, progress=phases)
    if options.json:
        write_document("fileset.comparison/1", comparison_members(comparison))
    else:
        write(comparison_lines(comparison, quiet=options.quiet))
    return 0 if comparison.same else DIFFERS


def _several(options: Namespace) -> int:
    """Check several media; write a verdict line for each, also if it cannot be read."""
    if options.hash or options.profiles:
        raise RuleError("--hash and --profiles check one medium at a time")
    found: list[dict[str, object]] = []
    codes = []
    for medium in options.media:
        try:
            report = _checked(medium, options)
        except FilesetError as problem:
            if isinstance(problem, RuleError):
                raise
            codes.append(problem.exit_code)
            reason = problem.text(known_path=medium, command=True)
            found.append({"path": medium, "verdict": "unreadable", "errors": 1, "warnings": 0, "error": reason})
            line, style = f"{medium}: cannot be checked: {reason}", _STYLES[ERROR]
        else:
            codes.append(0 if report.conformant else FOUND)
            verdict = "ok" if report.conformant else "errors"
            found.append({"path": medium, "verdict": verdict, **picked(report, "errors", "warnings"), "error": None})
            line, style = _summary(report), "" if report.conformant else _STYLES[ERROR]
        if not options.json and (not options.quiet or found[-1]["verdict"] != "ok"):
            show([(line, style)])
    if options.json:
        write_document("fileset.checks/1", {"media": map(json_text, found)})
    return FOUND if FOUND in codes else joint_code(codes)


def _advise(options: Namespace) -> int:
    if len(options.media) > 1 or options.no_files or options.hash or options.profile:
        raise RuleError("--profiles checks one medium, and cannot be combined with --profile, --no-files or --hash")
    from fileset.check import advise
    from fileset.cli.advice import advice_lines, write_advice

    with progress(options) as phases:
        advice = advise(options.media[0], medium_format=options.format, jobs=options.jobs, progress=phases)
    if options.json:
        write_advice(options.media[0], advice)
    else:
        show((line, "") for line in advice_lines(advice, quiet=options.quiet))
        if not options.quiet:
            say(
                f"only headers were read; `{shown(['fileset', 'check', options.media[0]])}` checks the DICOMDIR and whole files"
            )
    return 0


# ---------------------------------------------------------------- the report


def _document(report: CheckReport) -> None:
    write_document(
        "fileset.check/1",
        {
            "file_set": {"id": report.file_set_id, "uid": report.file_set_uid, "path": report.medium},
            "findings": (json_text(finding_row(one) | {"section": one.section}) for one in report.findings),
            "summary": picked(report, "errors", "warnings", "infos", "records", "files"),
        },
    )


def lines(report: CheckReport, *, everything: bool, quiet: bool) -> Iterator[Line]:
    """Yield the report for people: findings by severity and rule, the most severe first, and a summary."""
    severities = (ERROR,) if quiet else (ERROR, WARNING, INFO) if everything else (ERROR, WARNING)
    cut = False
    groups = grouped((finding.rule, finding) for finding in report.findings)
    for severity in severities:
        for rule, findings in groups.items():
            if RULES[rule].severity != severity:
                continue
            yield f"{NOUNS[severity][0]}: {_title(rule, len(findings))}", _STYLES[severity]
            shown = findings if everything else findings[:SHOWN]
            yield from (("  " + finding.placed, "") for finding in shown)
            if len(shown) < len(findings):
                cut = True
                yield f"  ... and {len(findings) - len(shown):,} more", "dim"
    if cut:
        yield "(-v or --json names every one)", "dim"
    yield _summary(report), "bold"


def _title(rule: str, number: int) -> str:
    row = RULES[rule]
    source = f"{row.id}, {row.section}" if row.section else row.id
    times = f", {number:,} times" if number > 1 else ""
    return f"{row.title} [{source}]{times}"


def _summary(report: CheckReport) -> str:
    numbers = {ERROR: report.errors, WARNING: report.warnings, INFO: report.infos}
    found = ", ".join(counted(number, *NOUNS[name]) for name, number in numbers.items() if number or name == ERROR)
    files = counted(report.files, "file") if report.files_checked else "files not checked"
    return f"{report.medium}: {counted(report.records, 'record')}, {files}: {found}"


def show(report: Iterable[Line]) -> None:
    """Write lines to standard output; on a terminal, with colours and line breaks between words."""
    if not sys.stdout.isatty():
        write(escaped(text) for text, _ in report)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for text, style in report:
        console.print(Text(paragraph(escaped(text)), style), soft_wrap=True)


# ---------------------------------------------------------------- the catalogue


def _rules(*, as_json: bool) -> None:
    rows = sorted(RULES.values(), key=lambda rule: rule.id)
    if as_json:
        found = ({"rule": row.id, **picked(row, "severity", "section", "title")} for row in rows)
        write_document("fileset.rules/1", {"rules": map(json_text, found)})
        return
    table = [(row.id, row.severity, row.section or "-", row.title) for row in rows]
    show((line, "") for line in aligned([("RULE", "SEVERITY", "SECTION", "TITLE"), *table]))
