"""Archives among the files of an archive, an image or a file-set: looked into only to say that DICOM files are in them."""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import IO, Final

from fileset.media.seekable import PositionalFile
from fileset.media.tar.medium import begins_as_tar, kind_not_read

_MOST: Final = 1_000
"""Members that are looked at."""
_FAR: Final = 1 << 28
"""Bytes of an unpacked archive after which no member is looked at."""
_HEAD: Final = 512
_FAULTS: Final = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error,
                  lzma.LZMAError)  # fmt: skip

Reading = Callable[[int, int], bytes]


def inner_archive(read: Reading, size: int) -> str:
    """Return why the DICOM files in this file are lost, if it is an archive with such files or one that is not read, else ""."""
    head = read(0, _HEAD)
    kind = kind_not_read(head)
    if not kind and any(map(_is_dicom, _heads(head, read, size))):
        kind = "ZIP" if head.startswith(b"PK") else "tar" if begins_as_tar(head) else "gzip"
    return f"a {kind} archive among the files, which is not read: unpack it first, and give the folder" if kind else ""


def _heads(head: bytes, read: Reading, size: int) -> Iterator[bytes]:
    """Read the first bytes of the members of an archive, until one cannot be read."""
    with suppress(*_FAULTS):
        file = PositionalFile(read, size)
        if head.startswith(b"PK\3\4"):
            yield from _heads_in_zip(file)
        elif begins_as_tar(head) or head.startswith(b"\x1f\x8b"):
            yield from _heads_in_tar(file, head)


def _heads_in_zip(file: PositionalFile) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        for member in islice(archive.infolist(), _MOST):
            with archive.open(member) as content:
                yield content.read(_HEAD)


def _heads_in_tar(file: PositionalFile, head: bytes) -> Iterator[bytes]:
    stream: IO[bytes] = file if begins_as_tar(head) else gzip.GzipFile(fileobj=file)  # type: ignore[assignment]
    start = stream.read(_HEAD)
    yield start
    if begins_as_tar(start):
        stream.seek(0)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in islice(archive, _MOST):
                if member.offset_data > _FAR:
                    return
                content = archive.extractfile(member) if member.isfile() else None
                yield content.read(_HEAD) if content else b""


def _is_dicom(head: bytes) -> bool:
    return head[128:132] == b"DICM"
