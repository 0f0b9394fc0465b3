"""Do the same work on many files: in several processes if they are files of the operating system, else in this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Self, TypeVar

from attrs import frozen

from fileset.errors import FilesetError
from fileset.file_id import FileId
from fileset.media.base import ReadableMedium
from fileset.media.system.walk import OpenFile
from fileset.plan.header_values import Opened, reading_of
from fileset.plan.source_files import SourceFiles
from fileset.plan.workers import Workers

Result = TypeVar("Result")


@frozen
class FileToRead:
    """A file: its path, "" if it is none of the operating system, and a function that opens it in this process."""

    path: str
    opened: Opened

    @classmethod
    def of_source(cls, sources: SourceFiles, index: int) -> Self:
        """Return a source of a new file-set."""
        return cls(sources.path(index), partial(sources.opened, index))

    @classmethod
    def on(cls, medium: ReadableMedium, file_id: FileId) -> Self:
        """Return a file of a medium."""
        path = ""
        if medium.folder:
            with suppress(FilesetError, OSError):  # `opened` raises it again
                path = medium.path(file_id)
        return cls(path, partial(OpenFile, path) if path else partial(reading_of, medium, file_id))


def each(
    work: Callable[[Opened], Result], files: Sequence[FileToRead], workers: Workers, chunk: int
) -> Iterator[Result]:
    """Yield the results of `work` on the files, in order; processes get `chunk` paths at once."""
    paths = [file.path for file in files]
    if all(paths):
        yield from workers.share(partial(on_paths, work=work), paths, chunk)
        return
    for done, file in enumerate(files, start=1):
        yield work(file.opened)
        workers.count(done, len(files))


def on_paths(paths: Sequence[str], work: Callable[[Opened], Result]) -> list[Result]:
    """Return the results of `work` on the files at `paths`. Every worker process runs this."""
    return [work(partial(OpenFile, path)) for path in paths]
