"""A pydicom data set as a DICOM file that this program wrote (PS3.10 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fileset.dicom.character_sets import TEXT_VRS, UNDECLARED, is_known
from fileset.dicom.elements import ITEM_TAG, MAX_DEPTH
from fileset.errors import RuleError
from fileset.part10.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from fileset.standard.dictionary import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID

_ITEMS: Final = 0xFFFE
"""The group of items and delimiters, which are no data elements (PS3.5 7.5)."""
_END_BYTES: Final = b"\xfe\xff\xdd\xe0"
"""The tag of the end of a sequence, in Little Endian."""

_FRAGMENTS: Final = ("fragments", "native pixels", "Set file_meta.TransferSyntaxUID to the syntax of the fragments")
_NATIVE: Final = ("native pixels", "fragments", "Use pydicom.encaps.encapsulate, or set file_meta.TransferSyntaxUID")
"""Found and needed form of pixel data, and the advice."""


def encode_dataset(dataset: Dataset) -> bytes:
    """Encode a data set as a DICOM file, with File Meta Information that names this program as its writer (PS3.10 7.1).

    The data set stays as it is. Raises `RuleError` if it cannot be encoded, or has text that its character set does not have.
    """
    try:
        _require_writable(dataset, "", ())
        return _encoded(dataset)
    except RuleError:
        raise
    except Exception as from_pydicom:  # pydicom raises nearly anything if it cannot read or encode a value
        reason = str(from_pydicom).partition("\nTraceback")[0].strip() or type(from_pydicom).__name__
        raise RuleError(f"the data set cannot be written as a DICOM file (PS3.10 7.1): {reason}") from from_pydicom


def _encoded(dataset: Dataset) -> bytes:
    import warnings
    from io import BytesIO

    import pydicom

    meta = _file_meta(dataset)
    _require_fitting_pixels(dataset, meta.TransferSyntaxUID)
    whole = pydicom.dataset.FileDataset("", dataset, file_meta=meta)
    target = BytesIO()
    with warnings.catch_warnings():
        # pydicom would write "?" for characters that the character set does not have.
        warnings.filterwarnings("error", message="Failed to encode value")
        pydicom.dcmwrite(target, whole, enforce_file_format=True)
    return target.getvalue()


def _file_meta(dataset: Dataset) -> FileMetaDataset:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    given = getattr(dataset, "file_meta", None) or {}
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = given.get("TransferSyntaxUID") or ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID.decode("ascii"))
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME.decode("ascii")
    return meta


def _require_fitting_pixels(dataset: Dataset, syntax: UID) -> None:
    """Raise `RuleError` for fragments under a native transfer syntax, or native pixels under another one (PS3.5 A.4)."""
    if "PixelData" not in dataset or not syntax.is_transfer_syntax or syntax.is_private:
        return
    value = dataset["PixelData"].value or b""
    if not isinstance(value, bytes):  # a buffer, which pydicom copies part by part
        return
    has_fragments = _are_fragments(value)
    if has_fragments is not syntax.is_compressed:
        found, needed, advice = _FRAGMENTS if has_fragments else _NATIVE
        message = f"PixelData has {found}, but the transfer syntax {syntax.name} needs {needed} (PS3.5 A.4)"
        raise RuleError(message, advice=advice)


def _are_fragments(value: bytes) -> bool:
    """Test whether a value is one item after the other: an offset table and fragments."""
    at = 0
    while value[at : at + 4] == ITEM_TAG:
        at += 8 + int.from_bytes(value[at + 4 : at + 8], "little")
    return at > 0 and (at >= len(value) or value[at : at + 4] == _END_BYTES)


def _require_writable(dataset: Dataset, inherited: str, above: tuple[int, ...]) -> None:
    """Raise `RuleError` for faults that pydicom writes without an error, and for nesting that takes it forever to refuse."""
    if len(above) > MAX_DEPTH or id(dataset) in above:
        raise RuleError(f"the data set has sequences nested more than {MAX_DEPTH} deep")
    declared = _character_set(dataset, inherited)
    for part in dataset.elements():
        tag = int(part.tag)
        if tag >> 16 == _ITEMS:
            raise RuleError(f"{named(tag)} is not a data element, but a mark between items (PS3.5 7.5)")
        if part.is_raw:  # its bytes are written as they were read; the scan judges them
            continue
        value: Any = part.value
        if part.VR == "SQ":
            for item in value or ():
                _require_writable(item, declared, (*above, id(dataset)))
        elif part.VR in TEXT_VRS and not all(map(str.isascii, _texts(value))):
            _require_declared(tag, declared)


def _character_set(dataset: Dataset, inherited: str) -> str:
    if "SpecificCharacterSet" not in dataset:
        return inherited
    value = dataset.SpecificCharacterSet or ""
    return value if isinstance(value, str) else "\\".join(value)


def _texts(value: Any) -> Iterator[str]:
    from pydicom.valuerep import PersonName

    values = [value] if isinstance(value, str | bytes | PersonName) or not hasattr(value, "__iter__") else value
    return (str(one) for one in values if isinstance(one, str | PersonName))


def _require_declared(tag: int, declared: str) -> None:
    """Raise `RuleError` if no character set is declared for text beyond ASCII, or one that does not exist."""
    if declared.strip() in UNDECLARED or not is_known(declared):
        reason = (
            f"which Specific Character Set {declared!r} cannot hold" if declared else "and no Specific Character Set"
        )
        raise RuleError(
            f"{named(tag)} has text beyond ASCII, {reason} (PS3.5 6.1)",
            advice="Set SpecificCharacterSet, such as 'ISO_IR 192'",
        )
