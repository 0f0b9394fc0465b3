"""The result of making pages: how much they show, and why an instance is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field

from fileset.file_id import FileId
from fileset.findings import Finding, Where
from fileset.pages.model import Patient, each_series
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

    def __repr__(self) -> str:
        return f"<pages in {self.folder}: {self.instances:,} instances, {len(self.findings):,} findings>"

    @property
    def complete(self) -> bool:
        """Whether every chosen instance that should have a picture has one."""
        return all(finding.rule != "FS-PICTURE-FAILED" for finding in self.findings)


def accounted(patients: Iterable[Patient], rendered: Mapping[FileId, Rendered]) -> Iterator[Finding]:
    """Report each instance without a picture, and each series that is shown only in part."""
    for _, _, series in each_series(patients):
        names = [entry.file_id for entry in series.entries]
        shown = [name for name in names if name in rendered]
        for name in shown:
            yield from missing_picture(rendered[name], name.path)
        yield from shown_in_part(len(shown), len(names), names[0].path)


def shown_in_part(shown: int, count: int, name: str) -> Iterator[Finding]:
    """Report a series, whose first instance is `name`, if only some of its instances are shown."""
    if shown < count:
        yield Finding("FS-PICTURE-CHOSEN", f"{shown} of {count} instances of the series are shown", Where(name))


def missing_picture(rendered: Rendered, name: str) -> Iterator[Finding]:
    """Report an instance that is shown in part, or not at all."""
    if rendered.reason:
        without = "FS-PICTURE-FAILED" if rendered.failed else "FS-PICTURE-NONE"
        yield Finding("FS-PICTURE-PARTLY" if rendered.suffix else without, rendered.reason, Where(name))
