"""Icons for the records of a tree: Icon Image Sequence (0088,0200), PS3.3 F.7."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, Literal, get_args

from attrs import field, frozen

from fileset.errors import FilesetError, one_of
from fileset.findings import Finding, Where
from fileset.plan.each_file import FileToRead, each
from fileset.plan.header_values import Opened
from fileset.plan.inputs import Sources
from fileset.plan.workers import Workers
from fileset.records.arranged import Arranged, Node

IconPlace = Literal["image", "series"]
PLACES: Final = get_args(IconPlace)
IMAGES: Final = frozenset(("IMAGE", "RT DOSE"))
"""Record types of instances whose pixels make an icon."""
SIZE: Final = 64
"""Rows and columns unless a profile asks for others: every reader takes these (PS3.3 F.7)."""
CHUNK: Final = 64
PARALLEL_FROM: Final = 200
Icon = bytes | str
"""The encoded icon, or the reason why there is none."""


@frozen
class Icons:
    """The choice of icons: "image" for each IMAGE and RT DOSE record, or "series" for each SERIES; `size` in pixels.

    Raises `RuleError` for another word.
    """

    place: IconPlace = field(default="image", validator=one_of("place of icons", PLACES))
    size: int = SIZE


def icons_wanted(icons: Icons | IconPlace | None) -> Icons | None:
    """Return the choice of icons for the word "image" or "series", in the usual size.

    Raises `RuleError` for another name, and if the extra `images` is not installed.
    """
    if icons:
        from fileset.pictures.errors import need_images

        need_images()
    return Icons(icons) if isinstance(icons, str) else icons


def icons_added(
    tree: Arranged, icons: Icons | None, sources: Sources, workers: Workers
) -> tuple[Arranged, list[Finding]]:
    """Add the chosen icons to the records of a tree, with a finding for each icon that cannot be made.

    Raises `RuleError` if the extra `images` is not installed.
    """
    if icons is None:
        return tree, []
    from fileset.pictures.errors import need_images
    from fileset.pictures.icon import with_icon

    need_images()
    nodes = list(tree)
    pictured = dict(_per_image(nodes) if icons.place == "image" else _per_series(nodes))
    wanted = sorted(set(pictured.values()))
    files = [FileToRead.of_source(sources, source) for source in wanted]
    enough = workers.enough_for(len(files), PARALLEL_FROM)
    made = dict(zip(wanted, each(partial(_icon, size=icons.size), files, enough, CHUNK), strict=True))
    findings = [
        Finding("FS-ICON-FAILED", reason, Where(sources.name(source), nodes[at].record_type))
        for at, source in pictured.items()
        if isinstance(reason := made[source], str)
    ]
    for at, source in pictured.items():
        icon = made[source]
        if isinstance(icon, bytes):
            nodes[at] = nodes[at]._replace(tail=with_icon(nodes[at].tail, icon))
    return Arranged(nodes), findings


def _per_image(nodes: Sequence[Node]) -> Iterator[tuple[int, int]]:
    """List, for each record that gets an icon, its place in `nodes` and the source of the picture."""
    return ((at, node.source) for at, node in enumerate(nodes) if node.record_type in IMAGES)


def _per_series(nodes: Sequence[Node]) -> Iterator[tuple[int, int]]:
    """List the same for SERIES records, with the image in the middle as the picture. A kept record gets no icon."""
    images = defaultdict[int, list[int]](list)
    series = -1
    for at, node in enumerate(nodes):
        if node.source < 0:
            series = at if node.record_type == "SERIES" and node.tail else -1
        elif node.record_type in IMAGES and series >= 0:
            images[series].append(node.source)
    return ((at, sources[len(sources) // 2]) for at, sources in images.items())


def _icon(opened: Opened, size: int) -> Icon:
    from fileset.pictures.icon import icon_of_file

    try:
        with opened() as read:
            return icon_of_file(read, size)
    except (FilesetError, OSError) as problem:
        return getattr(problem, "strerror", None) or str(problem)
