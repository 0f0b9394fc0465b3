"""Write to standard output and standard error: plain lines and JSON, without characters that control a terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from io import TextIOWrapper
from itertools import chain, islice
from math import isfinite
from typing import Any, Final, TextIO, TypeVar

from fileset.errors import MediumError

Item = TypeVar("Item")

_UNSAFE: Final = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Control characters, marks that reorder or break lines, and halves of surrogate pairs."""
_BATCH: Final = 1000
_UNITS: Final = ("", "kB", "MB", "GB", "TB")
FILLER: Final = "\0"
"""A control character: no text has it after `escaped`."""
_started = False
"""Whether anything was written to standard output in this run."""


def escaped(text: str) -> str:
    """Make control characters in `text` visible: ESC becomes a backslash and "x1b"."""
    return _UNSAFE.sub(_visible, text)


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def prepare_streams() -> None:
    """Prepare the streams so that neither a closed stream nor a character outside its encoding ends the program."""
    global _started  # noqa: PLW0603  # as in _checked
    _started = False
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Messages to a closed stream may be lost, data may not: writing to this stream fails.
            mode = "r" if name == "stdout" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="ascii"))  # noqa: SIM115  # as long as the process
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=_encoding(stream), errors="backslashreplace")


def _encoding(stream: TextIO) -> str | None:
    """Choose the encoding for a stream, None to keep its own: files and pipes get UTF-8 on Windows too, for names of all
    patients. A terminal takes all characters there.
    """
    is_chosen = os.name != "nt" or stream.isatty() or "PYTHONIOENCODING" in os.environ
    return None if is_chosen else "utf-8"


def abandon(stream: TextIO) -> None:
    """Discard the buffer of a stream: the pipe is closed, or the disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


# ---------------------------------------------------------------- messages


def say(*messages: str) -> None:
    """Write each message as a line to standard error; on a terminal, break it at spaces.

    A message that cannot be written is lost; the exit code does not depend on it.
    """
    for text in map(escaped, messages):
        try:
            sys.stderr.write((paragraph(text) if sys.stderr.isatty() else text) + "\n")
            sys.stderr.flush()
        except OSError:
            abandon(sys.stderr)


def paragraph(text: str, indent: int | None = None) -> str:
    """Break a line at spaces for the terminal; names and UIDs stay whole.

    Its further lines begin after `indent` spaces, by default 4 more than the first one.
    """
    from shutil import get_terminal_size
    from textwrap import fill

    further = " " * (len(text) - len(text.lstrip()) + 4 if indent is None else indent)
    width = get_terminal_size().columns
    lines = fill(in_cells(text), width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)
    return lines.replace(FILLER, "")


def in_cells(text: str) -> str:
    """Put `FILLER` after each wide character, so that the length of the text is its number of cells on a terminal."""
    if text.isascii():
        return text
    from unicodedata import east_asian_width

    return "".join(one + FILLER if east_asian_width(one) in "WF" else one for one in text)


def complain(message: str) -> None:
    """Write the line about the error that ended a command."""
    with suppress(MediumError):
        flush()
    say(f"fileset: error: {message}")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: "1 file", "2,500 files"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def grouped(pairs: Iterable[tuple[str, Item]]) -> dict[str, list[Item]]:
    """Collect the second of each pair under the first, in the order of their first occurrence."""
    groups: dict[str, list[Item]] = {}
    for name, item in pairs:
        groups.setdefault(name, []).append(item)
    return groups


def cut(lines: Sequence[str], most: int | None, more: str) -> Iterator[str]:
    """Yield at most `most` lines, all if it is None; then `more`, which has {} for the number of the others."""
    yield from lines[:most]
    if most is not None and len(lines) > most:
        yield more.format(len(lines) - most)


def sized(number: int) -> str:
    """Write a number of bytes as text with three digits, in the decimal units of media: kB, MB, GB."""
    if number < 1000:
        return counted(number, "byte")
    power = next((power for power in (1, 2, 3) if number < 999.5 * 1000**power), 4)
    return f"{number / 1000**power:.3g} {_UNITS[power]}"


# ---------------------------------------------------------------- data


def lasting(seconds: float) -> str:
    """Format a duration in words: "2.1 s", "3 min 20 s"; at least 0.1 s."""
    whole = round(seconds)
    return f"{max(seconds, 0.1):.1f} s" if whole < 60 else f"{whole // 60:,} min {whole % 60} s"


def aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Format a table as lines with aligned columns."""
    cells = [list(map(in_cells, row)) for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield line.rstrip().replace(FILLER, "")


def write(lines: Iterable[str]) -> None:
    """Write lines to standard output, in batches.

    Raises `MediumError` if it cannot be written, `BrokenPipeError` if the reader is gone.
    """
    _emit(line + "\n" for line in lines)


def flush() -> None:
    """Write the buffered text. Raises as `write`."""
    _checked("")


def _emit(pieces: Iterator[str]) -> None:
    while batch := list(islice(pieces, _BATCH)):
        _checked("".join(batch))


def started() -> bool:
    """Check whether anything was written to standard output."""
    return _started


def _checked(text: str) -> None:
    global _started  # noqa: PLW0603  # it mirrors the state of the stream, which is as global
    try:
        if text:
            _started = True
            sys.stdout.write(text)
        else:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        abandon(sys.stdout)
        raise MediumError(f"{problem.strerror or problem}", path="standard output") from problem


# ---------------------------------------------------------------- JSON


def json_text(value: object) -> str:
    """Encode `value` as JSON on one line, in ASCII, which every terminal and encoding accepts."""
    try:
        return _encoder()(value)
    except ValueError:
        return _encoder()(_finite(value))


@cache
def _encoder() -> Callable[[object], str]:
    from json import JSONEncoder

    return JSONEncoder(allow_nan=False, default=_plain).encode


def _plain(value: object) -> str:
    # JSON has no form for bytes of an unknown VR: write them in hexadecimal.
    return value.hex().upper() if isinstance(value, bytes) else str(value)


def _finite(value: object) -> object:
    """Convert "nan" and "inf" in `value` to text: directory records may have them, JSON cannot."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def picked(source: object, *names: str) -> dict[str, Any]:
    """Collect attributes by name: of options as keyword arguments, of a report as members of a document."""
    return {name: getattr(source, name) for name in names}


def write_document(schema: str, members: Mapping[str, object]) -> None:
    """Write one JSON object to standard output, a member a line; an iterator of JSON texts becomes an array, a row a line.

    Iterators are read in the order of the members, while the document is written.
    """
    _emit(document(schema, members))


def write_array(rows: Iterator[str]) -> None:
    """Write JSON texts to standard output as an array, a row a line."""
    _emit(chain(_array(rows), ("\n",)))


def document(schema: str, members: Mapping[str, object]) -> Iterator[str]:
    """Encode the JSON object that `write_document` writes, in pieces."""
    yield f'{{"schema": {json_text(schema)}'
    for name, value in members.items():
        yield f",\n{json_text(name)}: "
        if isinstance(value, Iterator):
            yield from _array(value)
        else:
            yield json_text(value)
    yield "}\n"


def _array(rows: Iterator[str]) -> Iterator[str]:
    separator = "[\n"
    for row in rows:
        yield separator
        yield row
        separator = ",\n"
    yield "[]" if separator == "[\n" else "\n]"
