"""The elements in the headers of the CT images of the corpus: tables, one row an element.

A text value is a format string: ``{name}`` fields come from the series (`Series.fields` in `corpus`) or, in `PER_FILE`, from
the file. The keys for a directory are where scanners write them: before, between and after private groups and sequences,
some of undefined length, some private values longer than a first read of 8 KB.
"""

from __future__ import annotations

from attrs import frozen

from .elements import Value

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

Row = tuple[int, str, Value]


@frozen
class PrivateBlock:
    """One private block (PS3.5 7.8.1): its group, block number, creator, and elements by offset in the block."""

    group: int
    number: int
    creator: str
    rows: tuple[Row, ...]

    def elements(self) -> list[Row]:
        """Return the reservation and the elements, with whole tags."""
        base = self.group << 16
        reservation: Row = (base | self.number, "LO", self.creator)
        return [reservation, *((base | self.number << 8 | offset, vr, value) for offset, vr, value in self.rows)]


@frozen
class SequenceRow:
    """A sequence element: the rows of each of its items, which may contain sequences again."""

    tag: int
    items: tuple[tuple[Row | SequenceRow, ...], ...]


# Every file has these.
BASE: tuple[Row, ...] = (
    (0x00080005, "CS", "{charset}"),
    (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
    (0x00080016, "UI", CT_IMAGE_STORAGE),
    (0x00080020, "DA", "{date}"),
    (0x00080021, "DA", "{date}"),
    (0x00080023, "DA", "{date}"),
    (0x00080030, "TM", "{time}"),
    (0x00080031, "TM", "{time}.25"),
    (0x00080050, "SH", "A{study:08d}"),
    (0x00080060, "CS", "CT"),
    (0x00080070, "LO", "ACME Imaging"),
    (0x00080080, "LO", "General Hospital"),
    (0x00080090, "PN", "Referrer^Robin^^Dr"),
    (0x00081010, "SH", "CT{scanner:02d}"),
    (0x00081030, "LO", "{study_description}"),
    (0x0008103E, "LO", "{series_description}"),
    (0x00081090, "LO", "Spiral {scanner}"),
    (0x00100010, "PN", "{patient_name}"),
    (0x00100020, "LO", "{patient_id}"),
    (0x00100030, "DA", "{birth_date}"),
    (0x00100040, "CS", "{sex}"),
    (0x00180015, "CS", "CHEST"),
    (0x00180050, "DS", "{thickness}"),
    (0x00180060, "DS", "120"),
    (0x00180090, "DS", "{field}"),
    (0x00181020, "LO", "VB{scanner}.1a"),
    (0x00181100, "DS", "{field}"),
    (0x00181120, "DS", "0"),
    (0x00181130, "DS", "{table}"),
    (0x00181140, "CS", "CW"),
    (0x00181150, "IS", "500"),
    (0x00181152, "IS", "{exposure}"),
    (0x00181210, "SH", "{kernel}"),
    (0x00185100, "CS", "HFS"),
    (0x0020000D, "UI", "{study_uid}"),
    (0x0020000E, "UI", "{series_uid}"),
    (0x00200010, "SH", "{study}"),
    (0x00200011, "IS", "{series_number}"),
    (0x00200012, "IS", "1"),
    (0x00200037, "DS", "{orientation}"),
    (0x00200052, "UI", "{frame_uid}"),
    (0x00201040, "LO", ""),
    (0x00280002, "US", 1),
    (0x00280004, "CS", "MONOCHROME2"),
    (0x00280010, "US", "{matrix}"),
    (0x00280011, "US", "{matrix}"),
    (0x00280030, "DS", "{spacing}\\{spacing}"),
    (0x00280100, "US", 16),
    (0x00280101, "US", 12),
    (0x00280102, "US", 11),
    (0x00280103, "US", 0),
    (0x00281050, "DS", "40"),
    (0x00281051, "DS", "{window}"),
    (0x00281052, "DS", "-1024"),
    (0x00281053, "DS", "1"),
)

# Long headers have these as well.
EXTENDED: tuple[Row, ...] = (
    (0x00080012, "DA", "{date}"),
    (0x00080013, "TM", "{time}"),
    (0x00080022, "DA", "{date}"),
    (0x00080032, "TM", "{time}.5"),
    (0x00080081, "ST", "1 Hospital Road, Springfield"),
    (0x00081040, "LO", "Radiology"),
    (0x00081050, "PN", "Performer^Pat"),
    (0x00081070, "PN", "Operator^O"),
    (0x00101010, "AS", "0{age}Y"),
    (0x00101030, "DS", "72.500"),
    (0x001021B0, "LT", "Cough for three weeks; no fever. Follow-up of a nodule in the right upper lobe."),
    (0x00180010, "LO", "Contrast 300"),
    (0x00180022, "CS", "HELICAL MODE"),
    (0x00181000, "LO", "SN{scanner:06d}"),
    (0x00181030, "LO", "{series_description} protocol"),
    (0x00181160, "SH", "BODY FILTER"),
    (0x00181190, "DS", "0.7\\1.2"),
    (0x00189305, "FD", 0.5),
    (0x00189311, "FD", 0.984375),
    (0x00204000, "LT", "Comments"),
    (0x00281054, "LO", "HU"),
    (0x00400244, "DA", "{date}"),
    (0x00400245, "TM", "{time}"),
    (0x00400253, "SH", "PPS{study}"),
    (0x00400254, "LO", "{study_description}"),
)

# Different in every file; the file's fields are uid, number, z, time and current. (0002,0003) is patched in with the File Meta.
PER_FILE: tuple[Row, ...] = (
    (0x00080018, "UI", "{uid}"),
    (0x00080033, "TM", "{time}"),
    (0x00181151, "IS", "{current}"),
    (0x00200013, "IS", "{number}"),
    (0x00200032, "DS", "{origin}\\{origin}\\{z}"),
    (0x00201041, "DS", "{z}"),
)

CODE_CHEST: tuple[Row, ...] = (
    (0x00080100, "SH", "71260"),
    (0x00080102, "SH", "C4"),
    (0x00080104, "LO", "CT thorax with contrast"),
)
CODE_LOCALIZER: tuple[Row, ...] = (
    (0x00080100, "SH", "121311"),
    (0x00080102, "SH", "DCM"),
    (0x00080104, "LO", "Localizer"),
)
REFERENCE: tuple[Row | SequenceRow, ...] = (
    (0x00081150, "UI", CT_IMAGE_STORAGE),
    (0x00081155, "UI", "{series_uid}.9{study}"),
    # A nested sequence with keys that are also at the top level: a reader that loses count of the depth would use these.
    SequenceRow(0x0040A170, (CODE_LOCALIZER,)),
)
SCHEDULED: tuple[Row, ...] = (
    (0x00321060, "LO", "{study_description}"),
    (0x00400007, "LO", "Scheduled step"),
    (0x00400009, "SH", "SPS{study}"),
    (0x00401001, "SH", "RP{study}"),
)

SEQUENCES: tuple[SequenceRow, ...] = (
    SequenceRow(0x00081032, (CODE_CHEST,)),
    SequenceRow(0x00081140, (REFERENCE,)),
    SequenceRow(0x00400275, (SCHEDULED,)),
)

ITEM_CREATOR: Row = (0x00190010, "LO", "ACME_ACQU_01")  # every item names it again (PS3.5 7.8.1)
PRIVATE_SEQUENCE = SequenceRow(
    0x00191090,
    (
        (ITEM_CREATOR, (0x00191091, "DS", "1.5"), (0x0020000D, "UI", "1.2.3.4"), (0x00200013, "IS", "77")),
        (ITEM_CREATOR, (0x00191091, "DS", "2.50"), SequenceRow(0x00191092, (CODE_CHEST,))),
    ),
)

BLOCKS: dict[str, PrivateBlock] = {
    "identity": PrivateBlock(
        0x0009,
        0x10,
        "ACME_IDEN_01",
        (
            (0x01, "LO", "ACME_CT_LIGHT"),
            (0x02, "SH", "CT{scanner:02d}"),
            (0x04, "SH", "SPIRAL"),
            (0x27, "SL", 1700000000),
            (0xE3, "UI", ""),
            (0xE6, "SH", "05"),
        ),
    ),
    "second": PrivateBlock(
        0x0009,
        0x11,
        "ACME_IDEN_02",
        (
            (0x01, "UN", b"\x01\x02\x03\x04"),
            (0x02, "UN", b""),
            (0x03, "UN", b"UNKNOWN VALUE"),
            (0x10, "FL", [1.5, 2.5]),
        ),
    ),
    "long": PrivateBlock(0x0009, 0x12, "ACME_BLOB", ((0x01, "LO", "12 KB"), (0x02, "OB", bytes(range(256)) * 48))),
    "odd": PrivateBlock(
        0x0011,
        0x10,
        "ACME PATIENT ODDITIES",
        ((0x01, "UT", "A long remark. " * 40), (0x02, "LO", ""), (0x03, "UN", b"\0" * 22), (0x10, "US", [1, 2, 3])),
    ),
    "acquisition": PrivateBlock(
        0x0019,
        0x10,
        "ACME_ACQU_01",
        (
            (0x02, "SL", 912),
            (0x03, "DS", "389.750000"),
            (0x04, "DS", "1.023900"),
            (0x0F, "DS", "{table}"),
            (0x11, "SS", 1),
            (0x18, "LO", "S"),
            (0x1A, "LO", "I"),
            (0x23, "DS", "39.375000"),
            (0x24, "DS", "10.9375"),
            (0x2A, "DS", "178.2"),
            (0x2C, "SL", 984),
            (0x39, "SS", 16),
        ),
    ),
    "relation": PrivateBlock(
        0x0021,
        0x10,
        "ACME_RELA_01",
        (
            (0x03, "SS", 0),
            (0x05, "SH", "H"),
            (0x35, "SS", 0),
            (0x36, "SS", 7),
            (0x91, "SS", 0),
            (0x92, "FL", 0.25),
        ),
    ),
    "technical": PrivateBlock(
        0x0029,
        0x10,
        "ACME CSA HEADER",
        (
            (0x08, "CS", "IMAGE NUM 4"),
            (0x09, "LO", "20250101"),
            (0x10, "OB", b"SV10\4\3\2\1" * 900),
            (0x18, "CS", "CT"),
        ),
    ),
    "parameters": PrivateBlock(
        0x0043,
        0x10,
        "ACME_PARM_01",
        (
            (0x10, "US", 500),
            (0x12, "SS", [14, 2, 3]),
            (0x16, "SS", 2),
            (0x1E, "DS", "5.000000"),
            (0x25, "SS", [-12, 0, 1, 2, 3, 4]),
            (0x26, "US", [1, 0, 1, 0, 0, 0]),
            (0x27, "SH", "/0.5:1"),
            (0x41, "DS", "1.0\\2.25\\-3.125"),
        ),
    ),
}


@frozen
class Variant:
    """A kind of header; ``digits`` is the number of decimals of its decimal strings."""

    blocks: tuple[str, ...]
    extended: bool
    digits: int
    private_sequence: bool = False


# Series n has variant n modulo the number of rows: as in practice, one in eight exceeds a first read of 8 KB.
VARIANTS: tuple[Variant, ...] = (
    Variant(("identity", "acquisition", "relation"), extended=False, digits=3),
    Variant(("identity", "acquisition", "parameters"), extended=True, digits=6),
    Variant(("identity", "technical"), extended=False, digits=0),
    Variant(("identity", "second", "acquisition", "technical"), extended=True, digits=2),
    Variant(("odd", "acquisition"), extended=False, digits=1, private_sequence=True),
    Variant(("identity",), extended=False, digits=4),
    Variant(("identity", "long", "relation"), extended=True, digits=5),
    Variant(("identity", "second", "odd", "relation"), extended=True, digits=3),
)

# (sequence of undefined length, items of undefined length), by the number of the study.
LENGTHS: tuple[tuple[bool, bool], ...] = ((False, False), (True, True), (True, False), (False, True))

# PS3.3 C.12.1.1.2: (Specific Character Set, Python codec, name of the patient), by the number of the patient.
PATIENTS: tuple[tuple[str, str, str], ...] = (
    ("ISO_IR 100", "latin-1", "Doe^Jane"),
    ("ISO_IR 100", "latin-1", "Müller^Jörg^^Dr"),
    ("ISO_IR 192", "utf-8", "Žižka^Łucja"),
    ("ISO_IR 100", "latin-1", "Fernández de la Cruz^María José"),
)
