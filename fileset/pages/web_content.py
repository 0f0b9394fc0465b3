"""Pages and pictures that `Creator` writes beside a file-set (IHE PDI, Web Content Option)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from typing import Final

from attrs import evolve

from fileset.dicomdir.read.directory import Contents
from fileset.file_id import FileId
from fileset.findings import Finding
from fileset.media.base import Footprint
from fileset.media.system.files import creation_time
from fileset.media.system.spool import Spool, SpoolRange
from fileset.pages.folder import imprint_of
from fileset.pages.model import complete, each_series, evenly, patients_of
from fileset.pages.names import README, ROOT, stems
from fileset.pages.options import WebOptions
from fileset.pages.readme import WITH_DICOM, readme
from fileset.pages.render import Rendered, render_all
from fileset.pages.report import missing_picture, shown_in_part
from fileset.pages.site import Site
from fileset.pictures.errors import need_images
from fileset.plan.commit import Addition
from fileset.plan.each_file import FileToRead
from fileset.plan.inputs import Sources
from fileset.plan.workers import Workers
from fileset.records.arranged import Node

PAGE: Final = 20_000
"""Most bytes of a page without pictures; the style sheet and the script are two thirds of it."""
FIGURE: Final = 2_500
"""Most bytes of a page for each picture on it, if every character of its description is escaped."""
_ESCAPED: Final = 8
"""Most bytes of an escaped character; "&#1114111;" has more, but such characters are rare."""


class WebContent:
    """Makes the pages of each volume. It makes the pictures once and keeps them in a temporary file beside `medium`.

    Raises `RuleError` if the extra `images` is not installed.
    """

    def __init__(self, options: WebOptions, medium: str, workers: Workers) -> None:
        need_images()
        self._options = options
        self._workers = workers
        self._spool = Spool(medium)
        self._rendered: dict[int, Rendered] = {}
        self._pieces: dict[int, SpoolRange] = {}

    def prepare(self, nodes: Iterable[Node], sources: Sources) -> Iterator[Finding]:
        """Make the pictures; report each instance without one, and each series that is shown only in part."""
        self._rendered, self._pieces = {}, {}
        for group in _series(nodes):
            shown = [group[at] for at in evenly(len(group), self._options.pictures)]
            self._rendered |= dict.fromkeys(shown, Rendered(""))
            yield from shown_in_part(len(shown), len(group), sources.name(group[0]))
        files = [FileToRead.of_source(sources, source) for source in self._rendered]
        for source, found in zip(list(self._rendered), render_all(files, self._workers), strict=True):
            if found.content:
                self._pieces[source] = self._spool.add(found.content)
            self._rendered[source] = evolve(found, content=b"")
            yield from missing_picture(found, sources.name(source))

    def weigh(self, source: int, footprint: Footprint) -> int:
        """Estimate the most bytes that the picture of an instance, and its place on a page, take."""
        rendered = self._rendered.get(source)
        if rendered is None:
            return 0
        text = sum(len(line.name) + len(line.value) + 16 for line in rendered.lines) * _ESCAPED
        report = footprint.of(PAGE + text) if rendered.suffix == "HTM" else 0
        picture = footprint.of(self._pieces[source].size) if source in self._pieces else 0
        return picture + report + FIGURE + len(rendered.reason) * _ESCAPED

    def room(self, footprint: Footprint) -> Footprint:
        """Add a page and a folder of pictures for each record, the first page, and README.TXT to a footprint."""
        words = (len(self._options.institution) + len(self._options.contact)) * 3 * _ESCAPED
        page = footprint.of(PAGE + words)
        return evolve(
            footprint, fixed=footprint.fixed + 3 * page + footprint.folder, folder=2 * footprint.folder + 2 * page
        )

    def additions(self, dicomdir: Iterable[bytes | bytearray], source_of: Mapping[FileId, int]) -> Iterator[Addition]:
        """Yield pictures, pages and README.TXT of one volume."""
        patients = patients_of(Contents(b"".join(dicomdir)))
        shown = {file_id: source for file_id, source in source_of.items() if source in self._rendered}
        named = stems(shown)
        rendered = {file_id: self._rendered[source] for file_id, source in shown.items()}
        for patient, _, series in each_series(patients):
            for entry in series.entries:
                if entry.file_id in rendered:
                    complete(patient, series, rendered[entry.file_id].texts)
        imprint = imprint_of(self._options)
        now = creation_time()
        for file_id, source in shown.items():
            if source in self._pieces:
                name = f"{ROOT}/{named[file_id]}.{rendered[file_id].suffix}"
                yield self._addition(name, self._pieces[source], now)
        texts = chain(Site(patients, rendered, named, imprint).pages(), [(README, readme(imprint, WITH_DICOM))])
        for name, content in texts:
            yield self._addition(name, self._spool.add(content), now)

    def _addition(self, name: str, piece: SpoolRange, now: datetime) -> Addition:
        return Addition(FileId.tolerant(name), piece.size, partial(self._spool.chunks, piece), now)

    def close(self) -> None:
        """Remove the temporary file of pictures."""
        self._spool.close()


def _series(nodes: Iterable[Node]) -> Iterator[list[int]]:
    """Collect the sources of each series: instances below the same record."""
    for are_instances, group in groupby(nodes, key=lambda node: node.source >= 0):
        if are_instances:
            yield [node.source for node in group]
