"""Turn values of any disc into names of copies that are safe on any file system and still readable."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import Final

LONGEST: Final = 64
"""Largest number of characters of a value in one component of a path; a UID fits."""
LONGEST_PATH: Final = 240
"""Largest length of a path in characters: Windows allows 260 without special settings, and programs add endings."""
SHORTEST: Final = 12
"""Smallest length of a shortened component in characters: a few to read, and the hash."""

_UNSAFE: Final = re.compile(r"[^\w.-]|\A[.-]|\.\Z")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_DEVICE: Final = re.compile(r"(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9¹²³])(?:\..*)?", re.IGNORECASE).fullmatch


def safe_name(value: str, *, ascii_only: bool = False) -> str:
    """Turn `value` into one component of a path on any system.

    Letters and digits of any script stay, others become "_"; with `ascii_only`, letters lose their accents and the rest
    becomes "_". Two values may get one name: `hashed_name` makes them differ.
    """
    name = _UNSAFE.sub("_", _plain(value, ascii_only=ascii_only)) or "_"
    if _DEVICE(name):
        name = f"_{name}"
    return name if _fits(name) else fitted(name, value, LONGEST)


def hashed_name(value: str, *, ascii_only: bool = False) -> str:
    """Return `safe_name` with a hash of the value, which makes it unique."""
    return _hashed(_UNSAFE.sub("_", _plain(value, ascii_only=ascii_only)) or "_", value, LONGEST)


def fitted(name: str, value: str, room: int) -> str:
    """Shorten `name` to at most `room` characters: a hash of `value` replaces the rest."""
    room = max(room, SHORTEST)
    return name if len(name) <= room and _fits(name) else _hashed(name, value, room)


def _hashed(name: str, value: str, room: int) -> str:
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    kept = name[: room - 9]
    while len(kept.encode()) > 4 * LONGEST - 16:  # file systems count bytes, up to 255 in a name
        kept = kept[:-1]
    return f"{kept}-{digest}"


def _fits(name: str) -> bool:
    return len(name) <= LONGEST and len(name.encode()) <= 4 * LONGEST - 16


def _plain(value: str, *, ascii_only: bool) -> str:
    if value.isascii():
        return value
    if ascii_only:
        return _NOT_ASCII.sub(
            "_", "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
        )
    # Composed characters, so that one name has one form on every file system. Surrogates are not text.
    return unicodedata.normalize("NFC", value.encode("utf-8", "replace").decode())
