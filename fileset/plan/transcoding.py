"""Transcode many sources of a file-set, by several processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from attrs import define, field

from fileset.errors import FilesetError
from fileset.findings import Finding, Where
from fileset.media.system.walk import OpenFile
from fileset.plan.header_values import Opened
from fileset.plan.inputs import Sources
from fileset.plan.scan import Outcome, Refused
from fileset.plan.transcode import Transcoded, transcode
from fileset.plan.workers import Workers
from fileset.profiles.find import Profile, find_profile

CHUNK_FILES: Final = 8
PARALLEL_FROM: Final = 16
"""From this number of files on, further processes save time."""


@define
class Transcoding:
    """The transcoding of files before a file-set is written.

    Attributes:
        profile: The profile with the allowed transfer syntaxes.
        workers: The processes that transcode.
        findings: A finding for each changed file, and for each file that is taken although it could not be changed.
        failed: The reason for each source that cannot be transcoded.
    """

    profile: Profile
    workers: Workers
    findings: list[Finding] = field(factory=list)
    failed: dict[int, str] = field(factory=dict)

    def replace(self, sources: Sources, indexes: Iterable[int]) -> None:
        """Replace files in `sources` whose transfer syntax, or File Meta Information, the profile does not allow.

        A file that cannot be transcoded stays unchanged, so that the profile refuses it.
        """
        indexes = list(indexes)
        files = [index for index in indexes if sources.is_file(index)]
        tasks = [(sources.path(index), sources.spooled(index)) for index in files]
        size = max(1, min(CHUNK_FILES, len(tasks) // 4))
        work = partial(transcode_files, profile_id=self.profile.id)
        workers = self.workers.enough_for(len(tasks), PARALLEL_FROM)
        results = dict(zip(files, workers.share(work, tasks, size), strict=True))
        for index in indexes:
            result = results[index] if index in results else self._here(sources, index)
            if result.changes:
                sources.use_spooled(index)
                self.findings.append(Finding("FS-TRANSCODED", result.changes, Where(sources.name(index))))
            elif result.failure:
                self.failed[index] = result.failure

    def _here(self, sources: Sources, index: int) -> Transcoded:
        try:
            return _transcoded(partial(sources.opened, index), sources.spooled(index), self.profile)
        except FilesetError as problem:  # a decrypted file may not wait in a temporary file
            return Transcoded(failure=str(problem))

    def explained(self, sources: Sources, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes of a scan; refusals for the transfer syntax say why the file could not be transcoded."""
        for source, outcome in enumerate(outcomes):
            failure = self.failed.get(source, "")
            if failure and isinstance(outcome, Refused):
                is_syntax = outcome.rule == "PR-TRANSFER-SYNTAX"
                yield Refused(outcome.rule, f"{outcome.reason}; {failure}") if is_syntax else outcome
                continue
            if failure:
                self.findings.append(Finding("FS-TRANSCODE-FAILED", failure, Where(sources.name(source))))
            yield outcome


def transcode_files(tasks: Sequence[tuple[str, str]], profile_id: str) -> list[Transcoded]:
    """Transcode each file that needs it into another file. Every worker process runs this."""
    return [_transcoded(partial(OpenFile, path), target, find_profile(profile_id)) for path, target in tasks]


def _transcoded(opened: Opened, target: str, profile: Profile) -> Transcoded:
    try:
        with opened() as read:
            return transcode(read, target, profile)
    except (OSError, FilesetError) as problem:
        return Transcoded(failure=getattr(problem, "strerror", None) or str(problem))
