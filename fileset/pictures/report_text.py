"""The content tree of a structured report as lines of text (PS3.3 C.17.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    stack: list[Iterator[tuple[int, Dataset]]] = [iter([(0, dataset)])]
    count = 0
    while stack:
        for depth, item in stack[-1]:
            if count == MOST_LINES:
                yield ReportLine(0, "...", f"more than {MOST_LINES} lines")
                return
            count += 1
            yield _line(depth, item)
            if depth < DEEPEST:
                below = Attributes((item,)).items("ContentSequence")
                stack.append(iter([(depth + 1, child) for child in below]))
                break
        else:
            stack.pop()


def _line(depth: int, item: Dataset) -> ReportLine:
    attributes = Attributes((item,))
    name = _meaning(attributes, "ConceptNameCodeSequence")
    return ReportLine(depth, name, _value(attributes))


def _value(attributes: Attributes) -> str:
    value_type = attributes.text("ValueType")
    show = _VALUES.get(value_type)
    return show(attributes) if show else ""


def _meaning(attributes: Attributes, keyword: str) -> str:
    items = [Attributes((item,)) for item in attributes.items(keyword)[:1]]
    return next((item.text("CodeMeaning") or item.text("CodeValue") for item in items), "")


def _number(attributes: Attributes) -> str:
    for item in attributes.items("MeasuredValueSequence")[:1]:
        measured = Attributes((item,))
        unit = _unit(measured)
        return f"{measured.text('NumericValue')} {unit}".strip()
    return _meaning(attributes, "NumericValueQualifierCodeSequence")


def _unit(measured: Attributes) -> str:
    """Return the unit as its code, such as mm; "no units" is left out."""
    for item in measured.items("MeasurementUnitsCodeSequence")[:1]:
        unit = Attributes((item,))
        code = unit.text("CodeValue")
        return "" if code == "1" else unit.text("CodeMeaning") if code.startswith("{") else code
    return ""


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

    for item in attributes.items("ReferencedSOPSequence")[:1]:
        referenced = Attributes((item,))
        frame = referenced.text("ReferencedFrameNumber")
        name = UID(referenced.text("ReferencedSOPClassUID")).name.removesuffix(" Storage")
        return f"{name}, frame {frame}" if frame else name
    return ""


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
