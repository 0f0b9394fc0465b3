"""Write problems as text: each one if there are few or `everything` is set, else counts with examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from fileset.cli.output import counted, grouped, json_text, picked, say
from fileset.errors import LOCKED, OPEN_ARCHIVE

if TYPE_CHECKING:
    from fileset.findings import Finding

PARTLY: Final = 3
"""Exit code: done in part."""
NOUNS: Final = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("note", "notes")}
"""How a severity is counted, the worst first."""
LINES: Final = 20
"""Number of problems up to which each is listed; more are counted by rule."""
EXAMPLES: Final = 3

Problem = tuple[str, str]
"""The rule, and one line about the case."""

MAYBE_COMPLETE: Final = frozenset(
    (
        *("FS-DICOMDIR-SYNTAX", "FS-DICOMDIR-META", "FS-RECORD-SEQUENCE-LENGTH"),
        *("FS-OFFSET-SHIFTED", "FS-OFFSET-NEAR", "FS-OFFSET-ABSENT", "FS-OFFSET-LAST"),
        *("FS-CONSISTENCY-FLAG", "FS-RECORD-IN-USE-FLAG", "FS-RECORD-INACTIVE", "FS-RECORD-TYPE", "FS-FILE-ID-FORM"),
    )
)
"""Errors of a DICOMDIR that hide no record: its encoding, offsets that can be corrected, and readable values that break
the Standard."""

NOT_DONE: Final = frozenset(
    (
        *("FS-NOTHING-ADDED", "FS-SOURCE-PATTERN", "FS-FILE-LINK", "FS-TRANSCODE-FAILED", "FS-SECURE-NO-PAGES"),
        *("FS-ICON-FAILED", "FS-PICTURE-FAILED", "FS-PICTURE-PARTLY", "FS-PAGES-STALE", "FS-VOLUME-FORMER"),
    )
)
"""Warnings that something was asked for and not done, or that former patients stay: -q names them too, unlike others."""


def tell_problems(sections: Mapping[str, Sequence[Problem]], *, everything: bool) -> None:
    """Write the problems to standard error, each kind under its heading; omit kinds without problems."""
    for heading, problems in sections.items():
        if problems:
            say(f"{heading}:")
        say(*summary(problems, everything=everything))
    if not everything and any(len(problems) > LINES for problems in sections.values()):
        say("  (-v or --json names every one)")
    if any(LOCKED in text for problems in sections.values() for _, text in problems):
        say(OPEN_ARCHIVE.command)


def summary(problems: Sequence[Problem], *, everything: bool) -> Iterator[str]:
    """Write a line for each problem, or groups by rule with examples if there are more than `LINES`."""
    if everything or len(problems) <= LINES:
        return (f"  {text} [{rule}]" for rule, text in problems)
    return _grouped(problems)


def _grouped(problems: Sequence[Problem]) -> Iterator[str]:
    from fileset.findings import RULES

    groups = grouped(problems)
    examples = max(min((LINES - 1) // len(groups) - 1, EXAMPLES), 0)
    for rule, texts in groups.items():
        yield f"{len(texts):>7,} x {RULES[rule].title} [{rule}]"
        yield from (f"          {text}" for text in texts[:examples])
        if 0 < examples < len(texts):
            yield "          ..."


def problems_of(findings: Iterable[Finding]) -> list[Problem]:
    """Convert findings to problems, with their places."""
    return [(finding.rule, finding.placed) for finding in findings]


def finding_rows(findings: Iterable[Finding]) -> Iterator[str]:
    """Encode findings as texts of JSON."""
    return (json_text(finding_row(finding)) for finding in findings)


def finding_row(finding: Finding) -> dict[str, object]:
    """Convert a finding to a member of a document; `offset` in bytes, `tag` as GGGGEEEE in hexadecimal, null where unknown."""
    tag = None if finding.where.tag is None else f"{finding.where.tag:08X}"
    where = picked(finding.where, "file", "record", "offset") | {"tag": tag}
    return picked(finding, "rule", "severity") | {"where": where, "message": finding.message}


def tell_findings(findings: Sequence[Finding], *, everything: bool, quiet: bool = False) -> None:
    """Write findings to standard error: infos only with `everything`, remarks unless `quiet`, problems always."""
    told = [one for one in findings if everything or is_problem(one) or (one.severity == "warning" and not quiet)]
    tell_problems({counted(len(told), "finding"): problems_of(told)}, everything=everything)


def is_problem(finding: Finding) -> bool:
    """Decide whether -q reports a finding: it is an error, or something that was asked for was not done."""
    return finding.severity == "error" or finding.rule in NOT_DONE


def joint_code(codes: Iterable[int]) -> int:
    """Return the exit code for several media: the common one, else done in part."""
    distinct = set(codes)
    return distinct.pop() if len(distinct) == 1 else PARTLY


def hides_records(findings: Iterable[Finding]) -> bool:
    """Decide whether a DICOMDIR is so damaged that records may be missing; of files that disagree, none is missing."""
    from fileset.findings import CONTRADICTIONS
    from fileset.standard import tags

    complete = MAYBE_COMPLETE | CONTRADICTIONS
    # The file says the same as these two elements of its record, which old discs lack.
    in_file = (tags.REFERENCED_SOP_CLASS_UID, tags.REFERENCED_TRANSFER_SYNTAX_UID)
    return any(
        finding.severity == "error"
        and finding.rule not in complete
        and not (finding.rule == "FS-RECORD-REFERENCE" and finding.where.tag in in_file)
        for finding in findings
    )
