"""How every file of a medium is looked at: by its path in any number of processes, or through the medium here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

from attrs import frozen

from fileset.check.dicomdir.references import References
from fileset.check.inspect import Inspector, Seen, Settings, Task, inspect_chunk
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FilesetError
from fileset.file_id import FileId
from fileset.media.base import LinkError, ReadableMedium
from fileset.media.system.walk import random_access
from fileset.plan.scan import Progress, chunk_size, in_chunks, processors


@frozen
class Looking:
    """What is looked for: of each name the record that references it (`record_of`), and the digest it should have.

    `facts`: whether the facts that application profiles ask for are read.
    """

    medium: ReadableMedium
    contents: Contents
    references: References
    record_of: Mapping[str, int]
    digests: Mapping[str, str]
    facts: bool = False

    def at_all(
        self, names: Sequence[str], *, jobs: int | None, executor: Executor | None, progress: Progress | None
    ) -> Iterator[tuple[str, Seen]]:
        """What is seen in each file, in the order of `names`."""
        if self.medium.folder:
            seen = self._by_paths(self.medium.folder, names, jobs=jobs, executor=executor, progress=progress)
        else:
            seen = self._through_medium(names, progress)
        return zip(names, seen, strict=True)

    def _by_paths(
        self, root: str, names: Sequence[str], *, jobs: int | None, executor: Executor | None, progress: Progress | None
    ) -> Iterator[Seen]:
        jobs = jobs or (processors() if self.digests else None)  # to read whole files, processes always pay
        size = chunk_size(len(names), jobs)
        chunks = (names[at : at + size] for at in range(0, len(names), size))
        tasks = ([self._task(os.path.join(root, name), name) for name in chunk] for chunk in chunks)
        work = partial(inspect_chunk, settings=self._settings)
        every = in_chunks(work, tasks, len(names), jobs=jobs, executor=executor, progress=progress)
        for name, seen in zip(names, every, strict=True):
            # A link that stays inside is as good as the file that it leads to; the medium knows.
            yield self._at(name, Inspector(self._settings)) if seen.rule == "FS-FILE-LINK" else seen

    def _through_medium(self, names: Sequence[str], progress: Progress | None) -> Iterator[Seen]:
        """One after the other: images have no paths inside."""
        inspector = Inspector(self._settings)
        for done, name in enumerate(names, start=1):
            yield self._at(name, inspector)
            if progress:
                progress(done, len(names))

    def _at(self, name: str, inspector: Inspector) -> Seen:
        try:
            with self.medium.open(FileId.tolerant(name)) as file:
                read, size = random_access(file)
                return inspector.inspect(read, size, self._task(name, name))
        except LinkError as problem:
            return Seen((), "FS-FILE-LINK", problem.text(known_path=name))
        except FilesetError as problem:
            return Seen((), "FS-FILE-UNREADABLE", problem.text(known_path=name))
        except OSError as problem:
            return Seen((), "FS-FILE-UNREADABLE", problem.strerror or str(problem))

    def _task(self, path: str, name: str) -> Task:
        index = self.record_of.get(name, NONE)
        sha256 = self.digests.get(name, "")
        if index == NONE:
            return Task(path, "", b"", sha256)
        flat = self.contents.flat
        tail = flat.data[self.references.tail_at[index] : flat.content(index)[1]]
        return Task(path, self.contents.type_name(index), tail, sha256)

    @property
    def _settings(self) -> Settings:
        syntax = self.contents.flat.syntax
        return Settings(syntax.explicit, syntax.little, self.contents.character_set, self.facts)
