"""Copying files out of a file-set: all that can be read, under safe names, as often as it takes.

Names come from the values of a disc that nobody vouches for, so they are cleaned to A-Z, a-z, 0-9, ".", "_" and "-".
A file appears under its name only when it is complete, and nothing that is there is lost; so a second run copies
only what the first one did not.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any, BinaryIO, Final, Protocol

from attrs import define, field, frozen

from fileset.errors import FilesetError, MediumError, RefusedError
from fileset.file_id import FileId

TRIES: Final = 3
"""Times that a file is read before it is given up: drives read a scratched disc better the second time."""
COPY_SIZE: Final = 1 << 20
LONGEST: Final = 64
"""Characters of a value in one component of a path; a UID fits."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]|\A[.-]|\.\Z")
_DEVICE: Final = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.IGNORECASE).fullmatch
_LEVELS: Final = (("patient", "PatientID"), ("study", "StudyInstanceUID"), ("series", "SeriesInstanceUID"))

Progress = Callable[[str, int, int], None]
"""Called with "extract", the number of files done, and the number of files in all."""


class Keys(Protocol):
    """A directory record, as a holder of keys."""

    def get(self, keyword: str, default: Any = None) -> Any:
        """The value of one key."""
        ...


class Instance(Keys, Protocol):
    """What is needed of the record of an instance; a `Record` of the Reader has it."""

    @property
    def file_id(self) -> FileId | None:
        """Referenced File ID."""
        ...

    @property
    def sop_instance_uid(self) -> str:
        """Referenced SOP Instance UID in File."""
        ...

    @property
    def patient(self) -> Keys | None:
        """The PATIENT record above."""
        ...

    @property
    def study(self) -> Keys | None:
        """The STUDY record above."""
        ...

    @property
    def series(self) -> Keys | None:
        """The SERIES record above."""
        ...

    def open(self) -> BinaryIO:
        """M-READ."""
        ...


class Finder(Protocol):
    """What finds the records; the Reader does."""

    def find(self, level: str | None = None, **keys: object) -> Iterable[Instance]:
        """The instances that match all keys."""
        ...


@frozen
class Lost:
    """An instance that could not be copied: which one it is, and why. What is unknown is ""."""

    file_id: str
    reason: str
    patient_id: str
    patient_name: str
    study_instance_uid: str
    study_date: str
    series_instance_uid: str
    series_number: str
    modality: str
    instance_number: str
    sop_instance_uid: str


