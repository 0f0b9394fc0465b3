"""A deterministic corpus of CT images, written fast: one template for a series, with a few values patched for every file.

The same `Shape` gives the same bytes on every computer. File IDs conform to PS3.10 8.2:
``DICOM/P00001/S0000001/I0000001``.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from attrs import field, frozen

from .ct_header import (
    BASE,
    BLOCKS,
    CT_IMAGE_STORAGE,
    EXPLICIT_VR_LITTLE_ENDIAN,
    EXTENDED,
    LENGTHS,
    PATIENTS,
    PER_FILE,
    PRIVATE_SEQUENCE,
    SEQUENCES,
    VARIANTS,
    Row,
    SequenceRow,
    Variant,
)
from .elements import Value, element, sequence

PREAMBLE = b"\0" * 128 + b"DICM"
SERIES_PER_STUDY = 2
STUDIES_PER_PATIENT = 2
BLOCK_BYTES = 4096

Fields = dict[str, str | int]


@frozen
class Shape:
    """A corpus: ``files`` images, ``per_series`` of them in each series, pixel matrices of ``matrix`` squared 16-bit words.

    The default matrix makes 512 bytes of pixel data, so that headers dominate; 512 makes 520 KB files.
    """

    files: int
    per_series: int = 200
    matrix: int = 16

    @property
    def series(self) -> int:
        """The number of series, of which the last may be short."""
        return -(-self.files // self.per_series)

    @property
    def disk_bytes(self) -> int:
        """The approximate size of the corpus on a disk with 4 KB blocks."""
        pixels = 2 * self.matrix**2
        return self.files * (2 * BLOCK_BYTES + pixels // BLOCK_BYTES * BLOCK_BYTES)


@frozen
class Series:
    """The properties of all files of one series; everything follows from its number in the corpus."""

    number: int
    matrix: int

    @property
    def study(self) -> int:
        """The study's number in the corpus."""
        return self.number // SERIES_PER_STUDY

    @property
    def patient(self) -> int:
        """The patient's number in the corpus."""
        return self.study // STUDIES_PER_PATIENT

    @property
    def variant(self) -> Variant:
        """The variant of its headers."""
        return VARIANTS[self.number % len(VARIANTS)]

    @property
    def codec(self) -> str:
        """The Python codec of its text."""
        return PATIENTS[self.patient % len(PATIENTS)][1]

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return f"{study_uid(self.study)}.{1000 + self.number % SERIES_PER_STUDY}"

    @property
    def folder(self) -> str:
        """The path of its folder, relative to the root of the file-set."""
        return f"DICOM/P{self.patient:05d}/S{self.number:07d}"

    def fields(self) -> Fields:
        """Return the fields that the format strings of `ct_header` may name."""
        charset, _, name = PATIENTS[self.patient % len(PATIENTS)]
        day = self.patient % 28 + 1
        return {
            "charset": charset,
            "patient_name": name,
            "patient_id": patient_id(self.patient),
            "birth_date": f"19{self.patient % 60 + 30}07{day:02d}",
            "sex": "FMO"[self.patient % 3],
            "age": 20 + self.patient % 60,
            "study": self.study,
            "study_uid": study_uid(self.study),
            "study_description": ("CT Thorax", "CT Abdomen", "Skull")[self.study % 3],
            "date": f"2024{self.study % 12 + 1:02d}{self.study % 28 + 1:02d}",
            "time": f"{self.study % 24:02d}3015",
            "series_uid": self.uid,
            "series_number": self.number % SERIES_PER_STUDY + 1,
            "series_description": ("Thin", "Lung 1.0 mm", "Soft tissue, portal venous phase")[self.number % 3],
            "frame_uid": f"{study_uid(self.study)}.7",
            "scanner": 16 + self.number % 5,
            "kernel": ("B", "B31f", "LUNG")[self.number % 3],
            "exposure": 90 + self.number % 20,
            "window": 350 + self.number % 3,
            "matrix": self.matrix,
            "thickness": self.decimal(1.25),
            "field": self.decimal(360),
            "table": self.decimal(153.7 + self.number % 9),
            "spacing": self.decimal(0.703125),
            "orientation": "\\".join(self.decimal(cosine) for cosine in (1, 0, 0, 0, 1, 0)),
        }

    def decimal(self, value: float) -> str:
        """Format a DS in the length of this series."""
        return f"{value:.{self.variant.digits}f}"

    def file_fields(self, index: int, files: int) -> Fields:
        """Return the fields of the format strings of `PER_FILE`. Series with an odd number are stored last image first."""
        number = files - index if self.number % 2 else index + 1
        return {
            "uid": self.instance_uid(number),
            "number": number,
            "origin": self.decimal(-180),
            "z": self.decimal(-1.25 * number),
            "time": f"10{number // 60 % 60:02d}{number % 60:02d}.{number % 7}",
            "current": 80 + number % 150,
        }

    def instance_uid(self, number: int) -> str:
        """Return a SOP Instance UID: a counter below the series in two of three series, else a UUID without order."""
        if self.number % 3 == 2:
            return uuid_uid(f"{self.number}/{number}")
        return f"{self.uid}.{number}"


