"""The records of an arranged tree -> a directory ready to be laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fileset.dicomdir.directory import Directory, Frame
from fileset.dicomdir.preorder import Links
from fileset.dicomdir.record import RecordEncoder
from fileset.records.instance import PRIVATE_RECORD_UID
from fileset.records.tree import Node


def build(
    frame: Frame, nodes: Iterable[Node], file_id: Callable[[Node], str], *, undefined_lengths: bool = False
) -> Directory:
    """Encode each record once. `file_id` gives the value of (0004,1500) of a node that references a file."""
    encoder = RecordEncoder(undefined_lengths=undefined_lengths)
    links = Links()
    bodies: list[bytes] = []
    for node in nodes:
        links.append(node.depth)
        reference = file_id(node).encode("ascii") if node.source >= 0 else b""
        private = PRIVATE_RECORD_UID if node.record_type == "PRIVATE" else ""
        bodies.append(encoder.body(node.record_type, node.tail, reference, private))
    return Directory(frame, bodies, links.next, links.lower, links.first, links.last)
