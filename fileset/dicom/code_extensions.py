"""Texts that change their character set by escape sequences (PS3.5 6.1.2.4, 6.1.2.5; PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

DEFAULT: Final = "ISO 2022 IR 6"


class _CharacterSet(NamedTuple):
    """A set that an escape sequence designates: its term, the Python codec, and the bytes before a text for the codec.

    `area` is "G1" for bytes from 80H, "G0" for two bytes below 80H, and "" for the sets of one byte below 80H.
    """

    term: str
    codec: str
    area: str
    prefix: bytes = b""


_DESIGNATED: Final = {
    b"(B": _CharacterSet(DEFAULT, "ascii", ""),
    b"(J": _CharacterSet(
        DEFAULT, "ascii", ""
    ),  # ISO IR 14 differs from ISO IR 6 in two signs, and Japanese devices mix them
    b")I": _CharacterSet("ISO 2022 IR 13", "shift_jis", "G1"),
    b"-A": _CharacterSet("ISO 2022 IR 100", "latin_1", "G1"),
    b"-B": _CharacterSet("ISO 2022 IR 101", "iso8859_2", "G1"),
    b"-C": _CharacterSet("ISO 2022 IR 109", "iso8859_3", "G1"),
    b"-D": _CharacterSet("ISO 2022 IR 110", "iso8859_4", "G1"),
    b"-L": _CharacterSet("ISO 2022 IR 144", "iso8859_5", "G1"),
    b"-G": _CharacterSet("ISO 2022 IR 127", "iso8859_6", "G1"),
    b"-F": _CharacterSet("ISO 2022 IR 126", "iso8859_7", "G1"),
    b"-H": _CharacterSet("ISO 2022 IR 138", "iso8859_8", "G1"),
    b"-M": _CharacterSet("ISO 2022 IR 148", "iso8859_9", "G1"),
    b"-T": _CharacterSet("ISO 2022 IR 166", "iso8859_11", "G1"),
    b"-b": _CharacterSet("ISO 2022 IR 203", "iso8859_15", "G1"),
    b"$B": _CharacterSet("ISO 2022 IR 87", "iso2022_jp", "G0", b"\x1b$B"),
    b"$(D": _CharacterSet("ISO 2022 IR 159", "iso2022_jp_2", "G0", b"\x1b$(D"),
    b"$)C": _CharacterSet("ISO 2022 IR 149", "euc_kr", "G1"),
    b"$)A": _CharacterSet("ISO 2022 IR 58", "gb2312", "G1"),
}
"""The bytes after ESC -> the set."""
_SETS: Final = {one.term: one for one in _DESIGNATED.values()}
_ESCAPED: Final = re.compile(rb"\x1b(\$?[()\-]?[@-~])?").split
"""Split a text at its escape sequences, and keep these."""
_CONTROLS: Final = b"\r\n\t\f"
_DELIMITERS: Final = {"PN": b"\\^=" + _CONTROLS, "ST": _CONTROLS, "LT": _CONTROLS, "UT": _CONTROLS}
_BELOW: Final = bytes(range(0x80))
_ABOVE: Final = bytes(range(0x80, 0x100))
_KATAKANA: Final = re.compile(rb"[\x80-\xa0\xe0-\xff]").search


def delimiters(vr: str) -> bytes:
    """Return the characters after which the first set of a text is back (PS3.5 6.1.2.5.3): "^" and "=" only in names."""
    return _DELIMITERS.get(vr, b"\\" + _CONTROLS)


def extension_problem(value: bytes, terms: list[str], vr: str) -> str:
    """Return the first fault of a text with code extensions; "" if it is correct. `terms`: Specific Character Set."""
    split = re.compile(b"[" + re.escape(delimiters(vr)) + b"]").split
    below = _SETS[DEFAULT]
    first = _SETS.get(terms[0], below)
    initial = above = below if first.area == "G0" else first
    text, *others = _ESCAPED(value)
    problem = _run_problem(split(text), below, above, initial)
    for sequence, run in zip(others[::2], others[1::2], strict=True):
        designated = _DESIGNATED.get(sequence or b"")
        if designated is None or (designated.area and designated.term not in terms):
            return problem or "an escape sequence of a set that is not declared"
        below, above = (below, designated) if designated.area == "G1" else (designated, above)
        pieces = [run] if below.area else split(run)  # two bytes below 80H may look like a delimiter
        problem = problem or _run_problem(pieces, below, above, initial)
        if len(pieces) > 1:
            above = initial
    return problem or ("no return to ISO IR 6 at the end" if below.area else "")


def _run_problem(run: list[bytes], below: _CharacterSet, above: _CharacterSet, initial: _CharacterSet) -> str:
    """Return the fault of a text without escape sequences, whose bytes below and above 80H are of these two sets.

    The text is split at its delimiters: after the first piece, the initial set is back.
    """
    first, *others = run
    if below.area:
        pieces = [(first.translate(None, _ABOVE).rstrip(b" "), below), (first.translate(None, _BELOW), above)]
    else:
        pieces = [(first, above), *((one, initial) for one in others)]
    return next(filter(None, (_piece_problem(*piece) for piece in pieces)), "")


def _piece_problem(piece: bytes, used: _CharacterSet) -> str:
    if piece.isascii() and not used.prefix:
        return ""
    try:
        (used.prefix + piece).decode(used.codec)
    except UnicodeDecodeError:
        return f"bytes that are not valid in {used.term}"
    is_wrong = used.term == "ISO 2022 IR 13" and katakana_problem(piece)
    return f"bytes that are not valid in {used.term}" if is_wrong else ""


def katakana_problem(value: bytes) -> bool:
    """Return whether a text has bytes that JIS X 0201 does not define: Shift-JIS kanji are not in this set."""
    return bool(_KATAKANA(value))
