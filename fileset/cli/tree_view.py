"""Show the directory as a tree for people: patients, studies, series, and their numbers of records by type."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from fileset.cli.output import counted, escaped, write

if TYPE_CHECKING:
    from rich.tree import Tree

    from fileset.reader import Reader, Record

LEVELS: Final = {"PATIENT": "patients", "STUDY": "studies", "SERIES": "series"}
"""Record types that are always branches, and their plural."""

NO_TYPE: Final = "(no type)"
"""Shown instead of the Directory Record Type if a record lacks it, as a truncated record may."""

Part = tuple[str, str]
"""A text, and how rich shows it."""


@define
class Branch:
    """A record and the records below it: `counts` by type, deeper branches, and single instances."""

    label: list[Part]
    counts: Counter[str] = field(factory=Counter)
    branches: list[Branch] = field(factory=list)


def tree_of(reader: Reader, found: Iterable[Record] | None, *, instances: bool) -> Branch:
    """Build the tree of all records, or of the `found` instances with the records above them.

    With `instances`, each instance is a branch of its own.
    """
    wanted = None if found is None else _with_parents(found)
    top = Branch([(f"File-set {reader.file_set_id}".rstrip(), "bold"), (reader.medium.name, "dim")])
    stack = [(top, reader.roots)]
    while stack:
        above, records = stack.pop()
        for record in records:
            if wanted is not None and record not in wanted:
                continue
            kind = record.record_type
            above.counts[kind] += 1
            first = next(record.children, None)
            if instances or first is not None or kind in LEVELS:
                branch = Branch(_label(record))
                above.branches.append(branch)
                if first is not None:
                    stack.append((branch, record.children))
    return top


def _with_parents(found: Iterable[Record]) -> set[Record]:
    wanted: set[Record] = set()
    for record in found:
        above: Record | None = record
        while above is not None and above not in wanted:
            wanted.add(above)
            above = above.parent
    return wanted


# ---------------------------------------------------------------- labels


def _label(record: Record) -> list[Part]:
    keys = {name: _text(value) for name, value in record.keys().items()}
    parts = _LABELS.get(record.record_type, _instance)(keys, record)
    return [(text, style) for text, style in parts if text]


def _text(value: Any) -> str:
    if value is None or isinstance(value, bytes):
        return ""
    return "\\".join(map(_text, value)) if isinstance(value, list) else str(value)


def _patient(keys: dict[str, str], _: Record) -> Iterator[Part]:
    yield keys.get("PatientName", "") or "(no name)", "bold"
    yield keys.get("PatientID", ""), "cyan"
    yield _date(keys.get("PatientBirthDate", "")), "dim"
    yield keys.get("PatientSex", ""), "dim"


def _study(keys: dict[str, str], _: Record) -> Iterator[Part]:
    yield _date(keys.get("StudyDate", "")) or "(no date)", "green"
    yield _time(keys.get("StudyTime", "")), "green"
    yield keys.get("StudyDescription", ""), ""
    yield _named("study", keys.get("StudyID", "")), "dim"
    yield _named("accession", keys.get("AccessionNumber", "")), "dim"


def _series(keys: dict[str, str], _: Record) -> Iterator[Part]:
    yield f"{keys.get('Modality', '')} {keys.get('SeriesNumber', '')}".strip() or "(no number)", "yellow"
    yield keys.get("SeriesDescription", ""), ""


def _instance(keys: dict[str, str], record: Record) -> Iterator[Part]:
    yield f"{record.record_type or NO_TYPE} {keys.get('InstanceNumber', '')}".rstrip(), "magenta"
    yield record.file_id.path if record.file_id else "", "dim"


_LABELS: Final[dict[str, Callable[[dict[str, str], Record], Iterator[Part]]]] = {
    "PATIENT": _patient,
    "STUDY": _study,
    "SERIES": _series,
}


def _named(name: str, value: str) -> str:
    return f"{name} {value}" if value else ""


def _date(value: str) -> str:
    """Format YYYYMMDD as YYYY-MM-DD; leave anything else unchanged."""
    plain = len(value) == 8 and value.isdigit()
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if plain else value


def _time(value: str) -> str:
    """Format HHMMSS.FFFFFF as HH:MM; leave anything else unchanged."""
    plain = len(value) >= 4 and value[:4].isdigit()
    return f"{value[:2]}:{value[2:4]}" if plain else value


# ---------------------------------------------------------------- drawing


def show(top: Branch, *, icons: int = 0) -> None:
    """Write the tree to standard output: with `rich` on a terminal, else as plain lines. Its root counts the icons too."""
    _add_totals(top)
    if icons:
        top.counts["icon" if icons == 1 else "icons"] = icons
    if sys.stdout.isatty():
        _show_rich(top)
    else:
        write(plain_lines(top, unicode=_draws_lines()))


def _add_totals(top: Branch) -> None:
    """Count all records of the tree at its root."""
    totals: Counter[str] = Counter()
    stack = [top]
    while stack:
        branch = stack.pop()
        totals += branch.counts
        stack += branch.branches
    top.counts = totals


def _counts(branch: Branch, *, levels: bool) -> str:
    """Format counts such as "2 studies, 12 IMAGE". Only the root counts patients, studies and series."""
    upper = [counted(branch.counts[name], name.lower(), many) for name, many in LEVELS.items() if branch.counts[name]]
    lower = [f"{number:,} {escaped(name) or NO_TYPE}" for name, number in branch.counts.items() if name not in LEVELS]
    return ", ".join([*(upper if levels else ()), *lower])


def _draws_lines() -> bool:
    try:
        "├└│─".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def plain_lines(top: Branch, *, unicode: bool = True) -> Iterator[str]:
    """Draw the tree without colours, never cut or wrapped."""
    fork, last, pipe, space = ("├── ", "└── ", "│   ", "    ") if unicode else ("|-- ", "`-- ", "|   ", "    ")
    yield _plain(top, levels=True)
    stack = _undrawn(top, "")
    while stack:
        branch, indent, is_last = stack.pop()
        yield indent + (last if is_last else fork) + _plain(branch)
        stack += _undrawn(branch, indent + (space if is_last else pipe))


def _undrawn(above: Branch, indent: str) -> list[tuple[Branch, str, bool]]:
    """Return the branches below a record, the first one at the end: each with its indent, and whether it is the last."""
    return [(branch, indent, not at) for at, branch in enumerate(reversed(above.branches))]


def _plain(branch: Branch, *, levels: bool = False) -> str:
    counts = _counts(branch, levels=levels)
    return "  ".join([*(escaped(text) for text, _ in branch.label), *([counts] if counts else [])])


def _show_rich(top: Branch) -> None:
    from rich.console import Console
    from rich.tree import Tree

    root = Tree(_rich(top, levels=True), guide_style="dim")
    stack: list[tuple[Branch, Tree]] = [(top, root)]
    while stack:
        branch, drawn = stack.pop()
        stack += [(below, drawn.add(_rich(below))) for below in branch.branches]
    Console(highlight=False).print(root)


def _rich(branch: Branch, *, levels: bool = False) -> Any:
    from rich.text import Text

    parts: list[str | tuple[str, str]] = []
    for text, style in [*branch.label, (_counts(branch, levels=levels), "blue")]:
        parts += [(escaped(text), style), "  "]
    return Text.assemble(*parts[:-1])
