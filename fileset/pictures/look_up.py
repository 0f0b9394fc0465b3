"""Look-up tables of data sets: Modality LUT, VOI LUT and palettes (PS3.3 C.11.1, C.11.2, C.7.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from fileset.pictures.attributes import Attributes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fileset.pictures.pixel_format import PixelFormat

_MOST_ENTRIES: Final = 1 << 16


@frozen
class LookUpTable:
    """A table of values: the first entry is for `first` and all values below, the last one for all above (C.11.1.1.1)."""

    first: int
    bits: int
    entries: NDArray[Any] = field(eq=False, repr=False)

    def apply(self, values: NDArray[Any]) -> NDArray[Any]:
        """Look up each value."""
        import numpy as np

        at = np.clip(np.rint(values).astype(np.int64) - self.first, 0, len(self.entries) - 1)
        found: NDArray[Any] = self.entries[at]
        return found


def table_in(attributes: Attributes, sequence: str, pixels: PixelFormat) -> LookUpTable | None:
    """Read the table in Modality LUT or VOI LUT Sequence, None if the sequence has no usable table."""
    return _table(attributes.item(sequence), "LUT", pixels)


def _table(attributes: Attributes, prefix: str, pixels: PixelFormat) -> LookUpTable | None:
    """Read the table that the attributes with these first words describe, None if they do not."""
    described = attributes.numbers(f"{prefix}Descriptor")
    if len(described) != 3:
        return None
    count, first, bits = (int(number) for number in described)
    count = count & 0xFFFF or _MOST_ENTRIES
    if pixels.kind == "i" and first > 0x7FFF:
        first -= 0x10000
    segmented = attributes.get(f"Segmented{prefix}Data")
    if segmented is None:
        entries = _entries(attributes.get(f"{prefix}Data"), count, bits, big_endian=pixels.big_endian)
    else:
        entries = _expanded(segmented, count, bits, big_endian=pixels.big_endian)
    return None if entries is None else LookUpTable(first, bits, entries)


def _entries(value: Any, count: int, bits: int, *, big_endian: bool) -> NDArray[Any] | None:
    import numpy as np

    if value is None or not 1 <= bits <= 16:
        return None
    if isinstance(value, bytes):
        if count <= len(value) < 2 * count:  # entries of 8 bits, two in each word
            return np.frombuffer(value, np.uint8, count)
        entries = np.frombuffer(value, ">u2" if big_endian else "<u2", len(value) // 2)
    else:
        entries = np.atleast_1d(np.asarray(value)).astype(np.uint16)
        if 2 * entries.size in (count, count + 1):
            entries = entries.astype("<u2").view(np.uint8)
    return entries[:count] if entries.size else None


def palette(attributes: Attributes, pixels: PixelFormat) -> tuple[int, NDArray[Any]] | None:
    """Return the first value that a palette maps, and its colours, entries x 3 of 8 bits; None if there is no palette.

    Segmented palettes are expanded (PS3.3 C.7.9.2).
    """
    import numpy as np

    planes = [_table(attributes, f"{colour}PaletteColorLookupTable", pixels) for colour in ("Red", "Green", "Blue")]
    tables = [plane for plane in planes if plane is not None]
    if len(tables) != 3:
        return None
    length = min(len(table.entries) for table in tables)
    colours = np.stack([table.entries[:length] for table in tables], axis=-1)
    # Some writers declare 16 bits for entries that have 8.
    wide = colours.max() > 0xFF
    return tables[0].first, (colours >> 8 if wide else colours).astype(np.uint8)


def _expanded(data: Any, count: int, bits: int, *, big_endian: bool) -> NDArray[Any]:
    """Expand discrete (0), linear (1) and indirect (2) segments (PS3.3 C.7.9.2.1)."""
    import numpy as np

    raw = bytes(data) if isinstance(data, bytes) else np.asarray(data, "<u2").tobytes()
    form = np.dtype("u1" if bits == 8 else ">u2" if big_endian else "<u2")
    words = np.frombuffer(raw, form, len(raw) // form.itemsize).tolist()
    found: list[int] = []
    at, after = 0, 0
    while len(found) < count and at + 1 < len(words):
        kind, length = words[at], words[at + 1]
        if kind == 0:
            found += words[at + 2 : at + 2 + length]
            at += 2 + length
        elif kind == 1 and found and at + 2 < len(words):
            found += np.linspace(found[-1], words[at + 2], length + 1)[1:].round().astype(int).tolist()
            at += 3
        elif kind == 2 and not after and at + 3 < len(words):
            # The offset counts bytes from the start. Segments there are copied once, so references cannot loop.
            after = at + (4 if form.itemsize == 2 else 6)
            offset = sum(word << (8 * form.itemsize * place) for place, word in enumerate(words[at + 2 : after]))
            words = words[:after] + _segments(words, offset // form.itemsize, length) + words[after:]
            at, after = after, 0
        else:
            break
    padded = (found or [0]) + [found[-1] if found else 0] * (count - len(found))
    return np.asarray(padded[:count], np.uint16)


def _segments(words: list[int], at: int, count: int) -> list[int]:
    """Read the words of `count` discrete and linear segments at a position."""
    end = at
    for _ in range(count):
        if end + 1 >= len(words) or words[end] > 1:
            break
        end += 3 if words[end] == 1 else 2 + words[end + 1]
    return words[at:end]
