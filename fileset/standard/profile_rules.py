"""The demands of the profiles of PS3.11 on attributes of each instance, as rows. Data only."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from fileset.standard import tags
from fileset.standard.syntaxes import EXPLICIT, JPEG_BASELINE, JPEG_EXTENDED, JPEG_LOSSLESS, RLE

SYNTAX: Final = 0x00020010
"""Transfer Syntax UID, which a constraint may name like any attribute of the data set."""
JPEG_TABLES: Final = 0x7FE00010
"""Stands for the number of JPEG frames without their tables, which are in Pixel Data."""

ONE_OF: Final = "one of"
AT_MOST: Final = "at most"
PRESENT: Final = "present"
"""Present, with or without a value (Type 2)."""
VALUE: Final = "with a value"
ABSENT: Final = "absent"
SAME_AS: Final = "the same as"
ONE_LESS_THAN: Final = "one less than"


@frozen
class Attribute:
    """An attribute that a constraint is about; `within` is the sequence that holds it, 0 for the data set itself."""

    name: str
    tag: int
    vr: str
    within: int = 0

    @property
    def label(self) -> str:
        """Name and tag, for messages."""
        return f"{self.name} {tags.text(self.tag)}"


@frozen
class When:
    """The case in which a constraint holds: `attribute` has one of `values`."""

    attribute: Attribute
    values: tuple[str, ...]


@frozen
class Constraint:
    """One demand on one attribute of the instances of `classes` (of all if empty): `form`, and the values to compare with.

    `other` is the attribute that `SAME_AS` and `ONE_LESS_THAN` compare with. `optional`: an absent attribute is right,
    too. `section` is the one of PS3.11.
    """

    rule: str
    section: str
    attribute: Attribute
    form: str
    values: tuple[str, ...] = ()
    classes: frozenset[str] = frozenset()
    when: When | None = None
    other: Attribute | None = None
    optional: bool = False

    @property
    def words(self) -> str:
        """The allowed values in words: "one of 8, 10, 12"."""
        if self.form in (SAME_AS, ONE_LESS_THAN) and self.other is not None:
            return f"{self.form} {self.other.label}"
        if self.form == ONE_OF and len(self.values) == 1:
            return self.values[0]
        return f"{self.form} {', '.join(self.values)}".strip()


_MODALITY = Attribute("Modality", 0x00080060, "CS")
_SAMPLES = Attribute("Samples per Pixel", 0x00280002, "US")
_PHOTOMETRIC = Attribute("Photometric Interpretation", 0x00280004, "CS")
_ROWS = Attribute("Rows", 0x00280010, "US")
_COLUMNS = Attribute("Columns", 0x00280011, "US")
_ALLOCATED = Attribute("Bits Allocated", 0x00280100, "US")
_STORED = Attribute("Bits Stored", 0x00280101, "US")
_HIGH_BIT = Attribute("High Bit", 0x00280102, "US")
_SIGNED = Attribute("Pixel Representation", 0x00280103, "US")
_SYNTAX = Attribute("Transfer Syntax UID", SYNTAX, "UI")
_REGIONS = Attribute("Sequence of Ultrasound Regions", 0x00186011, "SQ")
_COMPONENTS = Attribute("Pixel Component Organization", 0x00186044, "US", within=0x00186011)
_TABLES = Attribute("JPEG frames without tables in Pixel Data", JPEG_TABLES, "US")
_GROUPS: Final = tuple(range(0x6000, 0x6020, 2))
_OVERLAY_BITS = tuple(Attribute("Overlay Bits Allocated", group << 16 | 0x0100, "US") for group in _GROUPS)
_OVERLAY_ROWS = tuple(Attribute("Overlay Rows", group << 16 | 0x0010, "US") for group in _GROUPS)

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_XA, _SC = frozenset([_STORAGE + "12.1"]), frozenset([_STORAGE + "7"])
_CT, _MR = frozenset([_STORAGE + "2"]), frozenset([_STORAGE + "4"])
_DENTAL = frozenset((_STORAGE + "1.3", _STORAGE + "1.1"))

_XABC: Final = (
    Constraint("PR-XABC", "PS3.11 A.3.3", _MODALITY, ONE_OF, ("XA",), _XA),
    Constraint("PR-XABC", "PS3.11 A.3.3", _ROWS, AT_MOST, ("512",), _XA),
    Constraint("PR-XABC", "PS3.11 A.3.3", _COLUMNS, AT_MOST, ("512",), _XA),
    Constraint("PR-XABC", "PS3.11 A.3.3", _ALLOCATED, ONE_OF, ("8",), _XA),
    Constraint("PR-XABC", "PS3.11 A.3.3", _STORED, ONE_OF, ("8",), _XA),
    *(Constraint("PR-XABC", "PS3.11 A.3.3", bits, ONE_OF, ("1",), _XA, optional=True) for bits in _OVERLAY_BITS),
)
"""An overlay in the bits of the pixels has more than one Overlay Bits Allocated; one in (60xx,3000) has 1."""

_JPEG_SYNTAXES = When(_SYNTAX, (JPEG_BASELINE, JPEG_EXTENDED, JPEG_LOSSLESS))
_JPEG_IF: Final = (Constraint("PR-JPEG-TABLES", "PS3.11 H.3.3", _TABLES, ONE_OF, ("0",), when=_JPEG_SYNTAXES),)
"""JPEG Interchange Format: each frame has the tables that a decoder needs."""

_XA1K: Final = (
    *_JPEG_IF,
    Constraint("PR-XA1K", "PS3.11 B.3.3", _MODALITY, ONE_OF, ("XA",), _XA),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _ROWS, AT_MOST, ("1024",), _XA | _SC),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _COLUMNS, AT_MOST, ("1024",), _XA | _SC),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _STORED, ONE_OF, ("8", "10", "12"), _XA),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _SAMPLES, ONE_OF, ("1",), _SC),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _PHOTOMETRIC, ONE_OF, ("MONOCHROME2",), _SC),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _ALLOCATED, ONE_OF, ("8",), _SC),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _STORED, ONE_OF, ("8",), _SC),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _HIGH_BIT, ONE_OF, ("7",), _SC),
    Constraint("PR-XA1K", "PS3.11 B.3.3", _SIGNED, ONE_OF, ("0",), _SC),
    *(Constraint("PR-XA1K", "PS3.11 B.3.3", rows, ABSENT, (), _SC) for rows in _OVERLAY_ROWS),
)

_GRAYSCALE = When(_PHOTOMETRIC, ("MONOCHROME2",))
_PALETTE = When(_PHOTOMETRIC, ("PALETTE COLOR",))
_CTMR: Final = (
    Constraint("PR-CTMR", "PS3.11 E.3.3", _MODALITY, ONE_OF, ("CT",), _CT),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _PHOTOMETRIC, ONE_OF, ("MONOCHROME2",), _CT | _MR),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _MODALITY, ONE_OF, ("MR",), _MR),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _STORED, ONE_OF, ("8", "12", "13", "14", "15", "16"), _MR),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _HIGH_BIT, ONE_LESS_THAN, (), _MR, other=_STORED),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _SAMPLES, ONE_OF, ("1",), _SC),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _PHOTOMETRIC, ONE_OF, ("MONOCHROME2", "PALETTE COLOR"), _SC),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _ALLOCATED, ONE_OF, ("8", "16"), _SC, _GRAYSCALE),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _STORED, SAME_AS, (), _SC, _GRAYSCALE, other=_ALLOCATED),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _HIGH_BIT, ONE_LESS_THAN, (), _SC, _GRAYSCALE, other=_STORED),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _ALLOCATED, ONE_OF, ("8",), _SC, _PALETTE),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _STORED, ONE_OF, ("8",), _SC, _PALETTE),
    Constraint("PR-CTMR", "PS3.11 E.3.3", _HIGH_BIT, ONE_OF, ("7",), _SC, _PALETTE),
)

_DEN: Final = (
    Constraint("PR-DEN", "PS3.11 K.3.3", _STORED, ONE_OF, ("8", "10", "12", "16"), _DENTAL),
    Constraint("PR-DEN", "PS3.11 K.3.3", _ALLOCATED, ONE_OF, ("8",), _DENTAL, When(_STORED, ("8",))),
    Constraint("PR-DEN", "PS3.11 K.3.3", _ALLOCATED, ONE_OF, ("16",), _DENTAL, When(_STORED, ("10", "12", "16"))),
    *(
        Constraint("PR-DEN", "PS3.11 K.3.3", Attribute(name, tag, "LO"), PRESENT, (), _DENTAL)
        for name, tag in (
            ("Institution Name", 0x00080080),
            ("Manufacturer's Model Name", 0x00081090),
            ("Detector ID", 0x0018700A),
            ("Detector Manufacturer Name", 0x0018702A),
            ("Detector Manufacturer's Model Name", 0x0018702B),
        )
    ),
)

_US: Final = (
    Constraint(
        "PR-US", "PS3.11 C.3.2", _PHOTOMETRIC, ONE_OF,
        ("MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422"),
    ),
    Constraint(
        "PR-US", "PS3.11 C.3.2", _SYNTAX, ONE_OF, (EXPLICIT, RLE),
        when=When(_PHOTOMETRIC, ("MONOCHROME2", "RGB", "PALETTE COLOR")),
    ),
    Constraint("PR-US", "PS3.11 C.3.2", _SYNTAX, ONE_OF, (RLE,), when=When(_PHOTOMETRIC, ("YBR_FULL",))),
    Constraint(
        "PR-US", "PS3.11 C.3.2", _SYNTAX, ONE_OF, (EXPLICIT, JPEG_BASELINE),
        when=When(_PHOTOMETRIC, ("YBR_FULL_422",)),
    ),
)  # fmt: skip
"""Table C.3-2: photometric interpretations, and the transfer syntaxes of each."""

CONSTRAINTS: Final[dict[str, tuple[Constraint, ...]]] = {
    "XABC": _XABC,
    "XA1K": _XA1K,
    "CTMR": _CTMR,
    "DEN": _DEN,
    "US-ID": _US,
    "US-SC": (
        *_US,
        Constraint("PR-US", "PS3.11 C.3.1", _REGIONS, VALUE),
        Constraint("PR-US", "PS3.11 C.3.1", _COMPONENTS, ABSENT),
    ),
    "US-CC": (
        *_US,
        Constraint("PR-US", "PS3.11 C.3.1", _REGIONS, VALUE),
        Constraint("PR-US", "PS3.11 C.3.1", _COMPONENTS, VALUE, when=When(_REGIONS, ("present",))),
    ),
    "JPEG-IF": _JPEG_IF,
}  # fmt: skip
"""The image constraints by name: those of Annexes A, B, E, K, C, and H (also J and M)."""

ATTRIBUTES: Final = tuple(
    dict.fromkeys(
        attribute
        for rows in CONSTRAINTS.values()
        for row in rows
        for attribute in (row.attribute, row.other, row.when and row.when.attribute)
        if attribute
    )
)
"""Every attribute that any constraint looks at."""
