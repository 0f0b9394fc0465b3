"""Change files to a transfer syntax that the profile allows (PS3.5 8.2), for `--transcode`.

The pixels do not change, so the SOP Instance UID stays. Each result is compared with its source to prove it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fileset.dicom.elements import element
from fileset.dicom.header import DEFLATED, HeaderError, Reading, read_all, read_header
from fileset.errors import FilesetError
from fileset.part10.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from fileset.part10.pixels import NATIVE
from fileset.part10.rewrite import (
    DicomFile,
    changed_body,
    elements_of,
    explicit_body,
    file_bytes,
    implicit_body,
    parse_file,
)
from fileset.plan.header_values import wanted_tags
from fileset.plan.source_files import write_spooled
from fileset.profiles.facts import class_and_syntax
from fileset.profiles.find import Profile
from fileset.standard import tags
from fileset.standard.syntaxes import EXPLICIT, IMPLICIT, syntax_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fileset.pictures.frames import Frames

LARGEST_NATIVE: Final = 0xFFFFFFFE
"""Largest size of native pixel data in bytes: its length has 32 bits."""
_IDENTIFIED: Final = wanted_tags((tags.SOP_CLASS_UID, tags.SOP_INSTANCE_UID))
_IMPLEMENTATION: Final = {
    tags.IMPLEMENTATION_CLASS_UID: element(tags.IMPLEMENTATION_CLASS_UID, "UI", IMPLEMENTATION_CLASS_UID),
    tags.IMPLEMENTATION_VERSION_NAME: element(tags.IMPLEMENTATION_VERSION_NAME, "SH", IMPLEMENTATION_VERSION_NAME),
}
_PLANAR, _LOSSY, _RATIO, _METHOD = 0x00280006, 0x00282110, 0x00282112, 0x00282114
_OVERLAYS, _OVERLAY_BIT_POSITION, _OVERLAY_DATA = 0x60, 0x0102, 0x3000
_NESTED_PIXELS: Final = re.compile(rb"\xe0\x7f\x10\0O[BW]\0\0\xff\xff\xff\xff\xfe\xff\0\xe0").search
"""Encapsulated Pixel Data within an item (PS3.5 A.4)."""
_LOSSY_METHODS: Final = {
    b"1.2.840.10008.1.2.4.50": b"ISO_10918_1",
    b"1.2.840.10008.1.2.4.51": b"ISO_10918_1",
    b"1.2.840.10008.1.2.4.81": b"ISO_14495_1",
}
"""Transfer syntaxes that are always lossy: Lossy Image Compression Method (PS3.3 C.7.6.1.1.5)."""
_TABLES: Final = (
    tags.EXTENDED_OFFSET_TABLE,
    tags.EXTENDED_OFFSET_TABLE_LENGTHS,
    tags.ENCAPSULATED_PIXEL_DATA_TOTAL_LENGTH,
)


@frozen
class Transcoded:
    """The outcome for one file: the changes, or the reason for a failure; neither if the file stays as it is."""

    changes: str = ""
    failure: str = ""


def transcode(read: Reading, target: str, profile: Profile) -> Transcoded:
    """Write the file in an allowed transfer syntax to `target`, if it needs a change. Raises as `transcoded`."""
    try:
        result = transcoded(read) if _is_wanted(read, profile) else corrected(read)
    except HeaderError:
        return Transcoded()  # the scan reports the fault
    if result is None:
        return Transcoded()
    data, changes = result
    write_spooled(target, (data,))
    return Transcoded(changes=changes)


def _is_wanted(read: Reading, profile: Profile) -> bool:
    sop_class, syntax = class_and_syntax(read)
    allowed = profile.syntaxes(sop_class) or ()
    return syntax not in allowed and EXPLICIT in allowed


def transcoded(read: Reading, target: str = EXPLICIT) -> tuple[bytes, str]:
    """Transcode a file to Explicit VR Little Endian, or to Implicit VR if `target` is that; also return the changes.

    Raises `FilesetError` if it cannot be decoded or its pixels would change, and `RuleError` if the extra `images` is
    needed and not installed.
    """
    file = parse_file(read_all(read))
    if file.syntax.explicit and not file.body[4:6].isalpha():
        raise FilesetError("its transfer syntax requires VRs, but the data set has none (PS3.10 7.1)")
    name = syntax_name(file.transfer_syntax.decode("ascii", "replace"))
    changes: list[str] = []
    native = file.transfer_syntax in NATIVE
    body = explicit_body(file) if native else _native_body(file, read, changes)
    identity = _identity(dict(elements_of(file.meta)), dict(elements_of(body)), changes)
    body = implicit_body(body) if target == IMPLICIT else body
    result = file_bytes(file, body, target, {**_IMPLEMENTATION, **identity})
    if not native:
        _require_same_pixels(read, result)
    return result, "; ".join((f"transcoded from {name} to {syntax_name(target)}", *changes))


def corrected(read: Reading) -> tuple[bytes, str] | None:
    """Correct a file whose File Meta Information identifies another instance than its data set; None if it does not."""
    header = read_header(read, _IDENTIFIED)
    changes: list[str] = []
    identity = _identity(header.meta, header.values, changes)
    syntax = header.meta.get(tags.TRANSFER_SYNTAX_UID, b"").strip(b"\0 ")
    if not identity or not syntax or syntax in DEFLATED:
        return None
    file = parse_file(read_all(read))
    return file_bytes(file, file.body, syntax.decode("ascii"), {**_IMPLEMENTATION, **identity}), "; ".join(changes)


def _identity(meta: Mapping[int, bytes], values: Mapping[int, bytes], changes: list[str]) -> dict[int, bytes]:
    """Return the elements of File Meta Information whose UIDs differ from the data set (PS3.10 7.1)."""
    elements = {}
    for stored, tag, name in (
        (tags.MEDIA_STORAGE_SOP_CLASS_UID, tags.SOP_CLASS_UID, "Media Storage SOP Class UID"),
        (tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.SOP_INSTANCE_UID, "Media Storage SOP Instance UID"),
    ):
        old, new = (found.get(key, b"").strip(b"\0 ") for found, key in ((meta, stored), (values, tag)))
        if new and old != new:
            elements[stored] = element(stored, "UI", new)
            changes.append(f"{name} was {old.decode('ascii', 'replace')}, is that of the data set")
    return elements


def _native_body(file: DicomFile, read: Reading, changes: list[str]) -> bytes:
    """Rewrite the data set of a compressed image with native pixel data (PS3.5 8.1)."""
    from fileset.pictures.errors import need_images
    from fileset.pictures.instance import read_instance

    values = dict(elements_of(file.body))
    if any(_NESTED_PIXELS(value) for tag, value in values.items() if tag != tags.PIXEL_DATA):
        raise FilesetError("an icon or another item in it also has compressed pixels, which cannot be transcoded")
    if tags.PIXEL_DATA not in values:
        return file.body
    need_images()
    frames = read_instance(read).frames
    pixels = frames.pixels
    if pixels.bits_allocated not in (8, 16, 32):
        raise FilesetError(f"pixels of {pixels.bits_allocated} bits cannot be transcoded")
    width = pixels.bits_allocated // 8
    if len(frames) * pixels.rows * pixels.columns * pixels.samples * width > LARGEST_NATIVE:
        raise FilesetError("the uncompressed pixel data would exceed 4 GiB, more than a data element can hold")
    overlay = _has_embedded_overlay(file)
    native = b"".join(_native_frame(frames, at, width, overlay=overlay) for at in range(len(frames)))
    replaced = dict.fromkeys(_TABLES, b"")
    replaced[tags.PIXEL_DATA] = element(tags.PIXEL_DATA, "OW" if width > 1 else "OB", native)
    photometric = frames.photometric.replace("YBR_FULL_422", "YBR_FULL")
    if photometric != pixels.photometric:
        replaced[tags.PHOTOMETRIC_INTERPRETATION] = element(
            tags.PHOTOMETRIC_INTERPRETATION, "CS", photometric.encode("ascii")
        )
        changes.append(f"Photometric Interpretation was {pixels.photometric}, is {photometric}")
    if pixels.samples > 1:
        replaced[_PLANAR] = element(_PLANAR, "US", b"\0\0")
        if pixels.planar:
            changes.append("Planar Configuration was 1, is 0")
    replaced |= _lossy(file, len(native), changes)
    return changed_body(file.body, replaced)


def _native_frame(frames: Frames, at: int, width: int, *, overlay: bool) -> bytes:
    """Decode a frame to native bytes. Raises `FilesetError` if bits outside Bits Stored would be lost."""
    if frames.keeps_bits:
        return frames.decoded(at).astype(f"<u{width}").tobytes()
    if overlay or _has_other_bits(frames.decoded(at), frames.pixels.bits_stored):
        raise FilesetError("the pixels have bits above Bits Stored, such as an overlay, which would be lost")
    return frames.stored_values(at).astype(f"<{frames.pixels.kind}{width}").tobytes()


def _has_other_bits(values: NDArray[Any], stored: int) -> bool:
    """Check whether bits above Bits Stored hold anything other than zeros or copies of the sign."""
    width = values.dtype.itemsize * 8
    if values.dtype.kind not in "iu" or stored >= width:
        return False
    above = values.view(f"{values.dtype.byteorder}u{width // 8}") >> stored
    return bool(((above != 0) & (above != (1 << (width - stored)) - 1)).any())


def _has_embedded_overlay(file: DicomFile) -> bool:
    """Check whether an overlay is in the bits of the pixels, without Overlay Data of its own (PS3.5 8.1.2, retired)."""
    found = {tag for tag, _ in elements_of(file.body) if tag >> 24 == _OVERLAYS}
    return any(tag & 0xFFFF == _OVERLAY_BIT_POSITION and (tag & ~0xFFFF | _OVERLAY_DATA) not in found for tag in found)


def _lossy(file: DicomFile, native: int, changes: list[str]) -> dict[int, bytes]:
    """Encode the elements that mark lossy compression, if a file should have them and does not."""
    method, values = _LOSSY_METHODS.get(file.transfer_syntax), dict(elements_of(file.body))
    if method is None or values.get(_LOSSY, b"").strip(b" \0") == b"01":
        return {}
    ratio = b"%.4g" % (native / max(1, len(values[tags.PIXEL_DATA])))
    changes.append(f"Lossy Image Compression was missing, is 01 ({method.decode()}, ratio {ratio.decode()})")
    return {
        _LOSSY: element(_LOSSY, "CS", b"01"),
        _RATIO: element(_RATIO, "DS", ratio),
        _METHOD: element(_METHOD, "CS", method),
    }


def _require_same_pixels(read: Reading, result: bytes) -> None:
    """Raise `FilesetError` unless all frames of both files have the same stored values."""
    import numpy as np

    from fileset.pictures.instance import read_instance

    before = read_instance(read)
    if before.pixels is None:
        return
    after = read_instance(lambda at, size: result[at : at + size])
    source, target = before.frames, after.frames
    if len(source) != len(target) or not all(
        np.array_equal(source.stored_values(at), target.stored_values(at)) for at in range(len(source))
    ):
        raise FilesetError("the pixels of the transcoded file differ from those of the source")
