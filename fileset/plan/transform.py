"""Files that are changed on their way into a file-set: reconciliation, de-identification, or a function of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from fileset.dicom.header import looks_like_data_set, read_all
from fileset.errors import FilesetError, RefusedError
from fileset.findings import Finding, Where
from fileset.plan.inputs import Sources, encode_dataset
from fileset.plan.scan import Refused

if TYPE_CHECKING:
    from pydicom import Dataset

Rewrite = Callable[[bytes], bytes | None]
"""DICOM file -> the file that goes into the file-set; None leaves it out. Raises `FilesetError` to refuse it."""
Transform = Callable[["Dataset"], "Dataset | None"]
"""The same with pydicom data sets."""


def rewrite_sources(
    sources: Sources, indexes: Iterable[int], rewrite: Rewrite, refused: dict[int, Refused]
) -> Iterator[Finding]:
    """Let `sources` give rewritten files, and yield a finding for each that changed; fill `refused` with the others.

    A file that cannot be rewritten never goes in as it was. Raises `RefusedError` if `rewrite` does.
    """
    for index in indexes:
        try:
            with sources.opened(index) as read:
                data = read_all(read)
            if data[128:132] != b"DICM" and not looks_like_data_set(data):
                continue
            changed = rewrite(data)
        except RefusedError:
            raise
        except (OSError, FilesetError) as problem:
            refused[index] = Refused("FS-TRANSFORM-FAILED", str(problem))
            continue
        if changed is None:
            refused[index] = Refused("FS-SOURCE-LEFT-OUT", "left out, as was asked for")
        elif changed != data:
            sources.replace(index, changed)
            yield Finding("FS-TRANSFORMED", "changed, as was asked for", Where(sources.name(index)))


def by_dataset(transform: Transform) -> Rewrite:
    """Return `transform` as a function of bytes. An exception refuses the file."""

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
