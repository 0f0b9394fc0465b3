"""Find the files of a medium without a readable DICOMDIR by their contents, and describe them by their headers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from typing import Any, BinaryIO, Final

from attrs import define, evolve, field, frozen

from fileset.dicom.elements import EXPLICIT_LITTLE, Element, elements
from fileset.dicom.header import HeaderError
from fileset.dicomdir.read.directory import Conditions, conditions
from fileset.dicomdir.read.query import attribute
from fileset.dicomdir.read.values import character_set_of, value_of
from fileset.errors import FilesetError, FormatError, MediumError
from fileset.extraction.other_file_sets import compared
from fileset.file_id import FileId
from fileset.findings import Finding, Where
from fileset.media.base import FileInfo, Format, LinkError, MediumFormat, ReadableMedium
from fileset.media.inner_archive import inner_archive
from fileset.media.names import ARCHIVES
from fileset.media.open import image_at, scannable
from fileset.media.system.walk import inquire, leads_out, open_regular, random_access
from fileset.plan.dicomdir_file import not_among
from fileset.plan.instances import BelowLevels, Beside
from fileset.plan.presence import holds_file_set, is_dicomdir
from fileset.plan.scan import NO_INSTANCE, describe
from fileset.plan.secured import no_readable_file, unopened
from fileset.records.describe import Describer, Instance, Policy
from fileset.records.levels import FIELDS, Chain
from fileset.records.tree import SHOW, TreeBuilder
from fileset.report import Skipped
from fileset.standard import tags

Values = dict[int, Any]
"""Tag -> decoded value."""


@frozen
class Level:
    """The values of files for their patient, study or series."""

    values: Values

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of one key, `default` if there is no such key."""
        return self.values.get(attribute(keyword), default)


@define(slots=False)
class ScannedInstance(BelowLevels[Level]):
    """An instance described by its own file; `described` is None if the file cannot be decoded.

    `path` is set for a file whose name no File ID can express; `file_id` is then the nearest File ID.
    """

    medium: ReadableMedium
    file_id: FileId
    described: Instance | None
    path: str = ""

    @cached_property
    def values(self) -> Values:
        """The keys of its record."""
        return {} if self.described is None else _own_values(self.described)

    @property
    def record_type(self) -> str:
        """Directory Record Type that its record would have, "" if unknown."""
        return "" if self.described is None else self.described.record_type

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID, "" if the file lacks it."""
        return "" if self.described is None else self.described.sop_instance_uid.decode("ascii", "replace")

    def _level(self, record_type: str) -> Level | None:
        chain = self.described.chain if self.described else None
        return None if chain is None else Level(_level_values(chain, record_type))

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of one key of its record, `default` if there is no such key."""
        return self.values.get(attribute(keyword), default)

    def matches(self, wanted: Conditions) -> bool:
        """Check whether the values of the instance and of its series, study and patient match all conditions."""
        values = self.all_values() if wanted else {}
        return all(met(values.get(tag)) for tag, met in wanted)

    def all_values(self) -> Values:
        """Collect the keys and the File ID of its record, and the keys of all above it."""
        file_id = self.file_id.value.encode("utf-8", "surrogateescape").decode("latin-1")  # as a record has it
        own = self.values | {tags.REFERENCED_FILE_ID: file_id}
        chain = self.described.chain if self.described else None
        if chain is None:
            return own
        return {tag: value for name in FIELDS for tag, value in _level_values(chain, name).items()} | own

    def open(self) -> BinaryIO:
        """Open the file for reading (M-READ)."""
        return open_regular(self.path) if self.path else self.medium.open(self.file_id)

    def inquire(self) -> FileInfo:
        """Look up size and date of the file (M-INQUIRE FILE)."""
        return inquire(self.path) if self.path else self.medium.inquire_file(self.file_id)


def _own_values(instance: Instance) -> Values:
    data = instance.tail
    parts = list(elements(data, 0, len(data), EXPLICIT_LITTLE))
    character_set = character_set_of(data, parts, "")
    values = {part.tag: value_of(data, part, EXPLICIT_LITTLE, character_set) for part in parts}
    if instance.invented_number:
        del values[tags.INSTANCE_NUMBER]
    return values


