"""Add a Part 10 header to data sets without one before a file-set is written, for `--add-header` (PS3.10 7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fileset.dicom.header import HeaderError, Reading, looks_like_data_set, read_all
from fileset.dicom.preamble import PREAMBLE, is_part_10, misplaced_prefix
from fileset.errors import FilesetError
from fileset.findings import Finding, Where
from fileset.part10.file_meta import PREFIX, encode_meta, likely_syntax
from fileset.plan.header_values import HeaderValues, wanted_tags
from fileset.plan.inputs import Sources
from fileset.standard import tags

_ENCAPSULATED: Final = (b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff", b"\xe0\x7f\x10\x00OW\0\0\xff\xff\xff\xff")
_UIDS: Final = wanted_tags((tags.SOP_CLASS_UID, tags.SOP_INSTANCE_UID))


def add_headers(sources: Sources, indexes: Iterable[int]) -> Iterator[Finding]:
    """Replace each source of `indexes` that lacks a Part 10 header or a whole preamble, with a finding for each.

    The data set itself keeps its bytes. A source that cannot be decoded stays as it is, and the scan refuses it.
    """
    for index in indexes:
        name = sources.name(index)
        try:
            with sources.opened(index) as read:
                head = read(0, len(PREFIX) + 8)
                if (start := _data_set_at(head)) is not None:
                    data, lacks = _with_header(read, start), "File Meta Information: it has a Part 10 header"
                elif (start := _file_meta_at(head)) is not None:
                    data, lacks = PREFIX + read_all(read, start), "a whole preamble: it has one"
                else:
                    continue
        except (FilesetError, HeaderError, OSError):
            continue
        if data:
            sources.replace(index, data)
            yield Finding("FS-FILE-HEADER-ADDED", f"a data set without {lacks} in the copy", Where(name))


def _data_set_at(head: bytes) -> int | None:
    """Find where a data set without File Meta Information starts, None if this is a DICOM file, or anything else."""
    start = len(PREFIX) if head[128:132] == b"DICM" else 0
    first = head[start : start + 8]
    return start if looks_like_data_set(first) and first[:2] not in (b"\x02\0", b"\0\x02") else None


def _file_meta_at(head: bytes) -> int | None:
    """Find where the File Meta Information of a file without a whole preamble starts, None if it has one or no meta."""
    if (at := misplaced_prefix(head)) is not None:
        return at + len(PREFIX) - len(PREAMBLE)
    return 0 if head[:2] == b"\2\0" and not is_part_10(head) and looks_like_data_set(head) else None


def _with_header(read: Reading, start: int) -> bytes:
    """Build the file with preamble, prefix and File Meta Information; b"" if its transfer syntax is unknown."""
    data = read_all(read, start)
    values = HeaderValues.read(lambda at, size: data[at : at + size], _UIDS)
    if any(mark in data for mark in _ENCAPSULATED):
        return b""  # compressed in an unknown way
    meta = encode_meta(
        {
            tags.MEDIA_STORAGE_SOP_CLASS_UID: values.raw.get(tags.SOP_CLASS_UID, b"").strip(b" \0"),
            tags.MEDIA_STORAGE_SOP_INSTANCE_UID: values.raw.get(tags.SOP_INSTANCE_UID, b"").strip(b" \0"),
            tags.TRANSFER_SYNTAX_UID: likely_syntax(data[:8]).encode("ascii"),
        }
    )
    return meta + data
