"""Send the instances of a medium to a PACS: C-STORE (PS3.4 B) or STOW-RS (PS3.18 10.5), on request with another patient."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final

from attrs import define, field, frozen

from fileset.dicomdir.read.directory import Conditions, conditions
from fileset.errors import Advice, FilesetError, RuleError, refuse_path, require_from
from fileset.transfer.association import VERIFICATION, Pair, PeerSettings, batches
from fileset.transfer.commitment import committed
from fileset.transfer.compare import disagreement, is_same_file, require_agreement, require_asked_for
from fileset.transfer.cstore import CStore, Job
from fileset.transfer.delivery import Delivery
from fileset.transfer.journal import Journal
from fileset.transfer.payload import Payload, PayloadSource, UnsendableError, payload
from fileset.transfer.peer import DEFAULT_TITLE, Peer, PeerError, Tls, title_of
from fileset.transfer.report import ALREADY, ARRIVED, FAILED, UNSENDABLE, SendReport, Sent, of_payload
from fileset.transfer.stow import Stow, address_of
from fileset.transfer.transcoding import TARGETS

__all__ = ["Peer", "PeerError", "Probe", "SendReport", "Sent", "Tls", "probe", "send"]

Progress = Callable[[str, int, int, int], None]
"""Called with "send", the numbers of finished and of all instances, and the bytes that arrived so far."""
Change = Callable[[Payload], Payload]
"""A function that returns the file to send instead of a file, for reconciliation."""

_ONE_ADDRESS: Final = Advice("Give either `to` or `stow`", "Give either --to or --stow an address")


def send(
    instances: Iterable[PayloadSource],
    *,
    to: str = "",
    stow: str = "",
    title: str = DEFAULT_TITLE,
    tls: Tls | None = None,
    headers: Mapping[str, str] | None = None,
    jobs: int = 2,
    retries: int = 3,
    pause: float = 1.0,
    timeout: float = 30.0,
    journal: str | os.PathLike[str] | None = None,
    change: Change | None = None,
    commit_port: int | None = None,
    transcode: bool = False,
    keys: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> SendReport:
    """Send instances to a PACS, and report each one.

    Files are streamed from the medium as they are; memory does not grow with their size.

    Args:
        instances: The instances to send, as `Reader.find` yields them.
        to: "AET@HOST:PORT" of a storage provider; or
        stow: URL of a DICOMweb service.
        title: Our own AE Title.
        tls: Certificates; without them, the connection of `to` is not encrypted.
        headers: Headers of STOW-RS requests, such as Authorization.
        jobs: Number of associations or requests at the same time.
        retries: Number of retries for an instance, if a retry may help.
        pause: Seconds before the first retry, doubled before each further one.
        timeout: Longest wait in seconds for a connection, and for each answer.
        journal: File that records the instances that arrived, so that a second run sends only the rest.
        change: Returns the file to send instead of a file; see `Reconciliation.change`.
        commit_port: Ask for Storage Commitment of the instances that arrived; the peer sends its answer to our AE Title at this port,
            over TLS if `tls` is given, which then needs a certificate.
        transcode: If the peer does not accept the transfer syntax of a file, send it in Explicit VR Little Endian, or in
            Implicit VR if the peer accepts only that. Needs the extra `images` for compressed files.
        keys: The values that `Reader.find` matched with the records. A file of another patient, study, series or instance
            that does not match them is left out and reported.
        progress: Called after each instance.

    Raises:
        RuleError: `to` or `stow` is not valid, both or none are given, `jobs` or `retries` is too small, the extra `network`
            is not installed, or Storage Commitment over TLS lacks our own certificate.
        PeerError: The peer cannot be reached, or accepted nothing.
        MediumError: The journal cannot be written.
    """
    if bool(to) == bool(stow):
        raise RuleError("instances are sent either by C-STORE or by STOW-RS", advice=_ONE_ADDRESS)
    require_from(1, "jobs", jobs)
    require_from(0, "retries", retries)
    line = PeerSettings(Peer.of(to), title_of(title), tls, timeout) if to else None
    peer = str(line.peer) if line else address_of(stow)
    if commit_port is not None and tls and not tls.certificate:
        raise RuleError(
            "Storage Commitment over TLS needs a certificate and its key (--cert, --key): the peer calls back"
        )
    refuse_path(instances, "the instances that `Reader.find` yields")
    found = list(instances)
    report = SendReport(peer)
    started = monotonic()
    with Journal(journal, peer) as known:
        gate = _Gate(known, change, report, conditions(keys or {}))
        delivery = Delivery(gate.prepare, jobs, retries, pause, transcode)
        if line:
            entries = CStore(line, delivery).send([Job(source, _pair(source)) for source in found])
        else:
            entries = Stow(stow, headers or {}, tls, timeout, delivery).send(found)
        _collect(entries, found, report, known, partial(progress, "send") if progress else None)
    report.seconds = monotonic() - started
    there = [(one.sop_class_uid, one.sop_instance_uid) for one in report.instances if one.there]
    if line and commit_port is not None and there:
        answer = committed(line, there, commit_port)
        report.committed, report.not_committed = answer.committed, answer.failed
    return report


@frozen
class Probe:
    """The result of `probe`.

    For each pair of SOP class and transfer syntax, `takes` has whether the peer accepts it, and `numbers` how many instances
    have it. `unsendable`: instances that cannot be sent at all. `disagreements`: sentences about files that would be sent
    although their records differ.
    """

    peer: str
    takes: dict[Pair, bool]
    numbers: dict[Pair, int]
    unsendable: list[Sent]
    disagreements: list[str] = field(factory=list)

    @property
    def complete(self) -> bool:
        """Whether every instance could be sent and agrees with its record."""
        return all(self.takes.values()) and not (self.unsendable or self.disagreements)


def probe(
    instances: Iterable[PayloadSource],
    *,
    to: str,
    title: str = DEFAULT_TITLE,
    tls: Tls | None = None,
    timeout: float = 30.0,
    change: Change | None = None,
    transcode: bool = False,
    keys: Mapping[str, object] | None = None,
) -> Probe:
    """Plan a `send` without sending: C-ECHO, and the contexts that the peer accepts.

    With `transcode`, a pair counts as accepted if the peer accepts the SOP class in Explicit or Implicit VR Little Endian.
    Raises as `send`.
    """
    line = PeerSettings(Peer.of(to), title_of(title), tls, timeout)
    found = Probe(str(line.peer), {}, {}, [])
    with Journal(None, found.peer) as journal:
        gate = _Gate(journal, change, SendReport(found.peer, disagreements=found.disagreements), conditions(keys or {}))
        for source in instances:
            item = gate.prepare(source)
            if isinstance(item, Sent):
                found.unsendable.append(item)
            else:
                found.numbers[item.pair] = found.numbers.get(item.pair, 0) + 1
    instead = {pair: {(pair[0], target) for target in TARGETS} if transcode else set() for pair in found.numbers}
    taken: set[Pair] = set()
    for batch in [*batches((*found.numbers, *sorted(set().union(*instead.values()))))] or [()]:
        association = line.associate(batch)
        try:
            association.echo()
            taken |= association.contexts.keys()
        finally:
            association.release()
    found.takes.update({pair: bool(taken & {pair, *instead[pair]}) for pair in found.numbers})
    return found


def _collect(
    entries: Iterator[Sent],
    found: list[PayloadSource],
    report: SendReport,
    journal: Journal,
    progress: Callable[[int, int, int], None] | None,
) -> None:
    """Fill the report, also with the instances that were not tried, for example because the connection was lost."""
    reason, size = "it was not tried", 0
    try:
        for sent in entries:
            report.instances.append(sent)
            if sent.state == ARRIVED:
                journal.add(sent.sop_instance_uid, sent.size, sent.changed)
                size += sent.size
            if progress:
                progress(len(report.instances), len(found), size)
    except PeerError as problem:
        if not any(one.there for one in report.instances):
            raise
        reason = str(problem)
    done = {one.file_id for one in report.instances}
    names = (source.file_id.path if source.file_id else "" for source in found)
    report.instances += [Sent(name, "", FAILED, reason) for name in names if name not in done]


@define
class _Gate:
    """The steps between a medium and the network: journal and reconciliation. A lock admits one thread at a time."""

    journal: Journal
    change: Change | None
    report: SendReport
    conditions: Conditions = ()
    _first: dict[str, PayloadSource] = field(factory=dict)
    _lock: Lock = field(factory=Lock)

    def prepare(self, source: PayloadSource) -> Payload | Sent:
        """Read the payload of a file, or make an entry of the report if it has none."""
        with self._lock:
            name = source.file_id.path if source.file_id else ""
            try:
                item = payload(source)
                require_asked_for(source, item.identity, self.conditions)
                self._note_double(source, item)
                item = self._changed(source, item)
            except UnsendableError as problem:
                return Sent(name, "", UNSENDABLE, str(problem))
            except FilesetError as problem:
                return Sent(name, "", FAILED, problem.text(known_path=name))
            except OSError as problem:
                return Sent(name, "", FAILED, str(problem))
            if self.journal.has(item.sop_instance_uid, item.length, item.values):
                return of_payload(name, item, ALREADY)
            return item

    def _note_double(self, source: PayloadSource, item: Payload) -> None:
        """Report two different files with one SOP Instance UID, because the peer keeps only one of them."""
        first = self._first.setdefault(item.sop_instance_uid, source)
        if first is not source and first.file_id != source.file_id and not is_same_file(first, source):
            self.report.disagreements.append(
                f"{source.file_id}: has the SOP Instance UID of {first.file_id} and other contents: the peer keeps one of them"
            )

    def _changed(self, source: PayloadSource, item: Payload) -> Payload:
        """Apply new values to the payload. Only a file that agrees with its record may be changed."""
        if self.change:
            require_agreement(source, item.identity)
            return self.change(item)
        difference = disagreement(source, item.identity)
        if difference:
            self.report.disagreements.append(f"{source.file_id}: {difference}; the file is sent unchanged")
        return item


def _pair(source: PayloadSource) -> Pair:
    """Find SOP class and transfer syntax: from the record, else from the file, else ""."""
    said = getattr(source, "sop_class_uid", ""), getattr(source, "transfer_syntax_uid", "")
    if all(said):
        return said
    try:
        return payload(source).pair
    except (FilesetError, OSError):
        return VERIFICATION  # every association proposes it, and the attempt to send the file will report the reason
