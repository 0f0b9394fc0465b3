"""What a check found."""

from __future__ import annotations

from attrs import frozen

from fileset.findings import ERROR, INFO, WARNING, Finding


@frozen
class CheckReport:
    """The outcome of a check: every finding, and how much was looked at.

    `medium` is what the user named; `file_set_id` and `file_set_uid` are "" where the DICOMDIR has none. `records`
    counts directory records, `files` the files of the medium that were looked at.
    """

    medium: str
    file_set_id: str
    file_set_uid: str
    findings: list[Finding]
    records: int
    files: int

    @property
    def errors(self) -> int:
        """The number of findings that break the Standard, or lose data."""
        return self._count(ERROR)

    @property
    def warnings(self) -> int:
        """The number of findings that may trouble other programs, or bend the Standard."""
        return self._count(WARNING)

    @property
    def infos(self) -> int:
        """The number of findings that are worth knowing, and nothing more."""
        return self._count(INFO)

    @property
    def conformant(self) -> bool:
        """Whether no rule is broken."""
        return not self.errors

    def _count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)
