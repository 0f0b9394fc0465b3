"""Generated DICOM files with one fault each: File Meta Information, keys, character sets, values, VRs and structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from struct import pack
from typing import Final, NamedTuple

from pydicom import Dataset
from pydicom.config import disable_value_validation
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from fileset.dicom.elements import EXPLICIT_LITTLE, SHORT_VRS, Element, elements
from fileset.standard.record_types import RECORD_TYPES, Key
from tests.support import synthetic

_NUMBERS: Final = frozenset(("US", "SS", "UL", "SL", "FL", "FD"))
PREFIX: Final = 132
TEXTS: Final = (0x00080050, 0x00081030, 0x00100010, 0x00100020, 0x00200010)
"""Accession Number, Study Description, Patient's Name, Patient ID, Study ID."""
KEYS: Final = (
    *(0x00080005, 0x00080016, 0x00080018, 0x00080020, 0x00080023, 0x00080030, 0x00080033, 0x00080060),
    *(0x0020000D, 0x0020000E, 0x00200011, 0x00200013, *TEXTS),
)


class Faulty(NamedTuple):
    """A file with one fault, and the description of the fault."""

    title: str
    data: bytes


def encoded(tag: int, vr: bytes, value: bytes) -> bytes:
    """Encode an element in Explicit VR Little Endian, without padding."""
    head = pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    return head + (pack("<H", len(value)) if vr in SHORT_VRS else pack("<HI", 0, len(value))) + value


class File:
    """A file in Explicit VR Little Endian, as encoded elements that a fault may change."""

    def __init__(self, data: bytes) -> None:
        self.start = data[:PREFIX]
        parts = list(elements(data, PREFIX, len(data), EXPLICIT_LITTLE))
        self.meta = [(part.tag, data[part.at : part.end]) for part in parts if part.tag >> 16 == 2]
        self.body = [(part.tag, data[part.at : part.end]) for part in parts if part.tag >> 16 != 2]
        self.parts = {part.tag: (part, data[part.value_at : part.value_end]) for part in parts}

    def encoded(self, *, fix_length: bool = True) -> bytes:
        """Encode the file, by default with the right group length."""
        meta = b"".join(raw for tag, raw in self.meta)
        if fix_length and self.meta and self.meta[0][0] == 0x00020000:
            meta = encoded(0x00020000, b"UL", pack("<I", len(meta) - 12)) + meta[12:]
        return self.start + meta + b"".join(raw for _, raw in self.body)

    def put(self, tag: int, raw: bytes) -> None:
        """Replace an element, or insert it in order."""
        rows = self.meta if tag >> 16 == 2 else self.body
        at = next((at for at, row in enumerate(rows) if row[0] >= tag), len(rows))
        rows[at : at + (at < len(rows) and rows[at][0] == tag)] = [(tag, raw)]

    def drop(self, tag: int) -> None:
        """Remove an element."""
        self.meta = [row for row in self.meta if row[0] != tag]
        self.body = [row for row in self.body if row[0] != tag]

    def part(self, tag: int) -> tuple[Element, bytes]:
        """Return an element and its value."""
        return self.parts[tag]


Fault = Callable[[File], bytes]


def _dropped(tag: int) -> Fault:
    def fault(file: File) -> bytes:
        file.drop(tag)
        return file.encoded()

    return fault


def _put(tag: int, vr: bytes, value: bytes) -> Fault:
    def fault(file: File) -> bytes:
        file.put(tag, encoded(tag, vr, value))
        return file.encoded()

    return fault


def _both(*faults: tuple[int, bytes, bytes]) -> Fault:
    def fault(file: File) -> bytes:
        for tag, vr, value in faults:
            file.put(tag, encoded(tag, vr, value))
        return file.encoded()

    return fault


def _start(start: bytes) -> Fault:
    def fault(file: File) -> bytes:
        file.start = start
        return file.encoded()

    return fault


def _swapped(file: File) -> bytes:
    file.body[3], file.body[4] = file.body[4], file.body[3]
    return file.encoded()


def _swapped_meta(file: File) -> bytes:
    file.meta[2], file.meta[3] = file.meta[3], file.meta[2]
    return file.encoded()


def _twice(file: File) -> bytes:
    file.body.insert(4, file.body[4])
    return file.encoded()


def _cut(file: File) -> bytes:
    return file.encoded()[:-5]


def _second_meta(file: File) -> bytes:
    file.body.insert(0, (0x00020010, encoded(0x00020010, b"UI", b"1.2.840.10008.1.2.1\0")))
    file.body.insert(0, (0x00010010, encoded(0x00010010, b"LO", b"ab")))
    return file.encoded()


