"""Write a report file: a manifest or a plan. It replaces only an earlier report of its kind."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable
from typing import Final

from fileset.errors import RefusedError
from fileset.file_id import DICOMDIR
from fileset.media.system.calls import system
from fileset.media.system.files import real_path
from fileset.media.system.walk import place_below

_SAMPLE: Final = 1 << 16
"""Number of bytes that decide whether a file is an earlier report."""
_MANIFEST_LINE: Final = re.compile(rb"\\?[0-9a-fA-F]{64} [ *][^\n]+").fullmatch

IsReport = Callable[[bytes], bool]


def is_manifest(sample: bytes) -> bool:
    """Test whether a file begins like a manifest: digests and paths, as `sha256sum` writes them."""
    lines = sample.split(b"\n")
    whole = lines[:-1] if len(sample) == _SAMPLE or not lines[-1] else lines
    return all(_MANIFEST_LINE(line.rstrip(b"\r")) for line in whole if line.strip())


def is_plan(sample: bytes) -> bool:
    """Test whether a file begins like a plan of volumes."""
    return not sample or b'"fileset.plan/' in sample[:200]


KINDS: Final[dict[str, IsReport]] = {"manifest": is_manifest, "plan": is_plan}


def check_report_file(path: str, kind: str, medium: str = "") -> None:
    """Raise `RefusedError` if a report at `path` would replace anything but an earlier report of its `kind`.

    `medium` is the file-set that the job writes.
    """
    name = real_path(path)
    if medium and medium != "-" and name == real_path(medium):
        raise RefusedError(f"this is the medium: the {kind} needs another name", path=path)
    if os.path.basename(name).upper() == DICOMDIR.value:
        raise RefusedError(f"the {kind} cannot be called {DICOMDIR}", path=path)
    if not os.path.lexists(path):
        return
    if not stat.S_ISREG(os.stat(path).st_mode if os.path.exists(path) else os.lstat(path).st_mode):
        raise RefusedError(f"not a regular file: the {kind} needs another name", path=path)
    with open(path, "rb") as file:
        if not KINDS[kind](file.read(_SAMPLE)):
            raise RefusedError(
                f"this file is not an earlier {kind}, so it is not replaced", path=path, advice="Give another name"
            )


def is_made_with(folder: str, medium: str) -> bool:
    """Return whether writing a medium makes a folder: the medium is that folder, or is in it."""
    return place_below(medium, folder) is not None


def write_report_file(path: str, kind: str, text: Iterable[str]) -> None:
    """Write a report under a new name beside `path`, then rename it. Raises `RefusedError` as `check_report_file`."""
    from secrets import token_hex

    check_report_file(path, kind)
    new = f"{path}.{token_hex(4)}.new"
    # Exclusive, so that neither a file nor a link of this name is followed or lost.
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        # Names of files that are not text keep their bytes, so that other programs find the files too.
        with open(descriptor, "w", encoding="utf-8", errors=sys.getfilesystemencodeerrors(), newline="\n") as file:
            file.writelines(text)
        system.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise
