"""Features of an image, other than files, that a new image cannot keep, such as a boot record."""

from __future__ import annotations

from fileset.errors import Advice, RefusedError
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.report import Report

FORCE = Advice("Extract the image first if it is the only one, and use force=True", "Use --force to change it anyway")


def refuse_losses(medium: UpdatableMedium, report: Report, *, force: bool) -> None:
    """Raise `RefusedError` if the new image would lose a feature of the old one; with `force`, report the loss instead."""
    lost = medium.not_carried_over()
    if lost and not force:
        raise RefusedError(f"the image would lose {', and '.join(lost)}", path=medium.name, advice=FORCE)
    report.findings += [
        Finding("FS-IMAGE-REDUCED", f"the new image is without {one}", Where(medium.name)) for one in lost
    ]
