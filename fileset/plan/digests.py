"""The SHA-256 of the files that a commit writes, for a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self

from attrs import evolve

from fileset.media.base import Chunks, Written
from fileset.plan.helper import Helper

if TYPE_CHECKING:
    from hashlib import _Hash as HASH

_TOGETHER: Final = 8
"""Chunks that the helper gets at once, because each hand-over costs as much time as hashing some kilobytes."""


class Digests:
    """The SHA-256 of each written file, in order. A helper computes them while the next chunks are read and written."""

    def __init__(self) -> None:
        self._helper = Helper()
        self._found: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._helper.finish()

    def noted(self, chunks: Chunks) -> Iterator[bytes | bytearray]:
        """Yield the chunks of one file, and note its SHA-256. A chunk must not change afterwards."""
        digest = sha256()
        waiting: list[bytes | bytearray] = []
        for chunk in chunks:
            waiting.append(chunk)
            yield chunk
            if len(waiting) == _TOGETHER:
                self._helper.do(partial(_update, digest, waiting))
                waiting = []
        self._helper.do(partial(self._note, digest, waiting))

    def _note(self, digest: HASH, last: Iterable[bytes | bytearray]) -> None:
        _update(digest, last)
        self._found.append(digest.hexdigest())

    def of(self, written: Sequence[Written]) -> list[Written]:
        """Return the files, which are all whose chunks were noted, with their SHA-256."""
        self._helper.finish()
        return [evolve(one, sha256=digest) for one, digest in zip(written, self._found, strict=True)]


def _update(digest: HASH, chunks: Iterable[bytes | bytearray]) -> None:
    for chunk in chunks:
        digest.update(chunk)
