"""Change single elements of a good DICOMDIR; all offsets and lengths stay right, so that nothing else is wrong."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fileset.dicom.elements import element, item
from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.link import link
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.write.layout import Directory, encode

Elements = dict[int, bytes]
"""Tag -> the whole encoded element, in the order in which they are written."""
Change = Callable[[Elements], None]


def edit(folder: Path, record_type: str, change: Change, number: int = 0) -> Path:
    """Change the n-th record of a type, from 0, in the DICOMDIR of `folder`."""
    path = folder / "DICOMDIR"
    flat = decode(path.read_bytes())
    tree = link(flat)
    kinds = [flat.types[kind] for kind in flat.type_of]
    chosen = [index for index, kind in enumerate(kinds) if kind == record_type][number]
    bodies = [flat.data[start:end] for start, end in zip(flat.start, flat.end, strict=True)]
    elements = {part.tag: flat.data[part.at : part.end] for part in flat.elements(chosen)}
    change(elements)
    bodies[chosen] = item(b"".join(elements.values()))
    directory = _directory(flat, tree, bodies)
    directory.next_at, directory.lower_at = flat.next_at[:], flat.lower_at[:]
    directory.next_at[chosen], directory.lower_at[chosen] = _places(elements)
    path.write_bytes(b"".join(encode(directory)))
    return folder


def _places(elements: Elements) -> tuple[int, int]:
    """Find the positions of the links in the changed record; a removed link gets that of the other, which must be 0."""
    places, at = {}, 8
    for tag, encoded in elements.items():
        places[tag] = at + 8
        at += len(encoded)
    next_at, lower_at = places.get(0x00041400), places.get(0x00041420)
    assert next_at is not None or lower_at is not None
    return next_at or lower_at or 0, lower_at or next_at or 0


def _directory(flat: FlatDirectory, tree: Tree, bodies: list[bytes]) -> Directory:
    last = tree.first
    while tree.next[last] >= 0:
        last = tree.next[last]
    return Directory(flat.frame, bodies, array("q", tree.next), array("q", tree.lower), tree.first, last)


def put(tag: int, vr: str, value: bytes) -> Change:
    """Set an element, in its place by tag."""
    return put_raw(tag, element(tag, vr, value))


def put_raw(tag: int, encoded: bytes) -> Change:
    """Set an element to these bytes, in its place by tag."""

    def change(elements: Elements) -> None:
        elements[tag] = encoded
        in_order = sorted(elements.items())
        elements.clear()
        elements.update(in_order)

    return change


def drop(*tags: int) -> Change:
    """Remove elements."""

    def change(elements: Elements) -> None:
        for tag in tags:
            del elements[tag]

    return change


def last(tag: int) -> Change:
    """Move an element to the end."""

    def change(elements: Elements) -> None:
        elements[tag] = elements.pop(tag)

    return change


def both(*changes: Change) -> Change:
    """Return a change that makes several changes in order."""

    def change(elements: Elements) -> None:
        for one in changes:
            one(elements)

    return change


CODE: Final = element(0x00080100, "SH", b"1") + element(0x00080102, "SH", b"X") + element(0x00080104, "LO", b"Y")
"""The elements of a code item."""
