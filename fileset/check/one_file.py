"""Inspect one file of the medium from its first byte to its last: the work of every worker process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from attrs import evolve

from fileset.check.record_differences import RecordSide, differences, record_side
from fileset.dicom.elements import EXPLICIT_LITTLE, Syntax, elements
from fileset.dicom.header import Header, HeaderError, Reading, Wanted, read_header
from fileset.dicom.header_cache import FIRST_READ
from fileset.dicom.preamble import misplaced_prefix
from fileset.media.system.hashing import COPY_SIZE
from fileset.media.system.walk import OpenFile, is_link_fault
from fileset.part10.faults import Fault
from fileset.part10.whole_file import FileChecker
from fileset.plan.manifest import digest_problem
from fileset.plan.scan import describe
from fileset.profiles.facts import Facts, read_facts
from fileset.profiles.find import find_profile
from fileset.records.describe import Describer, Instance, Policy
from fileset.records.key_choice import USUAL
from fileset.records.levels import Chain
from fileset.standard.profile_keys import PROFILE_KEYS

_OF_WRITING: Final = frozenset(("FS-KEY-INVENTED", "FS-KEY-LEFT-OUT"))
"""Notes that make sense only while a record is being written."""
MOST_TRIES: Final = 16
"""Records in a row that are not what we would write, after which no further one is expected to be."""
"""Accept as much as possible: the record made from the file is used only for comparison."""


class Settings(NamedTuple):
    """The properties that all records of a DICOMDIR share: the encoding, and the character set of the DICOMDIR as a whole.

    `profile`: the application profile to check against, "" for none.
    """

    explicit: bool
    little: bool
    character_set: str
    profile: str = ""


class Task(NamedTuple):
    """A file to inspect.

    `record_type` and `tail` (the elements after the File ID) come from the record that references the file; "" and b""
    for a file without a record. `sha256` is the expected digest, "" if unknown.
    """

    path: str
    record_type: str = ""
    tail: bytes = b""
    sha256: str = ""


class Inspection(NamedTuple):
    """The result of a task. `rule` and `reason` say why the file holds no instance; "" if it holds one.

    `prefix`: whether the file has the DICM prefix. `uid`: its SOP Instance UID; b"" if it agrees with the record.
    """

    faults: tuple[Fault, ...] = ()
    rule: str = ""
    reason: str = ""
    prefix: bool = False
    uid: bytes = b""
    chain: Chain | None = None
    facts: Facts | None = None


class Inspector:
    """Inspects files one after the other."""

    def __init__(self, settings: Settings) -> None:
        self._syntax = Syntax(settings.explicit, settings.little)
        self._character_set = settings.character_set
        self._keys = PROFILE_KEYS[find_profile(settings.profile).keys] if settings.profile else {}
        table = find_profile(settings.profile).keys if settings.profile else ""
        self._describer = Describer(Policy(keys=evolve(USUAL, table=table)))
        self._mandatory = Describer(Policy())
        self._credit = MOST_TRIES
        self._files = FileChecker()
        self._facts = bool(settings.profile)

    def inspect_path(self, task: Task) -> Inspection:
        """Inspect a file of the operating system without following a symbolic link."""
        try:
            with OpenFile(task.path, follow=False) as file:
                return self.inspect(file, file.size, task)
        except OSError as problem:
            rule = "FS-FILE-LINK" if is_link_fault(problem) else "FS-FILE-UNREADABLE"
            return Inspection((), rule, problem.strerror or str(problem))

    def inspect(self, read: Reading, size: int, task: Task) -> Inspection:
        """Inspect the file of `size` bytes that `read` reads."""
        faults = _digest_faults(read, task.sha256) if task.sha256 else []
        first = read(0, FIRST_READ)
        prefix = first[128:132] == b"DICM"
        if not prefix and not task.record_type and misplaced_prefix(first) is None:
            return Inspection(tuple(faults), "FS-FILE-NOT-DICOM")

        def cached(at: int, length: int) -> bytes:
            is_cached = not at and (length <= len(first) or len(first) < FIRST_READ)
            return first[:length] if is_cached else read(at, length)

        try:
            instance, header = describe(cached, self._describer)
            faults += self._files.faults(cached, size, first, header)
        except HeaderError as problem:
            # A DICOMDIR has elements of group 0004, which the rules for other files forbid.
            if prefix and problem.rule != "FS-FILE-IS-DICOMDIR":
                faults += self._files.faults(cached, size, first)
            return Inspection(tuple(faults), problem.rule, problem.reason, prefix)
        try:
            is_truncated = any(fault.rule == "FS-FILE-TRUNCATED" for fault in faults)
            faults += self._record_faults(cached, instance, task, is_truncated=is_truncated)
            facts = read_facts(cached, size) if self._facts else None
        except HeaderError as problem:
            return Inspection(tuple(faults), problem.rule, problem.reason, prefix)
        uid = b"" if task.tail and not faults else instance.sop_instance_uid
        return Inspection(tuple(faults), "", "", prefix, uid, instance.chain, facts)

    def _record_faults(self, read: Reading, instance: Instance, task: Task, *, is_truncated: bool) -> list[Fault]:
        faults = [Fault(rule, message) for rule, message in instance.notes if rule not in _OF_WRITING]
        if not task.tail or (task.tail == instance.tail and task.record_type == instance.record_type):
            return faults
        if self._is_mandatory(read, task):
            return faults
        record = record_side(task.tail, self._syntax, self._character_set)
        if record is None:
            return faults

        def header_of(wanted: Wanted) -> Header:
            return read_header(read, wanted)

        faults += differences(instance, task.record_type, record, header_of, is_truncated=is_truncated)
        return faults + list(self._missing_keys(instance, record))

    def _is_mandatory(self, read: Reading, task: Task) -> bool:
        """Return whether a record has the mandatory keys alone, all with the values of the file, as many writers make it.

        To parse both and compare them would take ten times as long. A profile may demand other keys.
        """
        if self._keys or self._credit <= 0:
            return False
        try:
            instance, _ = describe(read, self._mandatory)
        except HeaderError:
            return False
        same = task.tail == instance.tail and task.record_type == instance.record_type
        self._credit = MOST_TRIES if same else self._credit - 1
        return same

    def _missing_keys(self, instance: Instance, record: RecordSide) -> Iterator[Fault]:
        """Yield a fault for each key that the file has, the profile therefore demands, and the record lacks."""
        keys = [key for key in self._keys.get(instance.record_type, ()) if key.type == "1C"]
        if not keys:
            return
        expected = {part.tag for part in elements(instance.tail, 0, len(instance.tail), EXPLICIT_LITTLE)}
        for key in keys:
            if key.tag in expected and key.tag not in record.parts:
                message = f"{key.keyword} is in the file, and the profile makes it a key of the record"
                yield Fault("PR-KEY", message, None, key.tag)


def inspect_chunk(tasks: Sequence[Task], settings: Settings) -> list[Inspection]:
    """Inspect files one after the other: the function that worker processes call."""
    inspector = Inspector(settings)
    return [inspector.inspect_path(task) for task in tasks]


def _digest_faults(read: Reading, sha256: str) -> list[Fault]:
    digest, at = hashlib.sha256(), 0
    while data := read(at, COPY_SIZE):
        digest.update(data)
        at += len(data)
    problem = digest_problem(digest.hexdigest(), sha256)
    return [Fault("FS-HASH-DIFFERS", problem)] if problem else []
