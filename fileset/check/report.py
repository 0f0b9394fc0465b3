"""The result of a check."""

from __future__ import annotations

from collections import Counter

from attrs import frozen

from fileset.findings import ERROR, INFO, RULES, WARNING, Finding


@frozen
class CheckReport:
    """The result of a check: every finding, and how many records and files were checked.

    `medium` is the path of the medium, or of a checked DICOMDIR that has another name. `file_set_id` and `file_set_uid`
    are "" if the DICOMDIR has none. `records` counts directory records, `files` the files of the medium; 0 if
    `files_checked` is false.
    """

    medium: str
    file_set_id: str
    file_set_uid: str
    findings: list[Finding]
    records: int
    files: int
    files_checked: bool = True

    @property
    def errors(self) -> int:
        """The number of findings that break the Standard or lose data."""
        return self._count(ERROR)

    @property
    def warnings(self) -> int:
        """The number of findings that may confuse other programs."""
        return self._count(WARNING)

    @property
    def infos(self) -> int:
        """The number of findings that are only worth knowing."""
        return self._count(INFO)

    @property
    def conformant(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{getattr(self, name):,} {name}" for name in ("records", "files", "errors", "warnings", "infos")
        )
        return f"<check of {self.medium}: {counts}>"

    def _count(self, severity: str) -> int:
        counts = Counter(finding.rule for finding in self.findings)
        return sum(count for rule, count in counts.items() if RULES[rule].severity == severity)
