"""Decide whether `check` advises a repair."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from fileset.check import CheckReport
from fileset.errors import FilesetError
from fileset.media.open import updatable
from fileset.repair.diagnosis import is_curable

_BLOCKING: Final = ("FS-MEDIUM-", "FS-SECURE-", "FS-DIRECTORY-ABSENT", "FS-PATIENT-CONFLICT")
"""Prefixes of rules for faults that a repair cannot cure: the user needs a better copy, a key, or a look at the images."""


def repair_helps(report: CheckReport) -> bool:
    """Decide whether a repair cures an error in the report of a check, and can write to the medium without a loss."""
    blocked = any(finding.rule.startswith(_BLOCKING) for finding in report.findings)
    return not blocked and any(map(is_curable, report.findings)) and _takes_repair(report.medium)


def _takes_repair(path: str) -> bool:
    try:
        with closing(updatable(path)) as medium:
            medium.check_writable()
            return not (medium.not_carried_over() or medium.lasting_damage())
    except (FilesetError, OSError):
        return False