def _level_values(chain: Chain, name: str) -> Values:
    character_set = chain.character_set.decode("ascii", "replace")
    values = {}
    for row in FIELDS[name]:
        raw: bytes = getattr(chain, row.name)
        part = Element(row.tag, row.vr.encode("ascii"), 0, 0, len(raw), len(raw))
        values[row.tag] = value_of(raw, part, EXPLICIT_LITTLE, character_set)
    return values


@define
class Scanned(AbstractContextManager["Scanned"]):
    """The instances on `medium`, found by looking into every file: like a Reader, but slower.

    `findings` names the files that cannot be read, or look like DICOM and cannot be described; `find` yields them too.
    `beside` has the files that are not DICOM. With `names`, only these files are examined. The files are compared with the
    records of the `dicomdirs`, by default of all DICOMDIRs below the root.
    """

    medium: ReadableMedium
    findings: list[Finding] = field(factory=list)
    beside: Beside = field(factory=Beside)
    file_set_id: str = ""
    file_set_uid: str = ""
    names: Iterable[str] | None = None
    dicomdirs: Sequence[str] | None = None
    _inner: list[ReadableMedium] = field(factory=list)
    _instances: list[ScannedInstance] | None = None

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the medium, and the archives in it."""
        for image in (*self._inner, self.medium):
            image.close()

    def find(self, level: str | None = None, **keys: object) -> Iterator[ScannedInstance]:
        """Find the instances that match all `keys`, in the order of their names; nothing for another `level`."""
        wanted = conditions(keys)
        return (one for one in self.instances if level is None and one.matches(wanted))

    def absent(self, keywords: Iterable[str]) -> dict[str, int]:
        """Find the keywords whose key no record would have, each with its tag."""
        return not_among((tag for one in self.instances for tag in one.all_values()), keywords)

    @property
    def instances(self) -> list[ScannedInstance]:
        """All instances. The first use examines the files."""
        if self._instances is None:
            describer = Describer(Policy())
            archived: list[ScannedInstance] = []
            names = list(self.medium.names() if self.names is None else self.names)
            found = (self._look_into(name, describer) for name in names if not self._archive(name, archived))
            self._instances = [one for one in found if one is not None]
            dicomdirs = self.dicomdirs
            if dicomdirs is None:
                dicomdirs = [name for name in names if "/" in name and holds_file_set(name)]
            described = [(one.file_id.path, one.described) for one in self._instances if one.described is not None]
            for name in dicomdirs:
                self.findings += compared(self.medium, name.rpartition("/")[0], described)
            self._instances += archived
            self.findings += _contradictions(self._instances)
            if self.names is None:
                self.findings += [Finding("FS-MEDIUM-DAMAGED", note) for note in self.medium.damage()]
        return self._instances

    def _archive(self, name: str, archived: list[ScannedInstance]) -> bool:
        """Add the instances in an archive or image in a folder; return whether it is one."""
        if not (self.medium.folder and name.lower().endswith(ARCHIVES)):
            return False
        path = ""
        try:
            path = self.medium.path(FileId.tolerant(name))
            image = image_at(path)
        except FilesetError as problem:
            reason = problem.text(known_path=path, command=True)
            self.findings.append(Finding("FS-FILE-UNREADABLE", reason, Where(name)))
            return True
        if image is None:
            return False
        inner = Scanned(image, dicomdirs=list(filter(holds_file_set, image.names())))
        archived += inner.instances
        self.findings += [evolve(one, where=Where(f"{name}/{one.where.file}".rstrip("/"))) for one in inner.findings]
        self.beside.skipped += [evolve(one, source=f"{name}/{one.source}") for one in inner.beside.skipped]
        self._inner.append(image)
        return True

    def _look_into(self, name: str, describer: Describer) -> ScannedInstance | None:
        try:
            found = self._at(name)
        except LinkError as problem:
            self.findings.append(Finding("FS-FILE-LINK", problem.text(known_path=name), Where(name)))
            return None
        except FormatError as problem:
            self.findings.append(Finding("FS-FILE-ID-HOSTILE", problem.text(known_path=name), Where(name)))
            return None
        try:
            with found.open() as file:
                found.described = describe(random_access(file)[0], describer)[0]
                return found
        except HeaderError as problem:
            if problem.rule == "FS-FILE-NOT-DICOM" and (lost := self._lost_in(found)):
                self.findings.append(Finding("FS-FILE-UNREADABLE", lost, Where(name)))
                return None
            if problem.rule in NO_INSTANCE:
                if not is_dicomdir(name):
                    self.beside.skipped.append(Skipped(name, problem.rule, problem.reason))
                return None
            self.findings.append(Finding(problem.rule, problem.reason, Where(name)))
            # A copy of an encrypted file without its key, or of a damaged DICOMDIR, would be useless.
            return None if problem.rule == "FS-SECURE-KEY" or is_dicomdir(name) else found
        except LinkError as problem:
            self.findings.append(Finding("FS-FILE-LINK", problem.text(known_path=name), Where(name)))
            return None
        except (FilesetError, OSError) as problem:
            if (closed := unopened(problem, name)) is not None:
                self.findings.append(closed)
                return None
            reason = problem.moved(path="").text(command=True) if isinstance(problem, FilesetError) else str(problem)
            reason = reason.removeprefix(f"{name}: ")  # an image names its file in the reason too
            self.findings.append(Finding("FS-FILE-UNREADABLE", reason, Where(name)))
            return None if is_dicomdir(name) else found  # the copy tries again, and reports the loss

    def _lost_in(self, found: ScannedInstance) -> str:
        """Return the reason why the DICOM files inside an unreadable archive are lost; "" for other files."""
        with suppress(FilesetError, OSError), found.open() as file:
            return inner_archive(*random_access(file))
        return ""

    def _at(self, name: str) -> ScannedInstance:
        """Return the instance of a file, not described yet.

        Raises `FormatError` for a hostile name, unless the medium is a folder of the operating system.
        """
        folder = self.medium.folder
        if not folder or _is_plain(name):
            return ScannedInstance(self.medium, FileId.tolerant(name), None)
        path = os.path.join(folder, name)
        if leads_out(path, folder):
            raise LinkError("a symbolic link leads out of the folder; not followed", path=name)
        return ScannedInstance(self.medium, FileId.tolerant(_UNUSUAL.sub("_", name)), None, path)


_UNUSUAL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f:\\\ud800-\udfff]|(?<![^/])[. ]+(?=/|$)|[. ]+(?=/|$)")


def _is_plain(name: str) -> bool:
    """Test whether a File ID can express the name of a file."""
    try:
        return FileId.tolerant(name).path == name
    except FormatError:
        return False


def _contradictions(found: Sequence[ScannedInstance]) -> Iterator[Finding]:
    """Report studies of two patients, series of two studies, and Patient IDs of two persons or with two names."""
    tree = TreeBuilder(lambda at: found[at].path or found[at].file_id.path, lambda *_: True, patient_conflict=SHOW)
    for at, one in enumerate(found):
        if one.described is not None:
            with suppress(HeaderError):  # copies of one instance: each is copied
                tree.add(one.described, at)
    return (one for one in tree.findings if one.contradicts)


def scanned(path: str | os.PathLike[str], medium_format: Format | MediumFormat | None = None) -> Scanned:
    """Open the medium at `path` by its files. Raises `MediumError` if it does not exist, `FormatError` if it is no medium."""
    return Scanned(scannable(path, medium_format))


def scanned_instead(
    path: str | os.PathLike[str], medium_format: Format | MediumFormat | None, problem: FormatError | MediumError
) -> Scanned:
    """Open the medium at `path` by its files, because of the `problem` with its DICOMDIR.

    Raises the problem if there are no instances, or if there are several DICOMDIRs and the user must choose one. If files
    are lost, such as those of an archive in an archive, the error names them.
    """
    found = scanned(path, medium_format)
    there = sorted(filter(is_dicomdir, found.medium.names()), key=lambda name: name.count("/"))
    several = len(there) > 1 and "/" in there[0]
    if several or not found.instances:
        found.close()
        plain = found.instances or several or found.medium.damage() or not found.findings
        raise problem if plain else no_readable_file(found.medium, found.findings)
    rule = "FS-DICOMDIR-UNREADABLE" if there else "FS-DICOMDIR-ABSENT"
    found.findings.append(Finding(rule, str(problem.moved(advice="The files were found by their contents"))))
    return found
