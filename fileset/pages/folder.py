"""Pages of a medium in a folder: `write_pages`."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from attrs import evolve

from fileset.errors import RefusedError, refuse_path
from fileset.file_id import FileId
from fileset.media.system.files import blamed_on, creation_time, path_of
from fileset.pages.model import each_series, patients_found
from fileset.pages.names import README, ROOT, stems
from fileset.pages.options import Imprint, WebOptions
from fileset.pages.readme import ALONE, readme
from fileset.pages.render import Rendered, chosen, render_all
from fileset.pages.report import PagesReport, accounted
from fileset.pages.site import Site
from fileset.pictures.errors import need_images
from fileset.plan.each_file import FileToRead
from fileset.plan.instances import Instances
from fileset.plan.workers import Phases, Workers, phase

if TYPE_CHECKING:
    from concurrent.futures import Executor


def write_pages(
    reader: Instances,
    folder: str | os.PathLike[str],
    *,
    options: WebOptions | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Phases | None = None,
) -> PagesReport:
    """Write pages for a browser that show the instances of `reader`: INDEX.HTM, README.TXT and IHE_PDI (IHE PDI).

    Args:
        reader: A `Reader`, or a scan of files without a DICOMDIR.
        folder: A new or empty folder.
        options: Pictures of a series, language, institution and contact.
        jobs: Number of processes that make pictures. By default one for each processor.
        executor: Makes the pictures instead of these processes.
        progress: Called with "pictures", the number of finished files, and the number of all files.

    Raises:
        RuleError: The extra `images` is not installed, or `reader` is a path.
        RefusedError: The folder holds files already.
        MediumError: The folder cannot be written.
    """
    refuse_path(reader, "a `Reader`")
    need_images()
    target = _PagesFolder(path_of(folder))
    patients = patients_found(reader.instances)
    shown = list(chosen(patients, (options or WebOptions()).pictures))
    wanted = [one.entry.file_id for one in shown]
    named = stems(wanted)
    files = [FileToRead.on(reader.medium, file_id) for file_id in wanted]
    workers = Workers(jobs, executor, phase(progress, "pictures"))
    rendered: dict[FileId, Rendered] = {}
    for one_wanted, found in zip(shown, render_all(files, workers), strict=True):
        file_id, one = one_wanted.entry.file_id, one_wanted.accepted(found)
        if one.content:
            target.write(f"{ROOT}/{named[file_id]}.{one.suffix}", one.content)
        rendered[file_id] = evolve(one, content=b"")
    imprint = imprint_of(options or WebOptions())
    for name, content in Site(patients, rendered, named, imprint).pages():
        target.write(name, content)
    target.write(README, readme(imprint, ALONE))
    by_suffix = Counter(one.suffix for one in rendered.values())
    pictures, reports, documents = (by_suffix[one] for one in ("JPG", "HTM", "PDF"))
    instances = sum(len(series.entries) for _, _, series in each_series(patients))
    return PagesReport(target.root, instances, pictures, reports, documents, list(accounted(patients, rendered)))


def imprint_of(options: WebOptions) -> Imprint:
    """Return the origin of pages, with the date of today or of SOURCE_DATE_EPOCH."""
    from fileset import __version__

    return Imprint(options, creation_time().strftime("%Y-%m-%d"), f"fileset {__version__}")


class _PagesFolder:
    """The folder that pages are written into; raises `RefusedError` if it holds anything."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._made: set[str] = set()
        with blamed_on(root):
            os.makedirs(root, exist_ok=True)
            if os.listdir(root):
                raise RefusedError("is not empty", advice="Give a new folder for the pages", path=root)

    def write(self, name: str, content: bytes) -> None:
        """Write one file below the folder. Raises `MediumError` if that fails."""
        path = os.path.join(self.root, *name.split("/"))
        above = os.path.dirname(path)
        with blamed_on(path):
            if above not in self._made:
                os.makedirs(above, exist_ok=True)
                self._made.add(above)
            with open(path, "xb") as file:
                file.write(content)
