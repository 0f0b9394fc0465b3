"""Turn values of any disc into names of copies that are safe on any file system and still readable."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import Final

from fileset.media.names import is_device_name

LONGEST: Final = 64
"""Largest number of characters of a value in one component of a path; a UID fits."""
LONGEST_PATH: Final = 240
"""Largest length of a path in characters: Windows allows 260 without special settings, and programs add endings."""
SHORTEST: Final = 12
"""Smallest length of a shortened component in characters: a few to read, and the hash."""

_UNSAFE: Final = re.compile(r"[^\w.-]|\A[.-]|\.\Z")
_ENDING: Final = re.compile(r"(?<=\w)\.[A-Za-z0-9]{1,5}\Z").search
_MOST_BYTES: Final = 240
"""Largest length of a name in bytes, without an ending: file systems take 255."""
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


def safe_name(value: str, *, ascii_only: bool = False, longest: int = LONGEST, ending: str = "") -> str:
    """Turn `value` into one component of a path on any system, of at most `longest` characters.

    Letters and digits of any script stay, others become "_"; with `ascii_only`, letters lose their accents and the rest
    becomes "_". A longer name keeps its `ending`. Two values may get one name: `hashed_name` makes them differ.
    """
    name = _UNSAFE.sub("_", _plain(value, ascii_only=ascii_only)) or "_"
    if is_device_name(name):
        name = f"_{name}"
    return fitted(name, value, longest, ending)


def hashed_name(value: str, *, ascii_only: bool = False, longest: int = LONGEST) -> str:
    """Return `safe_name` with a hash of the value, which makes it unique."""
    return _hashed(_UNSAFE.sub("_", _plain(value, ascii_only=ascii_only)) or "_", value, longest)


def fitted(name: str, value: str, room: int, ending: str = "") -> str:
    """Shorten `name` to at most `room` characters: a hash of `value` replaces the rest before its `ending`."""
    room = max(room, SHORTEST + len(ending))
    if len(name) <= room and len(name.encode()) <= _MOST_BYTES:
        return name
    return _hashed(name.removesuffix(ending), value, room - len(ending)) + ending


def ending_of(name: str) -> str:
    """Return the ending of a file name, such as ".dcm", "" if it has none."""
    match = _ENDING(name)
    return match[0] if match else ""


def _hashed(name: str, value: str, room: int) -> str:
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    kept = name[: room - 9]
    while len(kept.encode()) > _MOST_BYTES - 9:
        kept = kept[:-1]
    return f"{kept}-{digest}"


def _plain(value: str, *, ascii_only: bool) -> str:
    if value.isascii():
        return value
    if ascii_only:
        return _NOT_ASCII.sub(
            "_", "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
        )
    # Composed characters, so that one name has one form on every file system. Surrogates are not text.
    return unicodedata.normalize("NFC", value.encode("utf-8", "replace").decode())
