"""Send many instances by C-STORE: with the right contexts, over several associations, and with retries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from fileset.errors import MediumError
from fileset.transfer.association import AbortedError, Association, LostError, Pair, batches
from fileset.transfer.crew import Crew
from fileset.transfer.delivery import Delivery
from fileset.transfer.payload import Payload, PayloadSource
from fileset.transfer.peer import PeerError
from fileset.transfer.report import ARRIVED, FAILED, UNSENDABLE, Sent, of_payload
from fileset.transfer.transcoding import next_target, transcoded_payload

if TYPE_CHECKING:
    from fileset.transfer.association import PeerSettings

_TRIES_AFTER_ABORT: Final = 2
"""Number of attempts for an instance that makes the peer abort: it will probably do so again."""
_DUPLICATE: Final = 0x0111
_HAD_IT: Final = "the peer has an instance of this UID already and keeps it (status 0111H)"
_OLD_VALUES: Final = f"{_HAD_IT}: the new values are not in it. Correct the patient there, or delete it there first"
_MEANINGS: Final = {
    0x0110: "processing failure",
    0x0117: "invalid SOP Instance UID",
    0x0122: "SOP Class not supported",
    0x0124: "not authorised",
    0x0210: "duplicate invocation",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
}
_NEXT: Final = {
    0x0117: "`fileset check` shows the faults of the file",
    0x0122: "ask for a peer that stores this class",
    0x0124: "ask its administrator for the right to store",
}
"""Status -> the next step; for any other status, the log of the peer has the reason."""


@frozen
class Job:
    """One instance to send.

    Attributes:
        source: The source of its bytes.
        pair: Its context: first from its record, later from the file.
        item: Its payload, once it is known.
        transcodes: Whether it must be transcoded, because the peer does not accept it as it is.
    """

    source: PayloadSource
    pair: Pair
    item: Payload | None = None
    transcodes: bool = False

    @property
    def name(self) -> str:
        """Path of the file on its medium."""
        return self.source.file_id.path if self.source.file_id else ""


@frozen
class CStore:
    """The sender of instances to one peer; `line` has the settings of associations."""

    line: PeerSettings
    delivery: Delivery

    def send(self, jobs: Sequence[Job]) -> Iterator[Sent]:
        """Send each instance, and yield its entry when it is finished. Raises `PeerError` if no association can be made."""
        groups: dict[Pair, list[Job]] = {}
        for job in jobs:
            groups.setdefault(job.pair, []).append(job)
        later: list[Job] = []
        for batch in batches(groups):
            of_batch = [job for pair in batch for job in groups[pair]]
            yield from Crew(partial(_AssociationWorker, self, batch, later), of_batch, self.delivery.jobs).results()
        if later:  # their files have another SOP class or transfer syntax than their records, or need transcoding
            yield from self.send(later)


class _AssociationWorker:
    """A worker with one association at a time; it opens a new one after a loss."""

    def __init__(self, settings: CStore, pairs: Sequence[Pair], later: list[Job], stop: Event) -> None:
        self._settings = settings
        self._pairs = pairs
        self._later = later
        self._stop = stop
        self._association: Association | None = None

    def close(self) -> None:
        """Release the association; abort it if the work must stop."""
        if self._association is not None:
            if self._stop.is_set():
                self._association.abort()
            self._association.release()

    def send(self, task: Job) -> Iterator[Sent]:
        """Send one instance. If it needs a context that this association does not propose, do so later.

        Raises `PeerError` if no association can be made.
        """
        item = task.item or self._settings.delivery.prepare(task.source)
        if isinstance(item, Sent):
            yield item
            return
        pair = task.pair if task.transcodes else item.pair
        if pair not in self._pairs:
            self._later.append(evolve(task, pair=pair, item=item))
        elif target := self._target(item, pair):
            self._later.append(evolve(task, pair=(item.sop_class_uid, target), item=item, transcodes=True))
        else:
            yield self._sent(task, item)

    def _target(self, item: Payload, pair: Pair) -> str:
        """Choose the transfer syntax to propose next, "" if the peer accepts this pair or there is nothing else to try."""
        if not self._settings.delivery.transcode or pair in self._ready().contexts:
            return ""
        return next_target(item, pair[1])

    def _sent(self, task: Job, item: Payload) -> Sent:
        outcome = of_payload(task.name, item, FAILED)
        if task.transcodes and task.pair in self._ready().contexts:
            transcoded = transcoded_payload(item, outcome, "peer", task.pair[1])
            if isinstance(transcoded, Sent):
                return transcoded
            item, outcome = transcoded
        return self._tries(item, outcome)

    def _tries(self, item: Payload, outcome: Sent) -> Sent:
        for attempt in self._settings.delivery.attempts(self._stop):
            association = self._ready()
            if item.pair not in association.contexts:
                return evolve(outcome, state=UNSENDABLE, reason=self._refusal(item))
            outcome, tries = self._try(association, item, outcome, again=attempt > 0)
            if attempt + 1 >= tries:
                break
        return outcome

    def _refusal(self, item: Payload) -> str:
        refusal = f"the peer does not take {named(*item.pair)}"
        if self._settings.delivery.transcode:
            return f"{refusal}, nor uncompressed"
        return f"{refusal}; it may take the file with --transcode"

    def _ready(self) -> Association:
        if self._association is None or not self._association.is_open:
            self._association = self._associate()
        return self._association

    def _associate(self) -> Association:
        attempt = 0
        while True:
            try:
                return self._settings.line.associate(self._pairs)
            except PeerError:
                if attempt == self._settings.delivery.retries or self._stop.wait(
                    self._settings.delivery.pause * 2**attempt
                ):
                    raise
                attempt += 1

    def _try(self, association: Association, item: Payload, outcome: Sent, *, again: bool) -> tuple[Sent, int]:
        """Send an instance; return the outcome, and the largest number of attempts for it; `again`: it is a retry."""
        try:
            status, comment = association.store(item)
        except AbortedError as problem:
            return evolve(outcome, reason=str(problem)), _TRIES_AFTER_ABORT
        except LostError as problem:
            return evolve(outcome, reason=str(problem)), self._settings.delivery.retries + 1
        except (MediumError, OSError) as problem:  # a part of the instance is already sent, so nothing else can follow
            return evolve(outcome, reason=str(problem)), 1
        outcome, helps = judged(outcome, status, comment, again=again)
        return outcome, self._settings.delivery.retries + 1 if helps else 1


def judged(outcome: Sent, status: int, comment: str, *, again: bool = False) -> tuple[Sent, bool]:
    """Map a C-STORE status to an outcome (PS3.4 B.2.3), and decide whether a retry may help.

    A peer that already has the instance keeps its own copy. In a retry (`again`), that copy is ours: the instance arrived and
    only the answer was lost. Otherwise it may be another version without the new values of the patient.
    """
    if status == 0:
        return evolve(outcome, state=ARRIVED, reason="", status=status), False
    if status == _DUPLICATE and outcome.changed and not again:
        return evolve(outcome, state=FAILED, reason=_OLD_VALUES, status=status), False
    if status == _DUPLICATE:
        return evolve(outcome, state=ARRIVED, reason=_HAD_IT, status=status), False
    text = f"status {status:04X}H, {_meaning(status)}" + (f": {comment}" if comment else "")
    next_step = _NEXT.get(status) or ("send again later" if status >> 8 == 0xA7 else "see the log of the peer")
    if status >> 12 == 0xB or status in (0x0001, 0x0107, 0x0116):
        return evolve(outcome, state=ARRIVED, reason=f"warning: {text}", status=status), False
    return evolve(outcome, state=FAILED, reason=f"{text}; {next_step}", status=status), status >> 8 == 0xA7


def _meaning(status: int) -> str:
    families = {0xA7: "out of resources", 0xA9: "data set does not match SOP class", 0xB0: "elements were coerced"}
    by_family = families.get(status >> 8) or ("cannot understand" if status >> 12 == 0xC else "refused")
    return _MEANINGS.get(status, by_family)


def named(sop_class: str, syntax: str) -> str:
    """Look up the names of a SOP class and a transfer syntax for a message."""
    from pydicom.uid import UID

    return f"{UID(sop_class).name} in {UID(syntax).name}"
