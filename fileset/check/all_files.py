"""Inspect every file of a medium: by path in several processes, or through the medium in this one."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from attrs import evolve, frozen

from fileset.check.one_file import Inspection, Inspector, Settings, Task, inspect_chunk
from fileset.dicomdir.check.references import References
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FilesetError
from fileset.file_id import FileId
from fileset.media.base import LinkError, ReadableMedium, in_reading_order
from fileset.media.system.hashing import chunks_of
from fileset.media.system.walk import random_access
from fileset.plan.secured import unreadable
from fileset.plan.workers import Workers


@frozen
class MediumInspector:
    """Inspects the files of `medium`. `record_of`: name -> record that references it; `digests`: name -> SHA-256.

    `profile`: the application profile to check against, "" for none.
    """

    medium: ReadableMedium
    contents: Contents
    references: References
    record_of: Mapping[str, int]
    digests: Mapping[str, str]
    profile: str = ""

    def inspect_all(self, names: Sequence[str], workers: Workers) -> Iterator[tuple[str, Inspection]]:
        """Yield each name with its inspection, in the order of `names`."""
        if self.medium.folder:
            inspections = self._by_path(self.medium.folder, names, workers)
        else:
            inspections = self._through_medium(names, workers)
        return zip(names, inspections, strict=True)

    def inspect_for(self, name: str, index: int) -> Inspection:
        """Inspect a file for one of several records that reference it."""
        one = evolve(self, record_of={name: index}, digests={})
        return next(one.inspect_all([name], Workers(1)))[1]

    def _by_path(self, root: str, names: Sequence[str], workers: Workers) -> Iterator[Inspection]:
        if self.digests:
            workers = workers.enough_for(len(names), 0)  # reading whole files always pays for processes
        root = os.path.abspath(root)  # a worker may be in another folder
        size = workers.prepared([os.path.join(root, name) for name in names[:1]], len(names))
        chunks = (names[at : at + size] for at in range(0, len(names), size))
        tasks = ([self._task(os.path.join(root, name), name) for name in chunk] for chunk in chunks)
        work = partial(inspect_chunk, settings=self._settings)
        results = workers.in_chunks(work, tasks, len(names))
        for name, result in zip(names, results, strict=True):
            # A link that stays inside the file-set is as good as its target; only the medium can decide that.
            # A worker of a cluster may lack a folder; the file may be readable here.
            again = result.rule == "FS-FILE-LINK" or (
                workers.executor is not None and result.rule == "FS-FILE-UNREADABLE"
            )
            yield self._inspect(name, Inspector(self._settings)) if again else result

    def _through_medium(self, names: Sequence[str], workers: Workers) -> Iterator[Inspection]:
        """Inspect the files of an image or archive one after the other: they have no paths of their own."""
        inspector = Inspector(self._settings)
        inspections: dict[str, Inspection] = {}
        for done, name in enumerate(in_reading_order(self.medium, names), start=1):
            inspections[name] = self._inspect(name, inspector)
            workers.count(done, len(names))
        return map(inspections.__getitem__, names)

    def _inspect(self, name: str, inspector: Inspector) -> Inspection:
        try:
            with self.medium.open(FileId.tolerant(name)) as file:
                read, size = random_access(file)
                inspection = inspector.inspect(read, size, self._task(name, name))
            if inspection.prefix and self.medium.form == "zip":
                self._read_through(name)
        except LinkError as problem:
            return Inspection((), "FS-FILE-LINK", problem.text(known_path=name))
        except (FilesetError, OSError) as problem:
            return Inspection((), *unreadable(problem, name))
        return inspection

    def _read_through(self, name: str) -> None:
        """Read a member of an archive to its end, because only that compares its checksum. Raises `FormatError`."""
        with self.medium.open(FileId.tolerant(name)) as file:
            deque(chunks_of(file), maxlen=0)

    def _task(self, path: str, name: str) -> Task:
        index = self.record_of.get(name, NONE)
        sha256 = self.digests.get(name, "")
        if index == NONE:
            return Task(path, "", b"", sha256)
        return Task(path, self.contents.type_name(index), self.references.tail(self.contents.flat, index), sha256)

    @property
    def _settings(self) -> Settings:
        syntax = self.contents.flat.syntax
        return Settings(syntax.explicit, syntax.little, self.contents.character_set, self.profile)
