"""Burn an image with an installed program, then compare the disc with the image and check it."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from fileset.burn.programs import BurningProgram, program_for, run_program
from fileset.check import CheckReport, check_file_set
from fileset.errors import Advice, FilesetError, FormatError, MediumError, NotFoundError, RefusedError, RuleError
from fileset.media.iso.compare import Comparison, SectorRange, compare, holds_data
from fileset.media.iso.medium import IsoMedium
from fileset.media.system.files import not_found, path_of

if TYPE_CHECKING:
    from fileset.plan.workers import Phases

READY: Final = 60.0
"""Most seconds until a drive is readable after burning: it closes the disc and recognises it again."""
_PAUSE: Final = 1.0
_LOCKED: Final = ("FS-SECURE-KEY", "FS-SECURE-UNSEEN")
_SEE_ERRORS: Final = Advice(
    "`check_file_set()` names them; `force=True` burns the image with them",
    "`fileset check` names them; --force burns the image with them",
)
_MAKE_AN_IMAGE: Final = Advice(
    "`Creator` with the name of a medium that ends in .iso makes an image",
    "`fileset create FOLDER -o NAME.iso` makes an image",
)
_NAME_A_DRIVE: Final = "Name the drive, such as /dev/sr0, or D: on Windows"
_SHOWS_EMPTY_DRIVES: Final = sys.platform != "darwin"
_DRIVE_LETTER: Final = re.compile(r"(?:\\\\\.\\)?([A-Za-z]:)[\\/]?").fullmatch
r"""The forms of a drive on Windows: D:, D:\, D:/ and \\.\D:."""

__all__ = ["BurnReport", "Comparison", "SectorRange", "burn_image", "compare_with_image"]


@frozen
class BurnReport:
    """The result of burning: the command, the comparison of the disc with the image, and the check of the disc.

    `comparison` and `check` are None after a dry run; `check` also if the disc differs from the image. `sealed`: files
    on the disc are encrypted, so `check` judged only their names and envelopes; the missing key is no finding.
    """

    command: tuple[str, ...]
    comparison: Comparison | None
    check: CheckReport | None
    sealed: bool = False


def burn_image(
    image: str | os.PathLike[str],
    device: str,
    *,
    program: str | None = None,
    blank: bool = False,
    speed: int | None = None,
    force: bool = False,
    dry_run: bool = False,
    progress: Phases | None = None,
) -> BurnReport:
    """Check an ISO image, burn it in one session, compare the disc with it sector by sector, and check the file-set on the disc.

    Args:
        image: The image of a disc (PS3.12 F, P, X).
        device: The drive, such as "/dev/sr0", "D:" on Windows, or "stdio:FILE" for a file in place of a disc (xorriso).
        program: The burning program: "xorriso", "wodim", "cdrecord", "hdiutil" or "isoburn". By default the first of them
            that is installed.
        blank: Erase or overwrite a rewritable disc first.
        speed: Speed of the drive, in the unit of the program.
        force: Burn the image also if a check finds errors in its file-set, or if it holds none.
        dry_run: Burn nothing; the report has the command.
        progress: Called with a phase ("compare", or one of the check), how much is done, and how much there is.

    Raises:
        RuleError: `image` is a folder, `device` is a file or a folder, no burning program is installed, or it cannot do what an
            option asks.
        NotFoundError: There is no such drive, or no such image.
        RefusedError: The disc is not blank, and `blank` is false; or `device` is the image itself; or a check finds errors in
            the image, and `force` is false.
        FormatError: `image` is not a disc image, a part of it is missing, or it holds no file-set.
        MediumError: There is no disc, it is too small, the burning program fails, or the disc cannot be read afterwards.
    """
    path = os.path.abspath(_image(image))  # so that no program takes it for an option
    try:
        with closing(IsoMedium(path)) as opened:
            sectors = opened.whole_sectors()  # raises for an incomplete image, before a disc is spent on it
    except FormatError as problem:
        raise problem.moved(path=os.fspath(image)) from problem
    _require_drive(device, path)
    chosen = program_for(program)
    command = chosen.command(_letter(device) or device, path, blank=blank, speed=speed)
    _require_disc(chosen, device, sectors, blank=blank)
    if not force:
        _require_conformant(path, progress)
    if dry_run:
        return BurnReport(tuple(command), None, None)
    run_program(command)
    comparison = _when_ready(device, path, progress)
    check, sealed = _checked(readable_device(device), progress) if comparison.same else (None, False)
    return BurnReport(tuple(command), comparison, check, sealed)


def _checked(medium: str, progress: Phases | None) -> tuple[CheckReport, bool]:
    """Check a file-set; return also whether files are encrypted. A missing key is no fault: `burn` takes none."""
    report = check_file_set(medium, progress=progress)
    found = [one for one in report.findings if one.rule not in _LOCKED]
    return evolve(report, findings=found), len(found) < len(report.findings)


def _require_conformant(image: str, progress: Phases | None) -> None:
    """Raise `RefusedError` if a check of the image finds errors."""
    errors = _checked(image, progress)[0].errors
    if errors:
        reason = f"a check finds {errors} error{'s' * (errors > 1)} in the image; nothing was burned"
        raise RefusedError(reason, path=image, advice=_SEE_ERRORS)


def _require_disc(program: BurningProgram, device: str, sectors: int, *, blank: bool) -> None:
    """Raise `MediumError` if there is no disc or it is too small, `RefusedError` if it is not blank and `blank` is false."""
    state = program.disc_state(device)
    if not state.present:
        raise MediumError("there is no disc in the drive", path=device, advice="Insert a blank disc")
    if not blank and (holds_data(readable_device(device)) or not state.blank):
        advice = "Insert a blank disc, or erase this one (--blank)" if program.blank else "Insert a blank disc"
        raise RefusedError("the disc is not blank", path=device, advice=advice)
    if state.blank and state.room is not None and sectors > state.room:
        raise MediumError(
            f"the image has {sectors:,} sectors, but the disc has room for only {state.room:,}; nothing was burned",
            path=device,
            advice="Insert a larger disc, or make smaller images: `fileset create --volume-size`",
        )


def compare_with_image(device: str, image: str | os.PathLike[str], *, progress: Phases | None = None) -> Comparison:
    """Compare a disc with an image sector by sector, up to the Volume Space Size of the image (ISO 9660 8.4.8).

    `device` is a drive as for `burn_image`, or another image. `progress` is called with "compare", the number of compared
    sectors, and the number of all sectors. Raises `FormatError` if `image` is not a complete disc image, `NotFoundError` if
    there is no such drive, `MediumError` if the drive or the image cannot be opened.
    """
    if _is_gone(device):
        raise NotFoundError("there is no such drive or image", path=device)
    return compare(readable_device(device), _image(image), partial(progress, "compare") if progress else None)


def _image(image: str | os.PathLike[str]) -> str:
    """Check the path of an image. Raises `NotFoundError` if there is none, `RuleError` for a folder."""
    path = path_of(image)
    if not os.path.lexists(path):
        raise not_found(path)
    if os.path.isdir(path):
        raise RuleError("is a folder, not an ISO image", path=path, advice=_MAKE_AN_IMAGE)
    return path


def readable_device(device: str) -> str:
    r"""Return the path to read the disc in a drive from: \\.\D: for "D:" on Windows, FILE for "stdio:FILE"."""
    letter = _letter(device)
    return f"\\\\.\\{letter}" if letter else device.removeprefix("stdio:")


def _letter(device: str) -> str:
    """Return the letter of a drive of Windows, such as "D:"; "" for any other device."""
    found = _DRIVE_LETTER(device) if sys.platform == "win32" else None
    return found[1] if found else ""


def _require_drive(device: str, image: str) -> None:
    """Raise `NotFoundError` if there is no such drive, `RuleError` for a file without "stdio:" or a folder: it is no drive.

    Raises `RefusedError` for the image itself in place of a drive.
    """
    path = readable_device(device)
    is_file = device.startswith("stdio:")
    if is_file and os.path.exists(path) and os.path.samefile(path, image):
        raise RefusedError("is the image itself, not a drive", path=device, advice=_NAME_A_DRIVE)
    if not _DRIVE_LETTER(device):
        if os.path.isdir(path):
            raise RuleError("is a folder, not a drive", path=device, advice=_NAME_A_DRIVE)
        if os.path.isfile(path) and not is_file:
            raise RuleError("is a file, not a drive", path=device, advice=_NAME_A_DRIVE)
    if not is_file and _is_gone(device):
        raise NotFoundError("there is no such drive", path=device, advice=_NAME_A_DRIVE)


def _is_gone(device: str) -> bool:
    """Return whether there is no such drive. Drives without a written disc may have no device file (macOS)."""
    return _SHOWS_EMPTY_DRIVES and not os.path.exists(readable_device(device))


def _when_ready(device: str, image: str, progress: Phases | None) -> Comparison:
    """Compare as soon as the drive can be read. Raises the error of the drive after `READY` seconds."""
    deadline = time.monotonic() + READY
    while not holds_data(readable_device(device)):
        if time.monotonic() > deadline or _is_gone(device):
            break
        time.sleep(_PAUSE)
    try:
        return compare_with_image(device, image, progress=progress)
    except FilesetError as problem:
        raise MediumError(f"cannot be read after burning: {problem.reason}", path=device) from problem
