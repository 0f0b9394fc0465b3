"""Make a directory from the records of an arranged tree."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice, starmap
from typing import Final

from fileset.dicomdir.write.layout import Directory, Frame
from fileset.dicomdir.write.links import Links
from fileset.dicomdir.write.record import RecordEncoder
from fileset.records.arranged import Arranged

TOGETHER: Final = 1024
"""Number of records that are encoded together."""


class Bodies:
    """The encoded records, many in each item. Each iteration encodes them again, because all together take much memory."""

    def __init__(self, records: Arranged, file_ids: Iterable[bytes], encoder: RecordEncoder) -> None:
        self._records = records
        self._file_ids = file_ids
        self._encoder = encoder

    def __iter__(self) -> Iterator[bytes]:
        encoded = starmap(self._encoder.body, self._records.records(self._file_ids))
        while some := b"".join(islice(encoded, TOGETHER)):
            yield some

    def clear(self) -> None:
        """Free the memory of the records."""
        self._records.clear()


def build(frame: Frame, records: Arranged, file_ids: Iterable[bytes], *, undefined_lengths: bool = False) -> Directory:
    """Build a directory of these records alone. Encoding it for the last time empties `records`.

    `file_ids` has the value of (0004,1500) for each record that references a file; it is iterated over several times.
    """
    encoder = RecordEncoder(undefined_lengths=undefined_lengths)
    sizes = starmap(encoder.size, records.sizes(file_ids))
    starts = array("Q", accumulate(sizes, initial=len(frame.head)))
    links = Links()
    for depth in records.depths():
        links.append(depth)
    said = (bytes(len(starts) - 1),) * 2  # both links are encoded as 0
    ends = links.first, links.last
    bodies = Bodies(records, file_ids, encoder)
    return Directory(frame, bodies, links.next, links.lower, *ends, starts=starts, said=said)
