"""Change files before they are written: reconciliation, de-identification, or a function of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from attrs import frozen

from fileset.dicom.header import Reading, looks_like_data_set, read_all
from fileset.errors import FilesetError, RefusedError
from fileset.findings import Finding, Where
from fileset.plan.dataset_source import encode_dataset
from fileset.plan.inputs import Sources
from fileset.plan.scan import Refused
from fileset.plan.source_files import write_spooled

if TYPE_CHECKING:
    from pydicom import Dataset

Rewrite = Callable[[bytes], bytes | None]
"""Returns the DICOM file to write instead of the given one, None to leave it out. Raises `FilesetError` to refuse it."""
Transform = Callable[["Dataset"], "Dataset | None"]
"""The same with pydicom data sets."""


_RECOGNISED: Final = 1 << 13


@frozen
class Streamed:
    """A rewrite that does not take whole files into memory.

    Attributes:
        changed: Gets random access to a DICOM file, and its size; returns the chunks of the file to write instead, None if
            the file stays as it is. Raises as `Rewrite`.
    """

    changed: Callable[[Reading, int], Iterable[bytes] | None]


def rewrite_sources(
    sources: Sources, indexes: Iterable[int], rewrite: Rewrite | Streamed, refused: dict[int, Refused]
) -> Iterator[Finding]:
    """Replace sources by rewritten files, with a finding for each change; add files that cannot be rewritten to `refused`.

    Such a file is never written unchanged. Raises `RefusedError` if `rewrite` does.
    """
    for index in indexes:
        try:
            with sources.opened(index) as read:
                head = read(0, _RECOGNISED)
                if head[128:132] != b"DICM" and not looks_like_data_set(head):
                    continue
                chunks = _changed(rewrite, read, sources.inquire(index).size)
                if chunks is not None:
                    write_spooled(sources.spooled(index), chunks)
        except _LeftOutError:
            refused[index] = Refused("FS-SOURCE-LEFT-OUT", "left out, as requested")
        except RefusedError:
            raise
        except (OSError, FilesetError) as problem:
            refused[index] = Refused("FS-TRANSFORM-FAILED", str(problem))
        else:
            if chunks is not None:
                sources.use_spooled(index)
                yield Finding("FS-TRANSFORMED", "changed, as requested", Where(sources.name(index)))


class _LeftOutError(Exception):
    """The caller's function leaves a file out."""


def _changed(rewrite: Rewrite | Streamed, read: Reading, size: int) -> Iterable[bytes] | None:
    """Return the chunks of the changed file, None if it stays as it is. Raises `_LeftOutError` to leave it out."""
    if isinstance(rewrite, Streamed):
        return rewrite.changed(read, size)
    data = read_all(read)
    changed = rewrite(data)
    if changed is None:
        raise _LeftOutError
    return (changed,) if changed != data else None


def by_dataset(transform: Transform) -> Rewrite:
    """Wrap `transform` as a function of bytes. An exception refuses the file."""

    def rewrite(data: bytes) -> bytes | None:
        from io import BytesIO

        import pydicom

        try:
            changed = transform(pydicom.dcmread(BytesIO(data)))
        except FilesetError:
            raise
        except Exception as problem:
            raise FilesetError(f"the file could not be transformed: {problem!r}") from problem
        return None if changed is None else encode_dataset(changed)

    return rewrite
