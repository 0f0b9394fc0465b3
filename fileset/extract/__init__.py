"""Copying files out of a file-set: all that can be read, under safe names, as often as it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from fileset.errors import FilesetError, MediumError
from fileset.extract.instances import Finder, Instance
from fileset.extract.layout import DEFAULT, Layout
from fileset.extract.report import Copy, ExtractReport, Lost, lost
from fileset.extract.target import Target
from fileset.media.system.files import path_of
from fileset.media.system.walk import COPY_SIZE

__all__ = ["DEFAULT", "Copy", "ExtractReport", "Lost", "extract"]

TRIES: Final = 3
"""Times that a file is read before it is given up: drives read a scratched disc better the second time."""

Progress = Callable[[str, int, int], None]
"""Called with "extract", the number of files done, and the number of files in all."""


def extract(
    reader: Finder,
    folder: str | os.PathLike[str],
    *,
    template: str = DEFAULT,
    progress: Progress | None = None,
    **keys: Any,
) -> ExtractReport:
    """Copy the files of all instances that match `keys`, as `Reader.find` matches, below `folder`.

    `template` says how they are called there: keywords in braces, numbers padded with zeros as in
    ``{InstanceNumber:05}``, "/" between folders; a folder for which an instance has no key is left out. Raises
    `MediumError` if `folder` cannot be written, `RefusedError` if a symbolic link in it leads out of it, and `RuleError`
    for a key that is no attribute, or another form of template.
    """
    layout = Layout.of(template)
    records = list(reader.find(**keys))
    target = Target(path_of(folder), layout)
    report = ExtractReport(target.root)
    for done, record in enumerate(records):
        _extract_one(record, target, report)
        if progress:
            progress("extract", done + 1, len(records))
    return report


def _extract_one(record: Instance, target: Target, report: ExtractReport) -> None:
    path = target.path(record)
    name = record.file_id.path if record.file_id else ""
    for attempt in range(TRIES):
        try:
            report.add(target.put(path, partial(_chunks, record), name))
        except _UnreadableError as problem:
            if problem.lasting or attempt == TRIES - 1:
                into = report.missing if problem.missing else report.failed
                into.append(lost(record, str(problem)))
                return
        else:
            return


class _UnreadableError(Exception):
    """Why a file did not come; `missing` if it is not there, `lasting` if trying again cannot help."""

    def __init__(self, reason: str, *, missing: bool = False, lasting: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing
        self.lasting = lasting or missing


def _chunks(record: Instance) -> Iterator[bytes]:
    """The bytes of the file of a record: as many as the medium says that there are. Raises `_UnreadableError`."""
    try:
        expected, size = record.inquire().size, 0
        with record.open() as file:
            while data := file.read(COPY_SIZE):
                size += len(data)
                yield data
        if size != expected:
            raise _UnreadableError(f"{record.file_id}: {size} bytes came, the medium says {expected}")
    except MediumError as problem:
        # The medium says that a name is not there by itself, and else what the operating system said.
        cause = problem.__cause__
        raise _UnreadableError(str(problem), missing=cause is None or isinstance(cause, FileNotFoundError)) from problem
    except FilesetError as problem:
        raise _UnreadableError(str(problem), lasting=True) from problem
    except OSError as problem:
        raise _UnreadableError(f"{record.file_id}: {problem.strerror or problem}") from problem
