"""The result of making pages: how much they show, and why an instance is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field

from fileset.file_id import FileId
from fileset.findings import Finding, Where
from fileset.pages.model import Patient
from fileset.pages.render import Rendered


@define
class PagesReport:
    """The numbers of instances on the pages.

    Attributes:
        folder: The folder of the pages.
        instances: Instances on the medium.
        pictures: Instances with a picture.
        reports: Reports shown as text.
        documents: Copied documents, such as PDF files.
        findings: Each instance without a picture, with the reason, and each series that is shown only in part.
    """

    folder: str
    instances: int = 0
    pictures: int = 0
    reports: int = 0
    documents: int = 0
    findings: list[Finding] = field(factory=list)

    @property
    def complete(self) -> bool:
        """Whether every chosen instance that should have a picture has one."""
        return all(finding.rule != "FS-PICTURE-FAILED" for finding in self.findings)


def accounted(patients: Iterable[Patient], rendered: Mapping[FileId, Rendered]) -> Iterator[Finding]:
    """Report each instance without a picture, and each series that is shown only in part."""
    for patient in patients:
        for study in patient.studies:
            for series in study.series:
                shown = 0
                for entry in series.entries:
                    found = rendered.get(entry.file_id)
                    shown += found is not None
                    if found is not None and found.reason:
                        yield missing_picture(found, entry.file_id.path)
                if shown < len(series.entries):
                    first = Where(series.entries[0].file_id.path)
                    message = f"{shown} of {len(series.entries)} instances of the series are shown"
                    yield Finding("FS-PICTURE-CHOSEN", message, first)


def missing_picture(rendered: Rendered, name: str) -> Finding:
    """Return the finding about an instance that is shown in part, or not at all."""
    if rendered.suffix:
        return Finding("FS-PICTURE-PARTLY", rendered.reason, Where(name))
    return Finding("FS-PICTURE-FAILED" if rendered.failed else "FS-PICTURE-NONE", rendered.reason, Where(name))


def counts(rendered: Iterable[Rendered]) -> Counter[str]:
    """Count the instances shown in each way, by suffix."""
    return Counter(one.suffix for one in rendered)
