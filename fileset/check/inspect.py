"""One file of the medium, looked at from its first byte to its last: what every worker does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from fileset.check.compare import differences, record_side
from fileset.check.manifest import digest_fault
from fileset.dicom.elements import Syntax
from fileset.dicom.header import Header, HeaderError, Reading, Wanted, read_header
from fileset.dicom.header_cache import FIRST_READ
from fileset.media.system.walk import COPY_SIZE, PlainFile
from fileset.part10.faults import Fault
from fileset.part10.whole_file import FileChecker
from fileset.plan.scan import describe
from fileset.profiles.facts import Facts, read_facts
from fileset.records.describe import Describer, Instance, Policy
from fileset.records.levels import Chain

POLICY: Final = Policy(missing="invent", unknown_sop_class="image", invalid_uid="accept")
"""The fresh record is a measure, not a gate: as much as possible gets one."""


class Settings(NamedTuple):
    """What holds for all records of a DICOMDIR: its encoding, and the character set that it gives to them.

    `facts`: whether the facts that application profiles ask for are read.
    """

    explicit: bool
    little: bool
    inherited: str
    facts: bool = False


class Task(NamedTuple):
    """One file to look at.

    `record_type` and `tail`, the elements behind its File ID, are those of the record that references it; "" and b""
    for a file that none does. `sha256` is what the file should hash to, "" if nobody says.
    """

    path: str
    record_type: str = ""
    tail: bytes = b""
    sha256: str = ""


class Seen(NamedTuple):
    """What came of a task. `rule` and `reason` tell why there is no instance in the file; "" if there is.

    `prefix`: whether the file says that it is DICOM.
    """

    faults: tuple[Fault, ...] = ()
    rule: str = ""
    reason: str = ""
    prefix: bool = False
    uid: bytes = b""
    chain: Chain | None = None
    facts: Facts | None = None


class Inspector:
    """Looks at files one after the other."""

    def __init__(self, settings: Settings) -> None:
        self._syntax = Syntax(settings.explicit, settings.little)
        self._inherited = settings.inherited
        self._describer = Describer(POLICY)
        self._files = FileChecker()
        self._facts = settings.facts

    def at_path(self, task: Task) -> Seen:
        """A file of the operating system; a symbolic link is not followed."""
        try:
            with PlainFile(task.path) as file:
                return self.inspect(file, file.size, task)
        except OSError as problem:
            rule = "FS-FILE-LINK" if PlainFile.is_link(problem) else "FS-FILE-UNREADABLE"
            return Seen((), rule, problem.strerror or str(problem))

    def inspect(self, read: Reading, size: int, task: Task) -> Seen:
        """What is to be said of the file of `size` bytes that `read` reads."""
        faults = _hash_faults(read, task.sha256) if task.sha256 else []
        first = read(0, FIRST_READ)
        prefix = first[128:132] == b"DICM"
        if not prefix and not task.record_type:
            return Seen(tuple(faults), "FS-FILE-NOT-DICOM")

        def cached(at: int, length: int) -> bytes:
            known = not at and (length <= len(first) or len(first) < FIRST_READ)
            return first[:length] if known else read(at, length)

        if prefix:
            faults += self._files.faults(cached, size, first)
        try:
            instance = describe(cached, self._describer)
            faults += self._record_faults(cached, instance, task)
            facts = read_facts(cached, size) if self._facts else None
        except HeaderError as problem:
            return Seen(tuple(faults), problem.rule, problem.reason, prefix)
        uid = b"" if task.tail else instance.sop_instance_uid
        return Seen(tuple(faults), "", "", prefix, uid, instance.chain, facts)

    def _record_faults(self, read: Reading, instance: Instance, task: Task) -> list[Fault]:
        faults = [Fault(rule, message) for rule, message in instance.notes if rule != "FS-KEY-INVENTED"]
        if not task.tail or (task.tail == instance.tail and task.record_type == instance.record_type):
            return faults
        record = record_side(task.tail, self._syntax, self._inherited)
        if record is None:
            return faults

        def header_of(wanted: Wanted) -> Header:
            return read_header(read, wanted)

        return faults + list(differences(instance, task.record_type, record, header_of))


def inspect_chunk(tasks: Sequence[Task], settings: Settings) -> list[Seen]:
    """Look at files one after the other; what every worker does."""
    inspector = Inspector(settings)
    return [inspector.at_path(task) for task in tasks]


def _hash_faults(read: Reading, sha256: str) -> list[Fault]:
    digest, at = hashlib.sha256(), 0
    while data := read(at, COPY_SIZE):
        digest.update(data)
        at += len(data)
    wrong = digest_fault(digest.hexdigest(), sha256)
    return [Fault("FS-HASH-DIFFERS", wrong)] if wrong else []
