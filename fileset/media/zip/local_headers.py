"""Find the members of a ZIP archive without central directory, for example of a truncated one.

Each member has a local header (PKWARE APPNOTE 4.3.7). If the sizes follow the data (4.3.9), the reader inflates or searches
the data to find their end.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from fileset.media.base import RefusedName
from fileset.media.zip.directory import FILLED_FOLDER, ZipMember, modified, name_fault, normalised, refuse_twins
from fileset.media.zip.format import LOCAL, ExtraField, Flag, Method, Signature, extra_fields, is_folder

_BLOCK: Final = 1 << 16


def read_local_headers(file: BinaryIO, size: int) -> list[ZipMember | RefusedName]:
    """Read the members of an archive of `size` bytes by their own headers, without folders."""
    return refuse_twins(list(_members(file, size)))


def _members(file: BinaryIO, size: int) -> Iterator[ZipMember | RefusedName]:
    at = 0
    while (at := _find(file, at, size, Signature.LOCAL)) >= 0:
        found = _member(file, at, size)
        if found is None:
            at += 1
            continue
        if not (isinstance(found, ZipMember) and is_folder(found.name)):
            yield found
        at = found.limit if isinstance(found, ZipMember) else at + len(Signature.LOCAL)


def _find(file: BinaryIO, at: int, size: int, signature: bytes) -> int:
    """Find the position of the next signature, -1 if there is none."""
    while at < size:
        file.seek(at)
        block = file.read(_BLOCK)
        found = block.find(signature)
        if found >= 0:
            return at + found
        if len(block) < len(signature):
            return -1
        at += len(block) - len(signature) + 1
    return -1


def _member(file: BinaryIO, at: int, size: int) -> ZipMember | RefusedName | None:
    """Read the member at a local header; None if there is none."""
    file.seek(at)
    header = file.read(LOCAL.size)
    if len(header) < LOCAL.size:
        return None
    _, _, flags, method, time, date, crc, packed, plain, name_length, extra_length = LOCAL.unpack(header)
    raw, extra = file.read(name_length), file.read(extra_length)
    data_at = at + LOCAL.size + name_length + extra_length
    if len(raw) < name_length or len(extra) < extra_length:
        return None
    raw_name = raw.decode("utf-8" if flags & Flag.UTF_8 else "cp437", "replace")
    name = normalised(raw_name)
    packed, plain = _sizes(extra, packed, plain)
    if flags & Flag.SIZES_FOLLOW and not packed:  # Info-ZIP states the size, but not the packed size
        end = _inflated(file, data_at) if method == Method.DEFLATED else _stored(file, data_at, size)
        if end is None:
            return RefusedName(name, "cut off: its end is not in the archive")
        packed, plain, crc = end
    if is_folder(name):
        if plain:
            return RefusedName(name, FILLED_FOLDER)
        return ZipMember(name, raw_name, at, data_at + packed, deflated=False, crc=None, packed=packed, size=0)
    reason = "encrypted" if flags & Flag.ENCRYPTED else name_fault(name)
    if not reason and (method not in (Method.STORED, Method.DEFLATED) or data_at + packed > size):
        reason = "cut off, or packed in an unknown way"
    if reason:
        return RefusedName(name, reason)
    dos = ((date >> 9) + 1980, date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, time % 32 * 2)
    is_deflated = method == Method.DEFLATED
    return ZipMember(name, raw_name, at, data_at + packed, is_deflated, crc, packed, plain, modified(extra, dos))


def _sizes(extra: bytes, packed: int, plain: int) -> tuple[int, int]:
    """Read the sizes, from the ZIP64 field (APPNOTE 4.5.3) if the header has none."""
    for kind, value in extra_fields(extra) if packed == plain == 0xFFFFFFFF else ():
        if kind == ExtraField.ZIP64 and len(value) >= 16:
            plain, packed = struct.unpack_from("<2Q", value)
            break
    return packed, plain


def _inflated(file: BinaryIO, at: int) -> tuple[int, int, int] | None:
    """Find packed size, size and CRC-32 of deflated data; None if they do not end."""
    file.seek(at)
    inflater, packed, plain, crc = zlib.decompressobj(wbits=-zlib.MAX_WBITS), 0, 0, 0
    while not inflater.eof and (block := file.read(_BLOCK)):
        packed += len(block)
        try:
            data = inflater.decompress(block)
        except zlib.error:
            return None
        plain, crc = plain + len(data), zlib.crc32(data, crc)
    return (packed - len(inflater.unused_data), plain, crc) if inflater.eof else None


def _stored(file: BinaryIO, at: int, size: int) -> tuple[int, int, int] | None:
    """Find the same of stored data, by the descriptor whose stated size equals the number of bytes before it."""
    here = at
    while (here := _find(file, here, size, Signature.DESCRIPTOR)) >= 0:
        file.seek(here)
        descriptor = file.read(24)
        for form in ("<4sI2Q", "<4s3I"):
            length = struct.calcsize(form)
            if len(descriptor) >= length:
                _, crc, packed, plain = struct.unpack(form, descriptor[:length])
                if packed == plain == here - at:
                    return packed, plain, crc
        here += 1
    return None
