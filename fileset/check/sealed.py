"""Check an encrypted file-set without a key: envelopes and names, and a finding about the parts that stay unchecked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fileset.check.report import CheckReport
from fileset.dicom.preamble import is_part_10, is_secure
from fileset.errors import FilesetError, FormatError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium
from fileset.media.system.walk import random_access
from fileset.plan.secured import unreadable

_FIRST: Final = 132
_UNSEEN: Final = "their records, keys, digests and signatures were not checked. Give a key or password"


def check_sealed(medium: ReadableMedium, problem: FormatError) -> CheckReport:
    """Check the envelopes and names on a medium whose DICOMDIR cannot be opened because of `problem`."""
    names = list(medium.names())
    findings = [Finding(problem.rule, problem.reason, Where(DICOMDIR.path))]
    findings += [finding for name in names for finding in _looked_at(medium, name)]
    findings += [Finding("FS-MEDIUM-DAMAGED", note) for note in medium.damage()]
    message = f"the {len(names)} files of the medium were checked from outside only: {_UNSEEN}"
    findings.append(Finding("FS-SECURE-UNSEEN", message, Where(medium.name)))
    return CheckReport(medium.name, "", "", findings, 0, sum(name != DICOMDIR.path for name in names))


def _looked_at(medium: ReadableMedium, name: str) -> Iterator[Finding]:
    """Check one file: its name, and its envelope or the lack of one."""
    from fileset.secure.reader import parse

    try:
        with medium.open(FileId.tolerant(name)) as file:
            read, size = random_access(file)
            first = read(0, _FIRST)
            if is_secure(first):
                FileId.from_path(name)
                parse(read, size)
            elif is_part_10(first):
                yield Finding("FS-SECURE-PLAIN", "is not encrypted, as the DICOMDIR is", Where(name))
    except RuleError as problem:
        yield Finding("FS-FILE-NAME", problem.reason, Where(name))
    except (FilesetError, OSError) as problem:
        yield Finding(*unreadable(problem, name), Where(name))
