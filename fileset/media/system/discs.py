"""Discs by their size (PS3.12 F, P, X): capacities in bytes of user data, 2,048 in a sector."""

from __future__ import annotations

from typing import Final

from attrs import frozen

SECTOR: Final = 2048


@frozen
class Disc:
    """One type of disc: its `name`, the `capacity` that every disc of the type has, and the annex of PS3.12."""

    name: str
    capacity: int
    section: str


DISCS: Final = (
    Disc("CD 650 MB", 333_000 * SECTOR, "F"),
    Disc("CD 700 MB", 360_000 * SECTOR, "F"),
    Disc("DVD", 2_295_104 * SECTOR, "P"),
    Disc("DVD-DL", 4_171_712 * SECTOR, "P"),
    Disc("BD", 12_219_392 * SECTOR, "X"),
    Disc("BD-DL", 24_438_784 * SECTOR, "X"),
)
"""From small to large; if several kinds share a name (DVD-R, DVD+R), the smallest capacity."""


DISC_NAMES: Final = {disc.name.partition(" ")[0]: disc.capacity for disc in DISCS}
"""Capacities by the usual names; a CD is one of 700 MB."""


def smallest_disc(size: int) -> Disc | None:
    """Choose the smallest disc that holds an image of `size` bytes, None if none does."""
    return next((disc for disc in DISCS if size <= disc.capacity), None)
