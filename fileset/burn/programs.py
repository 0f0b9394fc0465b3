"""The programs that burn discs, one row each: their command lines, and how they report a blank disc."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from shutil import which
from typing import Final

from attrs import frozen

from fileset.errors import MediumError, RuleError

_LAST_LINES: Final = 4
"""Number of last lines of a failed program that the user sees."""
DISC_MAY_BE_SPOILED: Final = "The disc may be unusable: try again with a new one"


@frozen
class DiscState:
    """The disc in a drive as a burning program reports it: whether it is there and blank, and its writable sectors, None if unknown."""

    present: bool = True
    blank: bool = True
    room: int | None = None


@frozen
class BurningProgram:
    """A program that burns an image in one session, disc at once.

    Words may contain {device}, {image} and {speed}. `blank` are the words that erase a rewritable disc first, empty if the
    program cannot do that; `speed` the words that set a speed. `state` is a command that reports the state of the disc as
    xorriso does. `systems` are the values of `sys.platform` where the program exists.
    """

    name: str
    burn: tuple[str, ...]
    blank: tuple[str, ...] = ()
    speed: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()

    def command(self, device: str, image: str, *, blank: bool, speed: int | None) -> list[str]:
        """Build the command that burns an image. Raises `RuleError` if the program cannot erase, or set a speed."""
        other = "or choose another program (--program)"
        if blank and not self.blank:
            raise RuleError(f"{self.name} cannot erase a disc", advice=f"Erase it first, {other}")
        if speed is not None and not self.speed:
            raise RuleError(f"{self.name} cannot set a speed", advice=f"Leave --speed out, {other}")
        *burn, last = self.burn
        words = [*burn, *(self.blank if blank else ()), *(self.speed if speed else ()), last]
        return _filled(words, device, image, speed)

    def disc_state(self, device: str) -> DiscState:
        """Ask for the state of the disc, blank if the program cannot report it. Raises `MediumError` if it cannot use the drive."""
        if not self.state:
            return DiscState()
        _, said = _ended(_filled(self.state, device))
        status, room = re.search(r"Media status : (.*)", said), re.search(r"Media blocks : .* (\d+) writable", said)
        if status is None:
            raise MediumError(f"{self.name} cannot use this drive: {_last_lines(said)}", path=device)
        sectors = int(room[1]) if room else 0  # 0 too if the drive does not report it: every blank disc has room
        return DiscState("not present" not in status[1], "is blank" in status[1], sectors or None)


_CDRECORD: Final = ("-v", "dev={device}", "-sao", "fs=8m", "{image}")

PROGRAMS: Final = (
    BurningProgram(
        "xorriso",
        burn=("xorriso", "-as", "cdrecord", *_CDRECORD),
        blank=("blank=as_needed",),
        speed=("speed={speed}",),
        state=("xorriso", "-outdev", "{device}", "-toc"),
    ),
    BurningProgram("wodim", burn=("wodim", *_CDRECORD), blank=("blank=fast",), speed=("speed={speed}",)),
    BurningProgram("cdrecord", burn=("cdrecord", *_CDRECORD), blank=("blank=fast",), speed=("speed={speed}",)),
    BurningProgram(
        "hdiutil",
        # No -device: it needs a path in the I/O registry. So hdiutil chooses the burner, and must not erase the disc in it.
        burn=("hdiutil", "burn", "-noverifyburn", "-noeject", "{image}"),
        speed=("-speed", "{speed}"),
        systems=("darwin",),
    ),
    BurningProgram("isoburn", burn=("isoburn", "/Q", "{device}", "{image}"), systems=("win32",)),
)
"""The known programs; the first that is installed is used."""


def _filled(words: Iterable[str], device: str, image: str = "", speed: int | None = None) -> list[str]:
    return [word.format(device=device, image=image, speed=speed) for word in words]


def program_for(name: str | None = None) -> BurningProgram:
    """Choose the program called `name`, else the first that is installed.

    Raises `RuleError` if there is no such program, or none is installed.
    """
    usable = [program for program in PROGRAMS if not program.systems or sys.platform in program.systems]
    names = ", ".join(program.name for program in usable)
    chosen = [program for program in usable if name in (None, program.name)]
    if not chosen:
        raise RuleError(f"there is no burning program {name!r} for this system", advice=f"Use one of {names}")
    found = next((program for program in chosen if which(program.burn[0])), None)
    if found is None:
        lack = f"{name} is not installed" if name else f"none of {names} is installed"
        raise RuleError(f"no disc can be burned: {lack}", advice=f"Install {name or 'xorriso'}, or another of {names}")
    return found


def run_program(words: list[str]) -> None:
    """Run a burning program. Raises `MediumError` with its last lines if it fails."""
    code, said = _ended(words)
    if code:
        raise MediumError(f"{words[0]} failed with exit code {code}: {_last_lines(said)}", advice=DISC_MAY_BE_SPOILED)


def _last_lines(said: str) -> str:
    lines = filter(None, map(str.strip, said.replace("\r", "\n").split("\n")))
    return "; ".join(list(lines)[-_LAST_LINES:])


def _ended(words: list[str]) -> tuple[int, str]:
    """Run a program; return its exit code and its output. Raises `MediumError` if it cannot be started."""
    try:
        ended = subprocess.run(  # noqa: S603  # a program of the table; the user chose image and device
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    except OSError as problem:
        raise MediumError(f"cannot be started: {problem.strerror or problem}", path=words[0]) from problem
    return ended.returncode, ended.stdout.decode("utf-8", "replace")
