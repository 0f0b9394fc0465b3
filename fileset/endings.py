"""Files that were copied and end too early: they are on the medium as they were given, and that is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from fileset.errors import FilesetError
from fileset.findings import Finding, Where
from fileset.sources import Sources

RULE = "FS-FILE-TRUNCATED"


def cut_off(sources: Sources) -> Iterator[Finding]:
    """What is to be said of the sources that were copied, after a closer look at those that are not plainly whole."""
    if not sources.doubtful:
        return
    from fileset.check.inspect import Inspector, Settings

    inspector = Inspector(Settings(explicit=True, little=True, inherited=""))
    for index in sorted(sources.doubtful):
        with suppress(OSError, FilesetError), sources.opened(index) as read:  # what is gone by now was copied in full
            for fault in inspector.container_faults(read, sources.inquire(index).size):
                if fault.rule == RULE:
                    yield Finding(RULE, f"{fault.message}; it is copied as it is", Where(sources.name(index)))
