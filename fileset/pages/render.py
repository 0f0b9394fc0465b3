"""Instances -> the pictures and texts that pages show. Worker processes render them, so the results are small and plain."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve, field, frozen

from fileset.dicom.header import Reading
from fileset.errors import FilesetError, foreign_text
from fileset.pages.model import PageEntry, Patient, Series, complete, contradiction, each_series, evenly
from fileset.pictures.attributes import attributes_of
from fileset.pictures.depict import Card, Depiction, Document, ReportText, depict, representative_frame
from fileset.pictures.errors import PictureError
from fileset.pictures.instance import DepictedInstance, read_instance
from fileset.pictures.orientation import NO_EDGES, Edges, edges_of
from fileset.pictures.picture import Picture
from fileset.pictures.report_text import ReportLine
from fileset.plan.each_file import FileToRead, each
from fileset.plan.header_values import Opened
from fileset.plan.workers import Workers

LARGEST_SIDE: Final = 1024
"""Pixels of the longer side of a picture on a page."""


@frozen
class Caption:
    """The text below a picture: window, position of the slice, number and count of frames, letters at the edges."""

    window: tuple[float, float] | None = None
    position: float | None = None
    frame: int = 1
    frames: int = 1
    edges: Edges = NO_EDGES


@frozen
class Rendered:
    """One instance, ready for a page.

    `suffix` is JPG, HTM (a report with the text `lines`), PDF, or "" for a card with words; `content` is the JPEG or PDF file;
    `texts` are values of the file by keyword. `reason` is the reason why there is no picture, or the fault of the picture;
    `failed` is true if the instance should have a picture.
    """

    suffix: str
    content: bytes = b""
    size: tuple[int, int] = (0, 0)
    lines: tuple[ReportLine, ...] = ()
    reason: str = ""
    failed: bool = False
    title: str = ""
    facts: Caption = Caption()
    texts: dict[str, str] = field(factory=dict)


TEXTS: Final = (
    "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientName", "PatientBirthDate", "PatientSex",
    "SeriesDescription", "BodyPartExamined", "InstitutionName",
)  # fmt: skip
"""The keys that are read from the file: the identity, to compare it with the record, and keys that records may lack."""


def render(read: Reading) -> Rendered:
    """Render the DICOM file that `read` reads; return a card with the reason if it cannot be shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns about values that it returns nevertheless
            return _render(read)
    except PictureError as problem:
        return _failed(str(problem))
    except FilesetError as problem:
        return _failed(f"the file cannot be read: {problem}")
    except Exception as problem:  # noqa: BLE001  any element may have any value, and no file may stop the others
        return _failed(f"it cannot be shown: {foreign_text(problem)}")


def _failed(reason: str) -> Rendered:
    return Rendered("", reason=reason, failed=True)


def _render(read: Reading) -> Rendered:
    instance = read_instance(read)
    attributes = attributes_of(instance.dataset)
    texts = {keyword: attributes.text(keyword) for keyword in TEXTS}
    return evolve(_rendered(instance, depict(instance)), texts=texts)


def _rendered(instance: DepictedInstance, depiction: Depiction) -> Rendered:
    if isinstance(depiction, Card):
        return Rendered("", reason=depiction.reason, failed=depiction.failed)
    if isinstance(depiction, ReportText):
        return Rendered("HTM", lines=depiction.lines)
    if isinstance(depiction, Document):
        return Rendered("PDF", depiction.content, title=depiction.title)
    return _picture(instance, depiction)


def _picture(instance: DepictedInstance, picture: Picture) -> Rendered:
    from fileset.pictures.picture import jpeg_of

    image = picture.image(LARGEST_SIDE)
    facts = Caption() if instance.pixels is None else _facts(instance, picture)
    return Rendered("JPG", jpeg_of(image), image.size, reason="; ".join(picture.notes), facts=facts)


def _facts(instance: DepictedInstance, picture: Picture) -> Caption:
    frames = instance.frames
    at = representative_frame(instance, frames)
    attributes = attributes_of(instance.dataset, at)
    return Caption(picture.window, attributes.number("SliceLocation"), at + 1, len(frames), edges_of(attributes))


CHUNK: Final = 16
"""Files that a worker renders before it returns the pictures: few, because each picture has about 30 kB."""
PARALLEL_FROM: Final = 32
"""Number of files from which on starting processes saves time."""


def render_all(files: Sequence[FileToRead], workers: Workers) -> Iterator[Rendered]:
    """Render each file, in order."""
    return each(_opened_and_rendered, files, workers.enough_for(len(files), PARALLEL_FROM), CHUNK)


def _opened_and_rendered(opened: Opened) -> Rendered:
    try:
        with opened() as read:
            return render(read)
    except (FilesetError, OSError) as problem:
        return _failed(f"the file cannot be read: {getattr(problem, 'strerror', None) or problem}")


@frozen
class PagePicture:
    """An instance that the pages show, with its patient and series."""

    patient: Patient
    series: Series
    entry: PageEntry

    def accepted(self, rendered: Rendered) -> Rendered:
        """Return the rendering, or a card if the file contradicts its record about the patient; fill in missing keys."""
        identity = (*self.series.identity, self.entry.sop_instance_uid)
        wrong = contradiction(self.patient, identity, rendered.texts)
        if wrong:
            return _failed(wrong)
        complete(self.patient, self.series, rendered.texts)
        return rendered


def chosen(patients: Sequence[Patient], limit: int) -> Iterator[PagePicture]:
    """Choose the instances that the pages show: of each series at most `limit`, evenly spaced."""
    for patient, _, series in each_series(patients):
        chosen_places = evenly(len(series.entries), limit)
        yield from (PagePicture(patient, series, series.entries[at]) for at in chosen_places)
