"""The records of an arranged tree -> a directory ready to be laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fileset.dicomdir.write.layout import Directory, Frame
from fileset.dicomdir.write.links import Links
from fileset.dicomdir.write.record import RecordEncoder
from fileset.records.describe import PRIVATE_RECORD_UID
from fileset.records.tree import Node


class RecordBuilder:
    """Encodes nodes. `file_id` gives the value of (0004,1500) of one that references a file."""

    def __init__(self, file_id: Callable[[Node], bytes], *, undefined_lengths: bool = False) -> None:
        self._file_id = file_id
        self._encoder = RecordEncoder(undefined_lengths=undefined_lengths)

    def body(self, node: Node) -> bytes:
        """The item of the record."""
        reference = self._file_id(node) if node.source >= 0 else b""
        private = PRIVATE_RECORD_UID if node.record_type == "PRIVATE" else ""
        return self._encoder.body(node.record_type, node.tail, reference, private)


def build(
    frame: Frame, nodes: Iterable[Node], file_id: Callable[[Node], bytes], *, undefined_lengths: bool = False
) -> Directory:
    """Return a directory of these nodes alone; parameters as for `RecordBuilder`."""
    builder = RecordBuilder(file_id, undefined_lengths=undefined_lengths)
    links = Links()
    bodies: list[bytes] = []
    for node in nodes:
        links.append(node.depth)
        bodies.append(builder.body(node))
    unsaid = bytes(len(bodies))  # both links are encoded as 0
    return Directory(frame, bodies, links.next, links.lower, links.first, links.last, said=(unsaid, unsaid))
