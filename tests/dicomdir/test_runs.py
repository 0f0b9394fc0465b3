"""Adjacent kept records are copied in one run; the result is the same for any order of the records."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copytree
from struct import pack
from typing import Final

import pytest

import fileset
from fileset.dicom.elements import element
from fileset.dicomdir.read.decode import decode
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.read.link import link
from fileset.dicomdir.write.kept import Kept
from fileset.dicomdir.write.layout import NONE, Directory, Frame, encode
from fileset.dicomdir.write.links import Links
from fileset.dicomdir.write.merge import TOGETHER, grow, laid_out
from fileset.dicomdir.write.record import RecordEncoder
from fileset.plan.commit import verify
from tests.support import synthetic
from tests.support.long import LONG

TYPES: Final = ("PATIENT", "STUDY", "SERIES", "IMAGE")


def tall(frame: Frame, patients: int, images: int) -> bytes:
    """A directory of so many patients, with a study of two series each, of so many images each."""
    encoder, links, bodies = RecordEncoder(), Links(), list[bytes]()

    def add(depth: int) -> None:
        index = links.append(depth)
        bodies.append(encoder.body(TYPES[depth], element(0x00200013, "IS", b"%d" % index)))

    for _ in range(patients):
        add(0)
        add(1)
        for _ in range(2):
            add(2)
            for _ in range(images):
                add(3)
    return b"".join(encode(Directory(frame, bodies, links.next, links.lower, links.first, links.last)))


def reordered(data: bytes, order: Callable[[int, list[int]], Sequence[int]]) -> bytes:
    """The same directory, its records in another physical order: `order` gives it from their number and their depths."""
    flat = decode(data)
    tree = link(flat)
    depths = [sum(1 for _ in tree.above(index)) for index in range(len(flat))]
    old = list(order(len(flat), depths))
    new = {index: place for place, index in enumerate(old)} | {NONE: NONE}
    following, lower = (array("q", [new[links[index]] for index in old]) for links in (tree.next, tree.lower))
    bodies = [data[flat.start[index] : flat.end[index]] for index in old]
    return b"".join(encode(Directory(flat.frame, bodies, following, lower, new[tree.first], new[tree.last])))


def shuffled(seed: int) -> Callable[[int, list[int]], Sequence[int]]:
    return lambda count, _: random.Random(seed).sample(range(count), count)


ORDERS: Final[dict[str, Callable[[int, list[int]], Sequence[int]]]] = {
    "preorder": lambda count, _: range(count),
    "level by level": lambda count, depths: sorted(range(count), key=depths.__getitem__),
    "from the end": lambda count, _: range(count)[::-1],
    "rotated": lambda count, _: [*range(5, count), *range(5)],
    "every other one at the end": lambda count, _: [*range(0, count, 2), *range(1, count, 2)],
    "the last one first": lambda count, _: [count - 1, *range(count - 1)],
    **{f"shuffled {seed}": shuffled(seed) for seed in range(4)},
}


def bodies_without_links(contents: Contents) -> list[bytes]:
    """All active records in the order of the tree, their links left out."""
    flat = contents.flat
    records = (flat.data[flat.start[index] : flat.end[index]] for index in contents.tree.walk())
    return [record[:16] + record[20:38] + record[42:] for record in records]


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Frame:
    folder = tmp_path_factory.mktemp("SET")
    synthetic.ct_series(folder, 1, 1, 1, 1)
    fileset.index(folder)
    return Contents((folder / "DICOMDIR").read_bytes()).flat.frame


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("dropping", [0, 1, 7, 300])
def test_an_update_keeps_exactly_the_records_that_are_not_removed(
    frame: Frame, order: Callable[[int, list[int]], Sequence[int]], dropping: int
) -> None:
    data = reordered(tall(frame, 3, 60), order)
    contents = Contents(data)
    assert contents.tree.in_order == (order is ORDERS["preorder"])
    kept = Kept(contents)
    gone = random.Random(dropping).sample(range(len(contents.flat)), dropping)
    for index in gone:
        kept.drop(index)
    kept.prune(gone)
    expected = [
        record
        for record, index in zip(bodies_without_links(contents), contents.tree.walk(), strict=True)
        if not kept.dropped[index]
    ]
    directory = laid_out(grow(kept, []), contents.flat.frame, lambda _: b"")
    written = b"".join(encode(directory))
    verify(written, directory)
    assert bodies_without_links(Contents(written)) == expected


def test_more_records_than_are_handed_on_together(frame: Frame) -> None:
    data = tall(frame, 2, TOGETHER)
    kept = Kept(Contents(data))
    kept.drop(3)
    directory = laid_out(grow(kept, []), frame, lambda _: b"")
    assert len(list(directory.bodies)) < 20 < TOGETHER < len(directory) == len(kept.flat) - 1
    written = b"".join(encode(directory))
    verify(written, directory)
    assert bodies_without_links(Contents(written)) == [
        record for at, record in enumerate(bodies_without_links(Contents(data))) if at != 3
    ]


def test_an_update_writes_the_same_whatever_the_order_of_the_records(tmp_path: Path) -> None:
    disc = tmp_path / "DISC"
    disc.mkdir()
    synthetic.ct_series(disc, 2, 2, 2, 3)
    fileset.index(disc)
    came = [tmp_path / "A", tmp_path / "B", tmp_path / "C"]
    for path, place in zip(came, ((1, 1, 1, 9), (1, 2, 3, 1), (9, 1, 1, 1)), strict=True):
        path.write_bytes(synthetic.ct(*place))
    written = set()
    for name, order in ORDERS.items():
        copy = tmp_path / name
        copytree(disc, copy)
        (copy / "DICOMDIR").write_bytes(reordered((disc / "DICOMDIR").read_bytes(), order))
        with fileset.Updater(copy) as updater:
            updater.remove(SOPInstanceUID=synthetic.ct_uid(2, 1, 2, 2))
            updater.add(*came)
        written.add((copy / "DICOMDIR").read_bytes())
    assert len(written) == 1


def test_links_that_are_right_already_are_not_written_again(frame: Frame) -> None:
    """Kept records have their old links; only the offsets show the new targets."""
    data = tall(frame, 2, 5)
    directory = laid_out(grow(Kept(Contents(data)), []), frame, lambda _: b"")
    assert b"".join(encode(directory)) == data
    said = directory.said
    assert said is not None
    assert [list(values) for values in said] == [list(values) for values in directory.offsets]


@pytest.mark.parametrize("behind", [0, 4, 8, 40])
@pytest.mark.parametrize("size", range(0, 26, 2))
def test_types_of_any_length_are_read(frame: Frame, size: int, behind: int) -> None:
    """The beginnings of records are looked at together: as much of them as the longest type needs."""
    said = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:size]
    content = element(0x00041400, "UL", bytes(4)) + element(0x00041410, "US", b"\xff\xff")
    content += element(0x00041420, "UL", bytes(4)) + element(0x00041430, "CS", said)
    content += element(0x00100010, "LO", bytes(behind - 8)) if behind >= 8 else b""
    record = b"\xfe\xff\x00\xe0" + pack("<I", len(content)) + content
    image = RecordEncoder().body("IMAGE", element(0x00200013, "IS", b"1"))
    for bodies in ([record], [image, record], [record, image], [image] * 9 + [record] * 3, [record] * 9):
        unlinked = array("q", [NONE]) * len(bodies)
        flat = decode(b"".join(encode(Directory(frame, bodies, unlinked, unlinked))))
        assert [flat.record_type(index) for index in range(len(flat))] == [
            "IMAGE" if body is image else said.decode() for body in bodies
        ]
        assert [end - start for start, end in zip(flat.start, flat.end, strict=True)] == list(map(len, bodies))


@pytest.mark.parametrize("room", range(0, 16, 2))
def test_a_type_that_would_not_end_with_its_record_is_not_taken_from_the_next(frame: Frame, room: int) -> None:
    image = RecordEncoder().body("IMAGE", element(0x00200013, "IS", b"1"))
    content = RecordEncoder().body("ABCDEFGHIJKLMNOP", b"")[8:]
    record = b"\xfe\xff\x00\xe0" + pack("<I", len(content) - 16 + room) + content[: len(content) - 16 + room]
    unlinked = array("q", [NONE]) * 3
    flat = decode(b"".join(encode(Directory(frame, [image, record, image], unlinked, unlinked))))
    assert [flat.record_type(index) for index in range(3)] == ["IMAGE", "", "IMAGE"]
    assert [one.rule for one in flat.findings] == ["FS-RECORD-MALFORMED"]


def test_bytes_between_records_are_not_copied_with_them(frame: Frame) -> None:
    data = tall(frame, 2, 9)
    at = Contents(data).flat.start[6]
    contents = Contents(data[:at] + b"between!" + data[at:])
    assert "FS-RECORD-MALFORMED" in {one.rule for one in contents.findings}
    directory = laid_out(grow(Kept(contents), []), frame, lambda _: b"")
    written = b"".join(encode(directory))
    verify(written, directory)
    assert bodies_without_links(Contents(written)) == bodies_without_links(Contents(data))


@pytest.mark.parametrize("seed", range(300 if LONG else 12))
@pytest.mark.parametrize("how", ["removed", "inactive", "replaced"])
def test_records_that_were_appended_and_linked_into_the_middle(tmp_path: Path, seed: int, how: str) -> None:
    """As other tools update a directory: some records are at its end, and exactly these are removed or changed."""
    chance = random.Random(seed)
    disc = tmp_path / "DISC"
    disc.mkdir()
    synthetic.ct_series(disc, 1, 1, 2, 5)
    fileset.index(disc, file_set_uid="2.25.12")
    moved = sorted(chance.sample(range(3, 14), chance.randint(1, 3)))
    stay = [index for index in range(14) if index not in moved]
    data = bytearray(reordered((disc / "DICOMDIR").read_bytes(), lambda *_: [*stay, *moved]))
    contents = Contents(bytes(data))
    ends = [index for index in contents.tree.walk() if index >= len(stay) and contents.type_name(index) == "IMAGE"]
    uids = [contents.reference(index, 0x00041511) for index in ends]
    if how == "inactive":
        for index in ends:
            data[contents.flat.start[index] + 28 : contents.flat.start[index] + 30] = b"\0\0"
    (disc / "DICOMDIR").write_bytes(data)
    before = [record.sop_instance_uid for record in fileset.Reader(disc).instances]
    with fileset.Updater(disc) as updater:
        updater.file_set_id = "NEW"
        if how == "removed" and uids:
            updater.remove(SOPInstanceUID=uids)
        if how == "replaced" and uids:
            updater.refresh(SOPInstanceUID=uids)
    with fileset.Reader(disc, strict=True) as reader:
        after = [record.sop_instance_uid for record in reader.instances]
    assert sorted(after) == sorted(uid for uid in before if how == "replaced" or uid not in uids)


def test_a_directory_that_is_too_deep_is_not_taken_for_one_in_order(frame: Frame) -> None:
    encoder, links, bodies = RecordEncoder(), Links(), list[bytes]()
    for depth in range(80):
        links.append(depth)
        bodies.append(encoder.body("PRIVATE", element(0x00200013, "IS", b"%d" % depth)))
    data = b"".join(encode(Directory(frame, bodies, links.next, links.lower, links.first, links.last)))
    contents = Contents(data)
    assert not contents.tree.in_order
    directory = laid_out(grow(Kept(contents), []), frame, lambda _: b"")
    written = b"".join(encode(directory))
    verify(written, directory)
    assert sorted(bodies_without_links(Contents(written))) == sorted(bodies_without_links(contents))


@pytest.mark.parametrize("links", ["next", "lower"])
@pytest.mark.parametrize("beyond", [0, 1, 1000])
def test_a_link_beyond_the_last_record_is_no_link(frame: Frame, links: str, beyond: int) -> None:
    directory = laid_out(grow(Kept(Contents(tall(frame, 1, 3))), []), frame, lambda _: b"")
    getattr(directory, links)[2] = len(directory) + beyond
    with pytest.raises(fileset.FormatError, match="beyond its last record"):
        list(encode(directory))