@frozen
class Template:
    """The bytes of the files of one series, around the values that differ."""

    series: Series
    meta: tuple[bytes, bytes]
    chunks: tuple[tuple[bytes, int, str, str], ...]
    tail: bytes = field(repr=False)

    def header(self, index: int, files: int) -> bytes:
        """Encode file number ``index`` of the series, except the `tail`."""
        fields = self.series.file_fields(index, files)
        parts = [PREAMBLE, *self.file_meta(str(fields["uid"]))]
        for before, tag, vr, form in self.chunks:
            parts += (before, element(tag, vr, form.format(**fields)))
        return b"".join(parts)

    def file_meta(self, uid: str) -> tuple[bytes, ...]:
        """Encode the File Meta Information (PS3.10 7.1), whose group length depends on the UID."""
        before, after = self.meta
        media_uid = element(0x00020003, "UI", uid)
        length = len(before) + len(media_uid) + len(after)
        return element(0x00020000, "UL", length), before, media_uid, after


def patient_id(patient: int) -> str:
    """Return the Patient ID of the patient with this number in the corpus."""
    return f"PID{patient:06d}"


def middle_patient(files: int) -> int:
    """Return the number of the patient in the middle of a corpus of the default `Shape`."""
    return Shape(files).series // (2 * SERIES_PER_STUDY * STUDIES_PER_PATIENT)


def study_uid(study: int) -> str:
    """Return the Study Instance UID of the study with this number in the corpus."""
    return uuid_uid(f"study {study}")


def uuid_uid(name: str) -> str:
    """Derive a UID below 2.25 (PS3.5 B.2) from ``name``."""
    return f"2.25.{int.from_bytes(blake2b(name.encode(), digest_size=16).digest())}"


def template(series: Series) -> Template:
    """Return the template of a series."""
    chunks: list[tuple[bytes, int, str, str]] = []
    before = b""
    for tag, (row, per_file) in sorted(rows(series).items()):
        if per_file and not isinstance(row, SequenceRow):
            chunks.append((before, tag, row[1], str(row[2])))
            before = b""
        else:
            before += encoded(row, series.fields(), series)
    meta = (
        element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", CT_IMAGE_STORAGE),
        element(0x00020010, "UI", EXPLICIT_VR_LITTLE_ENDIAN)
        + element(0x00020012, "UI", "2.25.1")
        + element(0x00020013, "SH", "BENCHMARK"),
    )
    return Template(series, meta, tuple(chunks), before + pixel_data(series))


def rows(series: Series) -> dict[int, tuple[Row | SequenceRow, bool]]:
    """Return the rows of a series by tag; each with a flag, true if it differs from file to file."""
    variant = series.variant
    found: list[Row] = [*BASE, *(EXTENDED if variant.extended else ())]
    for name in variant.blocks:
        found += BLOCKS[name].elements()
    sequences = [*SEQUENCES, *((PRIVATE_SEQUENCE,) if variant.private_sequence else ())]
    return (
        {row[0]: (row, False) for row in found}
        | {row[0]: (row, True) for row in PER_FILE}
        | {row.tag: (row, False) for row in sequences}
    )


def encoded(row: Row | SequenceRow, fields: Fields, series: Series) -> bytes:
    """Encode one row of a series."""
    if isinstance(row, SequenceRow):
        open_sequence, open_items = LENGTHS[series.study % len(LENGTHS)]
        items = (b"".join(encoded(inner, fields, series) for inner in content) for content in row.items)
        return sequence(row.tag, items, open_sequence=open_sequence, open_items=open_items)
    tag, vr, value = row
    return element(tag, vr, filled(vr, value, fields), series.codec)


def filled(vr: str, value: Value, fields: Fields) -> Value:
    """Put the fields of the series into a value; a field of a binary VR is a number."""
    if not isinstance(value, str):
        return value
    text = value.format(**fields)
    return int(text) if vr == "US" else text


def pixel_data(series: Series) -> bytes:
    """Encode (7FE0,0010): a ramp of 12-bit words, the same in all files of the corpus."""
    words = series.matrix**2
    ramp = b"".join(word.to_bytes(2, "little") for word in range(4096))
    return element(0x7FE00010, "OW", (ramp * (words // 4096 + 1))[: 2 * words])


def files(shape: Shape) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield relative path, header and tail of every file of the corpus, in the order of the paths."""
    for number in range(shape.series):
        form = template(Series(number, shape.matrix))
        count = min(shape.per_series, shape.files - number * shape.per_series)
        for index in range(count):
            yield f"{form.series.folder}/I{index:07d}", form.header(index, count), form.tail


def write(root: Path, shape: Shape) -> None:
    """Make ``root`` and write the corpus below it. Raises OSError if the disk fails or is full."""
    made = ""
    for path, header, tail in files(shape):
        folder, _, _ = path.rpartition("/")
        if folder != made:
            (root / folder).mkdir(parents=True)
            made = folder
        write_file(f"{root}/{path}", header, tail)


def write_file(path: str, header: bytes, tail: bytes) -> None:
    """Write one new file; unbuffered, because a buffered file costs twice as much here."""
    with open(path, "xb", buffering=0) as file:
        file.write(header + tail)


def digest(shape: Shape) -> str:
    """Compute a digest over all paths and bytes of the corpus, for the test that it never changes."""
    total = blake2b(digest_size=16)
    for path, header, tail in files(shape):
        total.update(path.encode() + header + tail)
    return total.hexdigest()
