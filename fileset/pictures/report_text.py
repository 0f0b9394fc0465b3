"""The content tree of a structured report as lines of text (PS3.3 C.17.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from attrs import frozen

from fileset.pictures.attributes import Attributes

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MOST_LINES: Final = 5000
DEEPEST: Final = 32


@frozen
class ReportLine:
    """One content item: its depth in the tree, the name of the concept and the value; name or value may be empty."""

    depth: int
    name: str
    value: str


def report_lines(dataset: Dataset) -> Iterator[ReportLine]:
    """Yield the content items of a report in order; after `MOST_LINES` lines, a last one says that there are more."""
    lines = _lines(0, Attributes((dataset,)))
    yield from islice(lines, MOST_LINES)
    if next(lines, None):
        yield ReportLine(0, "...", f"more than {MOST_LINES} lines")


def _lines(depth: int, item: Attributes) -> Iterator[ReportLine]:
    show = _VALUES.get(item.text("ValueType"))
    yield ReportLine(depth, _meaning(item, "ConceptNameCodeSequence"), show(item) if show else "")
    for child in item.items("ContentSequence") if depth < DEEPEST else ():
        yield from _lines(depth + 1, child)


def _meaning(attributes: Attributes, keyword: str) -> str:
    code = attributes.item(keyword)
    return code.text("CodeMeaning") or code.text("CodeValue")


def _number(attributes: Attributes) -> str:
    for measured in attributes.items("MeasuredValueSequence"):
        return f"{measured.text('NumericValue')} {_unit(measured)}".strip()
    return _meaning(attributes, "NumericValueQualifierCodeSequence")


def _unit(measured: Attributes) -> str:
    """Return the unit as its code, such as mm; "no units" is left out."""
    unit = measured.item("MeasurementUnitsCodeSequence")
    code = unit.text("CodeValue")
    return "" if code == "1" else unit.text("CodeMeaning") if code.startswith("{") else code


def _date_time(attributes: Attributes) -> str:
    text = attributes.text("DateTime")
    return " ".join(filter(None, (shown_date(text[:8]), shown_time(text[8:14]))))


def shown_date(text: str) -> str:
    """Format a DICOM date as 2024-01-31; leave another text unchanged."""
    digits = text.replace(".", "")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" if len(digits) == 8 and digits.isdigit() else text


def shown_time(text: str) -> str:
    """Format a DICOM time as 14:05; leave another text unchanged."""
    digits = text.replace(":", "").partition(".")[0]
    return f"{digits[:2]}:{digits[2:4]}" if len(digits) >= 4 and digits.isdigit() else text


def _reference(attributes: Attributes) -> str:
    from pydicom.uid import UID

    referenced = attributes.item("ReferencedSOPSequence")
    frame = referenced.text("ReferencedFrameNumber")
    name = UID(referenced.text("ReferencedSOPClassUID")).name.removesuffix(" Storage")
    return f"{name}, frame {frame}" if frame else name


def _coordinates(attributes: Attributes) -> str:
    numbers = attributes.numbers("GraphicData")
    shown = ", ".join(f"{number:g}" for number in numbers[:12])
    return f"{attributes.text('GraphicType')} {shown}{' ...' if len(numbers) > 12 else ''}".strip()


_VALUES: Final[dict[str, Callable[[Attributes], str]]] = {
    "TEXT": lambda item: item.text("TextValue"),
    "CODE": lambda item: _meaning(item, "ConceptCodeSequence"),
    "NUM": _number,
    "PNAME": lambda item: shown_name(item.text("PersonName")),
    "DATE": lambda item: shown_date(item.text("Date")),
    "TIME": lambda item: shown_time(item.text("Time")),
    "DATETIME": _date_time,
    "UIDREF": lambda item: item.text("UID"),
    "IMAGE": _reference,
    "COMPOSITE": _reference,
    "WAVEFORM": _reference,
    "SCOORD": _coordinates,
    "SCOORD3D": _coordinates,
    "TCOORD": lambda item: item.text("TemporalRangeType"),
}
"""Value Type (0040,A040) -> the function that formats its value. A container has no value."""


def shown_name(name: str) -> str:
    """Format a person name for people: "Doe^John^^Dr" becomes "Dr John Doe"; of several forms use the first."""
    group = next(filter(None, name.split("=")), "")
    family, given, middle, prefix, suffix = (*(part.strip() for part in group.split("^")), "", "", "", "", "")[:5]
    return " ".join(filter(None, (prefix, given, middle, family, suffix)))