def _trailing(file: File) -> bytes:
    return file.encoded() + b"\1" * 30


def _wrong_length(file: File) -> bytes:
    return file.encoded(fix_length=False).replace(
        encoded(0x00020000, b"UL", file.part(0x00020000)[1]), encoded(0x00020000, b"UL", b"\x10\0\0\0")
    )


def _encapsulated(vr: bytes) -> Fault:
    def fault(file: File) -> bytes:
        jpeg = b"1.2.840.10008.1.2.4.50"
        file.put(0x00020010, encoded(0x00020010, b"UI", jpeg))
        item, end = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
        pixels = item + bytes(4) + item + pack("<I", 4) + b"\xff\xd8\xff\xd9" + end
        file.put(0x7FE00010, pack("<HH", 0x7FE0, 0x10) + vr + b"\0\0\xff\xff\xff\xff" + pixels)
        return file.encoded()

    return fault


def sequence(*items: bytes) -> bytes:
    return b"".join(b"\xfe\xff\x00\xe0" + pack("<I", len(item)) + item for item in items)


CODE: Final = encoded(0x00080104, b"LO", b"Meaning ")
FAULTS: Final[dict[str, Fault]] = {
    **{f"meta without {tag:08X}": _dropped(tag) for tag in (0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020012)},
    "meta length": _wrong_length,
    "meta order": _swapped_meta,
    "meta version": _put(0x00020001, b"OB", b"\0\0"),
    "meta version VR": _put(0x00020001, b"UN", b"\0\1"),
    "meta implementation UID": _put(0x00020012, b"UI", b"1.2.x3"),
    "meta implementation name": _put(0x00020013, b"SH", b"X" * 18),
    "meta other UID": _put(0x00020003, b"UI", b"1.2.3.4\0"),
    "meta other class": _put(0x00020002, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
    "meta JPIP": _put(0x00020010, b"UI", b"1.2.840.10008.1.2.4.94"),
    "meta private information": _put(0x00020102, b"OB", b"\1\2"),
    "meta private creator": _put(0x00020100, b"UI", b"1.2.3\0"),
    "meta real time": _put(0x00020031, b"OB", b"\1\2"),
    "preamble": _start(b"ABCD" + bytes(124) + b"DICM"),
    "executable preamble": _start(b"MZ" + bytes(126) + b"DICM"),
    "no preamble": _start(b""),
    **{f"without {tag:08X}": _dropped(tag) for tag in KEYS},
    **{f"empty {tag:08X}": _put(tag, vr, b"") for tag, vr in (
        (0x00080020, b"DA"), (0x00080030, b"TM"), (0x00080060, b"CS"), (0x00100010, b"PN"), (0x00100020, b"LO"),
        (0x00200010, b"SH"), (0x00200011, b"IS"), (0x00200013, b"IS"), (0x00080050, b"SH"),
    )},
    **{f"two values {tag:08X}": _put(tag, vr, b"AB\\CD ") for tag, vr in (
        (0x00080050, b"SH"), (0x00080060, b"CS"), (0x00081030, b"LO"), (0x00100010, b"PN"), (0x00100020, b"LO"),
        (0x00200010, b"SH"),
    )},
    **{f"too long {tag:08X}": _put(tag, vr, b"A" * 70) for tag, vr in (
        (0x00080050, b"SH"), (0x00080060, b"CS"), (0x00081030, b"LO"), (0x00100010, b"PN"), (0x00100020, b"LO"),
        (0x00200010, b"SH"), (0x00200011, b"IS"),
    )},
    **{f"control {tag:08X}": _put(tag, vr, b"A\1B ") for tag, vr in (
        (0x00080050, b"SH"), (0x00081030, b"LO"), (0x00100010, b"PN"), (0x00200010, b"SH"),
    )},
    "date": _put(0x00080020, b"DA", b"20230231"),
    "date form": _put(0x00080020, b"DA", b"2023-1-1"),
    "time": _put(0x00080030, b"TM", b"256061"),
    "number": _put(0x00200011, b"IS", b"1.5 "),
    "code string": _put(0x00080060, b"CS", b"c-t!"),
    "name components": _put(0x00100010, b"PN", b"A^B^C^D^E^F "),
    "no UTF-8": _both((0x00080005, b"CS", b"ISO_IR 192"), (0x00100010, b"PN", b"M\xfcller^A")),
    "no UTF-8 in study": _both((0x00080005, b"CS", b"ISO_IR 192"), (0x00081030, b"LO", b"M\xfcller")),
    "C1": _both((0x00080005, b"CS", b"ISO_IR 100"), (0x00100010, b"PN", b"M\x9aller^A")),
    "unknown set": _both((0x00080005, b"CS", b"ISO_IR 999"), (0x00100010, b"PN", b"M\xfcller^A")),
    "sets that do not combine": _both(
        (0x00080005, b"CS", b"ISO_IR 192\\ISO 2022 IR 87 "), (0x00100010, b"PN", b"M\xfcller^A")
    ),
    "no set": _both((0x00080005, b"CS", b""), (0x00100010, b"PN", b"M\xfcller^A")),
    "VR of a date": _put(0x00080020, b"LO", b"20230201"),
    "VR of a name": _put(0x00100010, b"LO", b"A^B "),
    "VR of a key in an item": _put(0x00081032, b"SQ", sequence(encoded(0x00080100, b"LO", b"CODE") + CODE)),
    "VR of encapsulated pixels": _encapsulated(b"OW"),
    "private without creator": _put(0x00091001, b"LO", b"ab"),
    "private without creator in an item": _put(0x00081032, b"SQ", sequence(CODE + encoded(0x00091001, b"LO", b"ab"))),
    "empty private creator": _put(0x00090010, b"LO", b""),
    "private creator of VR SH": _put(0x00090010, b"SH", b"ab"),
    "private number below 0010": _put(0x0009000D, b"LO", b"ab"),
    "order": _swapped,
    "twice": _twice,
    "cut": _cut,
    "trailing": _trailing,
    "odd length": _put(0x00204000, b"LT", b"odd"),
    **{f"group {group:04X}": _put(group << 16 | 0x10, b"LO", b"ab") for group in (0, 1, 3, 4, 5, 6, 7, 0xFFFF)},
    "group 0002": _second_meta,
    "group 0002 in an item": _put(0x00081032, b"SQ", sequence(encoded(0x00020010, b"UI", b"1.2.3\0") + CODE)),
    "garbage in a sequence": _put(0x00081032, b"SQ", b"garbage!"),
    "item beyond its sequence": _put(0x00081032, b"SQ", b"\xfe\xff\x00\xe0\xff\0\0\0" + CODE),
    "order in an item": _put(0x00081032, b"SQ", sequence(CODE + encoded(0x00080102, b"SH", b"DC"))),
    "code with a meaning only": _put(0x0040A043, b"SQ", sequence(CODE)),
    "empty item": _put(0x0040A043, b"SQ", sequence(b"")),
    "two titles": _put(0x0040A043, b"SQ", sequence(CODE, CODE)),
    "verified without date": _put(0x0040A493, b"CS", b"VERIFIED"),
    "unknown flag": _put(0x0040A491, b"CS", b"SOMEHOW "),
    "palette": _put(0x00280004, b"CS", b"PALETTE COLOR "),
    "meta version of four bytes": _put(0x00020001, b"OB", b"\0\1\0\0"),
    "meta syntax padded by a space": _put(0x00020010, b"UI", b"1.2.840.10008.1.2.1 "),
    "meta JPIP with HTJ2K": _put(0x00020010, b"UI", b"1.2.840.10008.1.2.4.205\0"),
    "meta AE title of two values": _put(0x00020016, b"AE", b"A\\B "),
    "meta private creator that is no UID": _both((0x00020100, b"UI", b"abc\0"), (0x00020102, b"OB", b"ab")),
    "prefix in lower case": _start(bytes(128) + b"dicm"),
    "preamble too short": _start(bytes(127) + b"DICM"),
    "second file after the first": lambda file: file.encoded() * 2,
    **{f"{name} {tag:08X}": _both((0x00080005, b"CS", declared), (tag, vr, value)) for tag, vr in (
        (0x00080050, b"SH"), (0x00081030, b"LO"), (0x00100010, b"PN"),
    ) for name, declared, value in (
        ("UTF-8 surrogate", b"ISO_IR 192", b"\xed\xa0\x80A"), ("UTF-8 overlong", b"ISO_IR 192", b"\xc0\xafAB"),
        ("UTF-8 cut", b"ISO_IR 192", b"A\xc3"), ("JIS not ended", b"\\ISO 2022 IR 87", b"\x1b$B;3EAB "),
        ("GB18030 cut", b"GB18030 ", b"\x81\x30"), ("undefined in Thai", b"ISO_IR 166", b"\xfcAB "),
        ("backslash at the end", b"", b"AB\\ "), ("NUL inside", b"", b"A\0B "), ("escape without a set", b"", b"A\x1bB "),
    )},
    **{f"date {value.decode()}": _put(0x00080020, b"DA", value) for value in (
        b"00000000", b"20231301", b"20230229", b"202301  ", b" 20230101 ", b"20230101-20230102 ",
    )},
    **{f"time {value.decode()}": _put(0x00080030, b"TM", value) for value in (b"240000", b"-12000", b"120000. ", b"1 ")},
    **{f"number {value.decode()}": _put(0x00200011, b"IS", value) for value in (
        b"2147483648", b"0x10", b"1e3 ", b"1 2 ", b"1\\2 ",
    )},
    **{f"study UID {value!a}": _put(0x0020000D, b"UI", value) for value in (
        b"1.2.\0", b"1..2", b"1.2.03", b".1.2", b"1.40.2", b"00.1", b"-1.2", b"3.1.2\0", b"1.2\n0\0", b"1.2\\1.3\0", b"1." + b"1" * 64,
    )},
    "sequence end in an explicit sequence": _put(0x00081032, b"SQ", sequence(CODE) + b"\xfe\xff\xdd\xe0\0\0\0\0"),
    "item in an item": _put(0x00081032, b"SQ", sequence(sequence(CODE))),
    "two bytes after the items": _put(0x00081032, b"SQ", sequence(CODE) + b"ab"),
    "group FFFF in an item": _put(0x00081032, b"SQ", sequence(CODE + encoded(0xFFFF0010, b"LO", b"ab"))),
    "verified with a date that does not exist": _both(
        (0x0040A493, b"CS", b"VERIFIED"), (0x0040A073, b"SQ", sequence(encoded(0x0040A030, b"DT", b"20231301")))
    ),
    "code without meaning": _put(
        0x0040A043, b"SQ", sequence(encoded(0x00080100, b"SH", b"A ") + encoded(0x00080102, b"SH", b"DCM "))
    ),
}  # fmt: skip


def lacking_keys() -> list[tuple[str, tuple[Key, ...]]]:
    """List every key of every record type, after the sequences that contain it, with a SOP class that has it."""
    found: list[tuple[str, tuple[Key, ...]]] = []
    for sop_class in synthetic.storage_classes():
        stack: list[tuple[Key, ...]] = [(key,) for key in RECORD_TYPES[synthetic.record_type(sop_class)].keys]
        while stack:
            path = stack.pop()
            found.append((sop_class, path))
            stack += [(*path, key) for key in path[-1].items]
    return found


def _instance(sop_class: str, place: int) -> Dataset:
    return synthetic.instance(sop_class, patient=place, study=place, series=place, number=place)


VALUES: Final = {
    "without": None,
    "empty": b"",
    "too long": b"A" * 70,
    "two values": b"AB\\CD ",
    "control": b"A\1B ",
    "beyond ASCII": b"M\xfcller",
    "no number": b"x1.5y ",
}
"""Values of a key that are wrong for some or for all VRs; None removes the key."""
ITEMS: Final[dict[str, Callable[[list[Dataset]], list[Dataset]]]] = {
    "without items": lambda _: [],
    "with an empty item": lambda _: [Dataset()],
    "with two items": lambda items: [*items, *items],
}


def _broken_key(dataset: Dataset, path: tuple[Key, ...], random: Random) -> str:
    """Give a key a wrong value; return a description of it."""
    for key in path[:-1]:
        items = dataset[key.tag].value if key.tag in dataset else ()
        if not items:
            return "absent anyway"
        dataset = items[0]
    tag, vr = path[-1].tag, path[-1].vr
    title, value = random.choice(list(VALUES.items()))
    if tag not in dataset:
        return "absent anyway"
    if value is None or vr in _NUMBERS:
        del dataset[tag]
        return "without"
    if vr == "SQ":
        title, changed = random.choice(list(ITEMS.items()))
        dataset[tag].value = changed(list(dataset[tag].value))
    else:
        dataset[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True)
    return title


def faulty_files(count: int, seed: int) -> Iterator[Faulty]:
    """Yield `count` files, each of another study and with one fault: every fault for several SOP classes."""
    random = Random(seed)
    classes = sorted(synthetic.storage_classes())
    names, keys = list(FAULTS), lacking_keys()
    for place in range(1, count + 1):
        if place % 2:
            name, sop_class = names[place // 2 % len(names)], random.choice(classes)
            data = FAULTS[name](File(synthetic.encode(_instance(sop_class, place))))
        else:
            sop_class, path = random.choice(keys)
            dataset = _instance(sop_class, place)
            name = f"{_broken_key(dataset, path, random)} {'.'.join(key.keyword for key in path)}"
            with disable_value_validation():
                data = synthetic.encode(dataset)
        yield Faulty(f"{name} in {synthetic.record_type(sop_class)}", data)
