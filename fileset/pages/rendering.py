"""Many instances -> the pictures and texts of the pages, with one process for each processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Final

from attrs import frozen

from fileset.dicom.header import Reading
from fileset.errors import FilesetError
from fileset.pages.model import PageEntry, Patient, Series, complete, contradiction, evenly
from fileset.pages.render import Rendered, render, render_paths
from fileset.plan.scan import Progress, in_chunks, processors

CHUNK: Final = 16
"""Files that a worker renders before it returns the pictures: few, because each picture has about 30 kB."""
PARALLEL_FROM: Final = 32
"""Number of files from which on starting processes saves time."""


@frozen
class RenderSource:
    """A file to render: its path, or "" and a function that opens it in this process."""

    path: str
    opened: Callable[[], AbstractContextManager[Reading]] | None = None


def render_all(
    sources: Sequence[RenderSource],
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[Rendered]:
    """Yield the rendering of each source, in order; use at most `jobs` processes."""
    paths = [source.path for source in sources]
    if not all(paths):
        yield from _here(sources, progress)
        return
    jobs = jobs or (processors() if len(paths) >= PARALLEL_FROM else 1)
    chunks = (paths[at : at + CHUNK] for at in range(0, len(paths), CHUNK))
    yield from in_chunks(render_paths, chunks, len(paths), jobs=jobs, executor=executor, progress=progress)


def _here(sources: Sequence[RenderSource], progress: Progress | None) -> Iterator[Rendered]:
    for done, source in enumerate(sources, start=1):
        yield _one(source)
        if progress:
            progress(done, len(sources))


def _one(source: RenderSource) -> Rendered:
    if source.opened is None:
        return render_paths([source.path])[0]
    try:
        with source.opened() as read:
            return render(read)
    except FilesetError as problem:
        return Rendered("", reason=f"the file cannot be read: {problem}", failed=True)
    except OSError as problem:
        return Rendered("", reason=f"the file cannot be read: {problem.strerror or problem}", failed=True)


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
            return Rendered("", reason=wrong, failed=True)
        complete(self.patient, self.series, rendered.texts)
        return rendered


def chosen(patients: Sequence[Patient], limit: int) -> Iterator[PagePicture]:
    """Choose the instances that the pages show: of each series at most `limit`, evenly spaced."""
    for patient in patients:
        for study in patient.studies:
            for series in study.series:
                entries = series.entries
                yield from (PagePicture(patient, series, entries[at]) for at in evenly(len(entries), limit))
