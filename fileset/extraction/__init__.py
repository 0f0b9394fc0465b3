"""Copy files out of a file-set: every readable file, under safe names; a second run continues the first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from fileset.dicom.file_end import LAST, is_plainly_whole
from fileset.dicomdir.read.directory import conditions
from fileset.errors import FilesetError, MediumError, refuse_path
from fileset.extraction.complete import Complete
from fileset.extraction.layout import DEFAULT, STRUCTURE, PathTemplate
from fileset.extraction.report import Copy, ExtractReport, Lost, lost
from fileset.extraction.target import Target, refuse_inside
from fileset.extraction.verify import Verifier
from fileset.media.base import ReadableMedium
from fileset.media.system.files import path_of
from fileset.media.system.hashing import COPY_SIZE
from fileset.plan.instances import FileFinder, Finder, InstanceRecord, RecordFinder

__all__ = ["DEFAULT", "STRUCTURE", "Copy", "ExtractReport", "Lost", "extract"]

TRIES: Final = 3
"""Number of attempts to read a file, because drives often read a scratched disc better the second time."""

Progress = Callable[[str, int, int], None]
"""Called with "extract", the number of files done, and the number of files in all; before it with "bytes", the bytes copied
so far, and 0.
"""


def extract(
    reader: Finder,
    folder: str | os.PathLike[str],
    *,
    template: str = DEFAULT,
    ascii_only: bool = False,
    listed_only: bool = False,
    trust_dicomdir: bool = False,
    progress: Progress | None = None,
    **keys: Any,
) -> ExtractReport:
    """Copy the files of all instances that match `keys`, as `Reader.find` matches, below `folder`.

    DICOM files that no record references are copied too, unless `listed_only`. A file that is not DICOM, ends too early or
    is another instance than in its record is copied too, and the report has a finding about it.

    Args:
        reader: Finds the instances: a `Reader`, or the result of `scanned`.
        folder: Where the copies go.
        template: Names of the copies: keywords in braces, numbers padded with zeros as in ``{InstanceNumber:05}``, "/"
            between folders. A key that the DICOMDIR lacks is read from the file; a folder without a value is left out.
        ascii_only: Whether names have ASCII characters only. Otherwise letters of any script stay.
        listed_only: Whether to leave out files without a record; the report counts them.
        trust_dicomdir: Whether to name the copy after the record if record and file disagree about patient, study or
            series. By default it is named after the file, and left out if the file does not match `keys`. Each disagreement
            is reported.
        progress: Called with "extract", the number of files done, and the number of files in all; before it with "bytes",
            the bytes copied so far, and 0.
        keys: Values that the instances must match.

    Raises:
        MediumError: `folder` cannot be written.
        RefusedError: `folder` is in the medium or in another file-set, or a symbolic link in it leads out of it.
        RuleError: A key is not an attribute, the template is not valid, or `reader` is a path.
    """
    refuse_path(reader, "a `Reader`")
    layout = PathTemplate.of(template)
    medium = getattr(reader, "medium", None)
    refuse_inside(path_of(folder), medium.name if medium else "")
    source = Complete(reader, listed_only) if isinstance(reader, RecordFinder) else reader
    records = sorted(source.find(**keys), key=partial(_position, medium))
    target = Target(path_of(folder), layout, ascii_only=ascii_only)
    report = ExtractReport(target.root)
    target.require_space(partial(_sizes, records))
    # Other sources match the files themselves, or refuse a file that disagrees with its record.
    wanted = conditions(keys) if isinstance(source, Complete) else ()
    verifier = Verifier(layout.keywords, trusts_dicomdir=trust_dicomdir, conditions=wanted)
    for done, record in enumerate(records):
        _extract_one(record, target, report, verifier)
        if progress:
            progress("bytes", report.size, 0)
            progress("extract", done + 1, len(records))
    if isinstance(source, FileFinder):
        report.findings += source.beside.findings
        report.skipped += source.beside.skipped
        report.left_behind = source.beside.left_behind
    report.shortened = target.shortened
    return report


def _sizes(records: Sequence[InstanceRecord]) -> Iterator[int]:
    """Ask the medium for the size of each file in bytes."""
    for record in records:
        with suppress(FilesetError, OSError):
            yield record.inquire().size


def _extract_one(record: InstanceRecord, target: Target, report: ExtractReport, verifier: Verifier) -> None:
    name = record.file_id.path if record.file_id else ""
    for attempt in range(TRIES):
        try:
            with _reading(record):
                one, found = verifier.identify(record)
            end = _End()
            copy = target.put(target.path(one), partial(_chunks, record, end), name, _mode(record))
            with _reading(record):
                found += [] if found or end.is_plain() else verifier.cut_off(record)
        except _UnreadableError as problem:
            if problem.lasting or attempt == TRIES - 1:
                into = report.missing if problem.missing else report.failed
                into.append(lost(record, str(problem)))
                return
        else:
            report.add(copy)
            report.findings += found
            report.lacking.update(target.layout.lacking(one))
            return


def _position(medium: ReadableMedium | None, record: InstanceRecord) -> int:
    """Find the offset of the file of a record on the medium; in this order a drive reads forward without seeking."""
    return medium.position(record.file_id) if medium and record.file_id else 0


def _mode(record: InstanceRecord) -> int | None:
    """Look up the permissions of the file of a record, None if unknown."""
    with suppress(FilesetError, OSError):  # reading the file reports it
        return record.inquire().mode
    return None


class _UnreadableError(Exception):
    """The reason why a file could not be read; `missing` if it does not exist, `lasting` if a retry cannot help."""

    def __init__(self, reason: str, *, missing: bool = False, lasting: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing
        self.lasting = lasting or missing


class _End:
    """The beginning, the end and the size of the file under copy."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the data read so far."""
        self._first = self._last = b""
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take the next chunk."""
        self._first = self._first or chunk
        self._last = (self._last + chunk[-LAST:])[-LAST:]
        self._size += len(chunk)

    def is_plain(self) -> bool:
        """Return whether the file is certainly complete."""
        return is_plainly_whole(self._first, self._last, self._size)


def _chunks(record: InstanceRecord, end: _End) -> Iterator[bytes]:
    """Read the bytes of the file of a record. Raises `_UnreadableError` unless they are as many as the medium states."""
    end.begin()  # the file may be read again to be compared
    with _reading(record):
        expected, size = record.inquire().size, 0
        with record.open() as file:
            while data := file.read(COPY_SIZE):
                size += len(data)
                end.add(data)
                yield data
        if size != expected:
            raise _UnreadableError(f"{record.file_id}: {size} bytes could be read, the medium states {expected}")


@contextmanager
def _reading(record: InstanceRecord) -> Iterator[None]:
    """Raise `_UnreadableError` for errors of a medium."""
    try:
        yield
    except MediumError as problem:
        # The medium raises for an absent name by itself, and else after an error of the operating system.
        cause = problem.__cause__
        raise _UnreadableError(str(problem), missing=cause is None or isinstance(cause, FileNotFoundError)) from problem
    except FilesetError as problem:
        raise _UnreadableError(str(problem), lasting=True) from problem
    except OSError as problem:
        raise _UnreadableError(f"{record.file_id}: {problem.strerror or problem}") from problem
