"""Files compressed as one stream (gzip, bzip2, xz), unpacked into a temporary file so that they can be read at random."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from fileset.errors import FormatError, MediumError

CHUNK: Final = 1 << 20
RATIO: Final = 1_000
"""Times that a stream may grow when it is unpacked: images of zeros reach this, bombs exceed it."""
MARGIN: Final = 16 << 20
"""Bytes that any stream may grow to."""

_OPENERS: Final[Mapping[bytes, Callable[..., Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_DAMAGE: Final = (EOFError, zlib.error, lzma.LZMAError, OSError)
"""Errors of damaged data. Those of bzip2 and gzip are an `OSError` without a number, unlike those of the system."""


def opener_for(head: bytes) -> Callable[..., Any] | None:
    """Choose the function that unpacks a file that begins with `head`, None for a file that is not compressed."""
    return next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)


def unpacked(path: str, opener: Callable[..., Any]) -> tuple[str, str]:
    """Unpack the file at `path` into a new temporary file that only this user can read; return its path, and the damage.

    The damage is why the stream ended early, "" if it did not. Raises `FormatError` if the stream grows beyond measure,
    `MediumError` if the system fails.
    """
    limit = RATIO * os.path.getsize(path) + MARGIN
    descriptor, temporary = tempfile.mkstemp(prefix="fileset-")
    try:
        with os.fdopen(descriptor, "wb") as target, opener(path, "rb") as source:
            return temporary, _copy(source, target, limit, path)
    except BaseException as problem:
        os.unlink(temporary)
        if isinstance(problem, OSError):
            raise MediumError(f"{problem.strerror or problem}", path=path) from problem
        raise


def _copy(source: BinaryIO, target: BinaryIO, limit: int, path: str) -> str:
    size = 0
    try:
        while chunk := source.read1(CHUNK):  # type: ignore[attr-defined]  # `read` loses what comes before the damage
            size += len(chunk)
            if size > limit:
                raise FormatError(f"grows to more than {limit} bytes when it is unpacked", path=path)
            target.write(chunk)
    except _DAMAGE as problem:
        if isinstance(problem, OSError) and problem.errno:
            raise
        return f"the compressed file is damaged or cut off: {problem}"
    return ""
