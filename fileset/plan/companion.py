"""Files that accompany a file-set and depend on its records, such as pages for a browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from fileset.file_id import FileId
from fileset.findings import Finding
from fileset.media.base import Footprint
from fileset.plan.commit import Addition
from fileset.plan.inputs import Sources
from fileset.records.arranged import Node


class Companion(Protocol):
    """Makes the files that accompany each volume of a new file-set."""

    def prepare(self, nodes: Iterable[Node], sources: Sources) -> Iterator[Finding]:
        """Prepare once for all volumes, with the records of all of them; yield findings for the user."""

    def weigh(self, source: int, footprint: Footprint) -> int:
        """Compute the largest number of bytes that the files for one instance take."""

    def room(self, footprint: Footprint) -> Footprint:
        """Return the footprint of a medium plus the accompanying files that do not depend on the number of instances."""

    def additions(self, dicomdir: Iterable[bytes | bytearray], source_of: Mapping[FileId, int]) -> Iterator[Addition]:
        """Make the files for one volume, from its records and the source of each instance."""

    def close(self) -> None:
        """Release the prepared files."""
