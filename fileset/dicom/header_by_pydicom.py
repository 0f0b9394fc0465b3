"""Read unusual headers with pydicom: no preamble, wrong lengths, sequences in Implicit VR or Big Endian.

The result is the same `Header`: raw values in Little Endian, sequences in Explicit VR Little Endian.
"""

from __future__ import annotations

import io
import warnings
from itertools import count
from typing import TYPE_CHECKING, Final

from fileset.dicom.elements import EXPLICIT_LITTLE, UNDEFINED, element_at
from fileset.dicom.header import LARGEST_VALUE, PIXEL_DATA, Header, HeaderError, Reading, Wanted, little_endian
from fileset.dicom.header_layout import IDENTIFYING_META_TAGS
from fileset.errors import foreign_text
from fileset.standard import tags

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DEFER: Final = 1 << 24
"""A longer value, in bytes, is skipped unless wanted."""
_MOST_ELEMENTS: Final = 20_000
"""Elements of a data set before its pixel data, without those in sequences; zeros of a bad disc read as millions of
empty elements."""
_MOST_READS: Final = 1_000_000
"""Times that pydicom may read from a file: at least once for each element, those in sequences included."""
_ZEROS: Final = bytes(8)
_MESSAGE: Final = "pydicom cannot decode the data set"

_TOO_MANY: Final = "more elements precede the values that are needed than a header can have; the file is damaged"


class HeaderFile(io.RawIOBase):
    """A file-like object for pydicom over a `Reading`. Raises `HeaderError` after `limit` bytes or many elements, to bound memory and time."""

    name = ""

    def __init__(self, read: Reading, limit: int = LARGEST_VALUE) -> None:
        self._read = read
        self._at = 0
        self._limit = self._left = limit
        self._reads = 0
        self._zeros = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position, in bytes from the start."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position. Raises `OSError` for one from the end, which is unknown."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end is not known")
        self._at = offset + (self._at if whence else 0)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes, fewer only at the end. Raises `HeaderError` without a size."""
        if size is None or size < 0:  # pydicom would inflate a deflated data set without limit
            raise HeaderError("FS-FILE-BAD-HEADER", "a deflated data set after unusual File Meta Information")
        if size > self._left:
            raise HeaderError("FS-FILE-BAD-HEADER", self._too_much(size))
        data = self._read(self._at, size)
        self._reads += 1
        self._zeros = self._zeros + 1 if data == _ZEROS else 0
        if self._reads > _MOST_READS or self._zeros > _MOST_ELEMENTS:
            raise HeaderError("FS-FILE-BAD-HEADER", _TOO_MANY)
        self._at += len(data)
        self._left -= len(data)
        return data

    def _too_much(self, size: int) -> str:
        """Explain why `size` bytes are not read: the file does not have them, or they are too many."""
        if not self._read(self._at + size - 1, 1):
            return f"a length of {size} exceeds the file"
        return f"more than {self._limit >> 20} MiB precede the values that are needed"

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into a buffer, for buffered reading."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def read_foreign(read: Reading, wanted: Wanted) -> Header:
    """Read the header by pydicom. Raises `HeaderError` if pydicom cannot read it either."""
    from pydicom.filereader import read_partial

    pixels: list[int] = []
    elements = count(1)

    def at_pixel_data(tag: int, _vr: str | None, _length: int) -> bool:
        if next(elements) > _MOST_ELEMENTS:
            raise HeaderError("FS-FILE-BAD-HEADER", _TOO_MANY)
        if tag in PIXEL_DATA:
            pixels.append(int(tag))
        return bool(pixels)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = read_partial(HeaderFile(read), at_pixel_data, defer_size=_DEFER, force=True)  # type: ignore[arg-type]
            meta = {tag: _raw(dataset.file_meta, tag) for tag in IDENTIFYING_META_TAGS if tag in dataset.file_meta}
            whole = (tag for tag in _tags(dataset, wanted) if tag in dataset and not _is_cut_off(dataset, tag))
            values = {tag: _value(dataset, tag, wanted) for tag in whole}
        except HeaderError:
            raise
        except RecursionError:
            raise HeaderError("FS-FILE-BAD-HEADER", f"{_MESSAGE}: sequences nested too deep") from None
        except Exception as problem:  # noqa: BLE001  pydicom raises nearly anything on damaged input
            raise HeaderError("FS-FILE-BAD-HEADER", f"{_MESSAGE}: {foreign_text(problem)}") from None
    if not len(dataset):
        raise HeaderError("FS-FILE-BAD-HEADER", "no data element can be read")
    return Header(meta, values | dict.fromkeys(pixels, b""))


def _tags(dataset: Dataset, wanted: Wanted) -> frozenset[int]:
    sop_class = _raw(dataset, tags.SOP_CLASS_UID) if tags.SOP_CLASS_UID in dataset else b""
    return wanted.for_class(sop_class).tags


def _is_cut_off(dataset: Dataset, tag: int) -> bool:
    """Check whether the file ends inside a value: half of a Patient ID may be the ID of another patient."""
    from pydicom.dataelem import RawDataElement

    raw: object = dataset.get_item(tag)
    if not isinstance(raw, RawDataElement) or raw.value is None or raw.length == UNDEFINED:
        return False
    return len(raw.value) < raw.length


def _value(dataset: Dataset, tag: int, wanted: Wanted) -> bytes:
    if tag not in wanted.sequences:
        return _raw(dataset, tag)
    return _encoded(dataset, tag) if dataset[tag].VR == "SQ" else b""


def _raw(dataset: Dataset, tag: int) -> bytes:
    """Return the value bytes of the file, with numbers in Little Endian."""
    from pydicom.dataelem import RawDataElement

    raw: object = dataset.get_item(tag)
    if not isinstance(raw, RawDataElement):
        return _encoded(dataset, tag)
    value = raw.value or b""
    return value if raw.is_little_endian else little_endian(value, raw.VR or "")


def _encoded(dataset: Dataset, tag: int) -> bytes:
    """Encode the value of one element with pydicom, in Explicit VR Little Endian."""
    from pydicom.charset import convert_encodings
    from pydicom.dataset import Dataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    alone = Dataset()
    alone[tag] = dataset[tag]
    target = DicomBytesIO()
    target.is_implicit_VR, target.is_little_endian = False, True
    write_dataset(target, alone, convert_encodings(dataset.get("SpecificCharacterSet", "ISO_IR 6")))
    data = target.getvalue()
    element = element_at(data, 0, len(data), EXPLICIT_LITTLE)
    return data[element.value_at : element.value_end]