@define
class ExtractReport:
    """The outcome: how many files were copied, or were there already, and each one that is not there now.

    `missing` are not on the medium; `failed` cannot be read, or are not named as a file can be. `size` counts the
    bytes that were copied.
    """

    folder: str
    copied: int = 0
    already_there: int = 0
    size: int = 0
    missing: list[Lost] = field(factory=list)
    failed: list[Lost] = field(factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything that matched is in the folder."""
        return not (self.missing or self.failed)


def extract(
    reader: Finder, folder: str | os.PathLike[str], *, progress: Progress | None = None, **keys: Any
) -> ExtractReport:
    """Copy the files of all instances that match `keys`, as `Reader.find` matches, below `folder`.

    They are called PatientID/StudyInstanceUID/SeriesInstanceUID/SOPInstanceUID.dcm; a level that an instance does not
    have is left out. Raises `MediumError` if `folder` cannot be written, `RefusedError` if a symbolic link in it leads
    out of it, and `RuleError` for a key that is no attribute.
    """
    target = _Target(os.fspath(folder))
    report = ExtractReport(target.root)
    records = list(reader.find(**keys))
    for done, record in enumerate(records):
        _extract_one(record, target, report)
        if progress:
            progress("extract", done + 1, len(records))
    return report


def _extract_one(record: Instance, target: _Target, report: ExtractReport) -> None:
    path = target.path(record)
    for attempt in range(TRIES):
        try:
            size = target.put(path, record)
        except _UnreadableError as problem:
            if problem.lasting or attempt == TRIES - 1:
                into = report.missing if problem.missing else report.failed
                into.append(_lost(record, str(problem)))
                return
        else:
            report.copied += size is not None
            report.already_there += size is None
            report.size += size or 0
            return


def _lost(record: Instance, reason: str) -> Lost:
    patient, study, series = record.patient, record.study, record.series
    return Lost(
        file_id=record.file_id.path if record.file_id else "",
        reason=reason,
        patient_id=_value(patient, "PatientID"),
        patient_name=_value(patient, "PatientName"),
        study_instance_uid=_value(study, "StudyInstanceUID"),
        study_date=_value(study, "StudyDate"),
        series_instance_uid=_value(series, "SeriesInstanceUID"),
        series_number=_value(series, "SeriesNumber"),
        modality=_value(series, "Modality"),
        instance_number=_value(record, "InstanceNumber"),
        sop_instance_uid=record.sop_instance_uid,
    )


def _value(record: Keys | None, keyword: str) -> str:
    value = record.get(keyword) if record else None
    return "" if value is None else str(value)


# ---------------------------------------------------------------- reading


class _UnreadableError(Exception):
    """Why a file did not come; `missing` if it is not there, `lasting` if trying again cannot help."""

    def __init__(self, reason: str, *, missing: bool = False, lasting: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing
        self.lasting = lasting or missing


def _chunks(record: Instance) -> Iterator[bytes]:
    """The bytes of the file of a record. Raises `_UnreadableError`."""
    try:
        with record.open() as file:
            while data := file.read(COPY_SIZE):
                yield data
    except MediumError as problem:
        # The medium says that a name is not there by itself, and else what the operating system said.
        cause = problem.__cause__
        raise _UnreadableError(str(problem), missing=cause is None or isinstance(cause, FileNotFoundError)) from problem
    except FilesetError as problem:
        raise _UnreadableError(str(problem), lasting=True) from problem
    except OSError as problem:
        raise _UnreadableError(f"{record.file_id}: {problem.strerror or problem}") from problem


# ---------------------------------------------------------------- naming


def safe_name(value: str) -> str:
    """`value` as one component of a path on any system; a hash of it stands behind what had to be changed."""
    name = _UNSAFE.sub("_", value) or "_"
    changed = name != value or len(name) > LONGEST or _DEVICE(name)
    return hashed_name(value) if changed and value else name


def hashed_name(value: str) -> str:
    """`safe_name`, told apart from those of all other values."""
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{_UNSAFE.sub('_', value)[: LONGEST - 9]}-{digest}"


# ---------------------------------------------------------------- writing


class _Target:
    """The folder that files are copied into, and nothing outside of it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._made: set[str] = set()
        self._owners: dict[str, str] = {}
        with _writing(root):
            os.makedirs(root, exist_ok=True)
        self._real = os.path.realpath(root)

    def path(self, record: Instance) -> str:
        """Where the file of a record shall lie; the folders of it are made."""
        folder = self.root
        for level, keyword in _LEVELS:
            above: Keys | None = getattr(record, level)
            if above is not None:
                folder = self._folder(folder, _value(above, keyword))
        named = record.sop_instance_uid or (record.file_id.path if record.file_id else "")
        return os.path.join(folder, safe_name(named) + ".dcm")

    def _folder(self, parent: str, value: str) -> str:
        path = os.path.join(parent, safe_name(value))
        # Two values may differ in case alone, which not every file system tells apart.
        if self._owners.setdefault(path.casefold(), value) != value:
            path = os.path.join(parent, hashed_name(value))
        if path not in self._made:
            self._make(path)
            self._made.add(path)
        return path

    def _make(self, path: str) -> None:
        with _writing(path), suppress(FileExistsError):
            os.mkdir(path)
        if os.path.commonpath((self._real, os.path.realpath(path))) != self._real:
            raise RefusedError(f"{path}: a symbolic link leads out of {self.root}; not followed")

    def put(self, path: str, record: Instance) -> int | None:
        """Copy the file of a record to `path`, or beside it if another file has the name; None if it is there already.

        The number of bytes copied. Raises `MediumError` if the folder cannot be written, `_UnreadableError` if the
        file cannot be read.
        """
        there = os.path.lexists(path)
        state = _compared(path, _chunks(record)) if there else _PART
        if state == _SAME:
            return None
        with _temporary(os.path.dirname(path)) as temporary:
            size, digest = _write(temporary, _chunks(record))
            if state == _OTHER:
                path = f"{path.removesuffix('.dcm')}-{digest}.dcm"
                if os.path.lexists(path) and _compared(path, _chunks(record)) == _SAME:
                    return None
            with _writing(path):
                os.replace(temporary, path)
        return size


_SAME: Final = "same"
_PART: Final = "part"
_OTHER: Final = "other"


def _compared(path: str, chunks: Iterator[bytes]) -> str:
    """How the file at `path` compares with what shall lie there: the same, its beginning only, or another."""
    try:
        with open(path, "rb") as file:
            for chunk in chunks:
                there = file.read(len(chunk))
                if there != chunk:
                    # What a loss of power left of a former run: nothing is lost when it is replaced.
                    return _PART if chunk.startswith(there) and not file.read(1) else _OTHER
            return _OTHER if file.read(1) else _SAME
    except OSError:
        return _OTHER  # not ours to read, so not ours to replace


def _write(path: str, chunks: Iterator[bytes]) -> tuple[int, str]:
    """Write a new file; its size in bytes, and the beginning of its hash."""
    digest, size = blake2b(digest_size=8), 0
    with _writing(path), open(path, "xb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


@contextmanager
def _temporary(folder: str) -> Iterator[str]:
    """A name that nobody has; what lies under it afterwards is removed."""
    path = os.path.join(folder, f".{secrets.token_hex(8)}.part")
    try:
        yield path
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise MediumError(f"{path}: {problem.strerror or problem}. What was copied stays; run it again") from problem
