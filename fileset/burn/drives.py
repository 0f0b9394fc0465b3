"""The discs and sticks in the drives of this computer."""

from __future__ import annotations

from fileset.errors import MediumError
from fileset.media.open import folders_with_dicomdir
from fileset.media.system.calls import system
from fileset.media.system.interface import Drive

__all__ = ["Drive", "file_sets_on", "mounted_drives"]


def mounted_drives() -> list[Drive]:
    """List the mounted removable media, discs first. Raises `MediumError` if the system does not list them."""
    try:
        return sorted(system.drives(), key=lambda drive: (not drive.optical, drive.root))
    except OSError as problem:
        raise MediumError(f"the drives cannot be listed: {problem.strerror or problem}") from problem


def file_sets_on(drive: Drive) -> list[str]:
    """Return the folders of a medium that have a DICOMDIR: its root, else those below."""
    return folders_with_dicomdir(drive.root)
