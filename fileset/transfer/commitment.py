"""Ask a peer to confirm that it keeps the received instances: Storage Commitment Push Model (PS3.4 J)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ssl import Purpose
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from fileset.errors import MediumError
from fileset.transfer.association import VERIFICATION, PeerSettings, require_pynetdicom

if TYPE_CHECKING:
    from pydicom import Dataset

_MODEL: Final = "1.2.840.10008.1.20.1"
_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
_REQUEST: Final = 1
_OTHER_PORT: Final = "Give another port, one that no program listens on"
_PATIENCE: Final = 60
"""Most seconds to wait for the answer."""
_REASONS: Final = {
    0x0110: "processing failure",
    0x0112: "the peer does not have it",
    0x0213: "out of resources",
    0x0122: "SOP class not supported",
    0x0119: "the peer has it with another SOP class",
    0x0131: "this request was made before",
}

Reference = tuple[str, str]
"""SOP Class UID and SOP Instance UID."""


@define
class Commitment:
    """The confirmation of a peer: the `committed` SOP Instance UIDs, and the failed ones with the reason.

    `answered` is set when the answer to `transaction` has arrived.
    """

    transaction: str
    committed: set[str] = field(factory=set)
    failed: dict[str, str] = field(factory=dict)
    answered: Event = field(factory=Event)

    def receive(self, event: Any) -> tuple[int, None]:
        """Take the answer from an event of pynetdicom; return the status of the response."""
        report = event.event_information
        if report.get("TransactionUID") == self.transaction:
            self.committed |= {str(one.ReferencedSOPInstanceUID) for one in report.get("ReferencedSOPSequence", ())}
            for one in report.get("FailedSOPSequence", ()):
                reason = int(one.get("FailureReason", 0))
                text = _REASONS.get(reason, f"failure reason {reason:04X}H")
                self.failed[str(one.ReferencedSOPInstanceUID)] = text
            self.answered.set()
        return 0, None


def committed(line: PeerSettings, references: Sequence[Reference], port: int) -> Commitment:
    """Ask for all instances in one request, and wait for the answer.

    The peer answers over the same association, or opens one to our AE Title at `port` of this machine, which must be
    registered at the peer. Instances that the answer does not mention are in `failed`. Raises `PeerError` if the request
    fails, `MediumError` if `port` is not free, `RuleError` without the extra `network`.
    """
    pynetdicom = require_pynetdicom()
    from pydicom.uid import generate_uid

    result = Commitment(generate_uid())
    handlers = [(pynetdicom.evt.EVT_N_EVENT_REPORT, result.receive)]
    with _listening(line, port, handlers):
        problem = _asked(line, _request(result.transaction, references), handlers, result.answered)
    if not problem:
        problem = f"no answer within {_PATIENCE} s; the peer must know our AE Title {line.title} at port {port}"
    for _, uid in references:
        if uid not in result.committed:
            result.failed.setdefault(uid, problem)
    return result


def _request(transaction: str, references: Sequence[Reference]) -> Dataset:
    from pydicom import Dataset

    request = Dataset()
    request.TransactionUID = transaction
    request.ReferencedSOPSequence = []
    for sop_class, uid in references:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = sop_class, uid
        request.ReferencedSOPSequence.append(one)
    return request


@contextmanager
def _listening(line: PeerSettings, port: int, handlers: Any) -> Iterator[None]:
    """Accept associations from the peer while the context is open; with TLS only secure ones."""
    entity = require_pynetdicom().AE(ae_title=line.title)
    entity.require_calling_aet = [line.peer.title]
    entity.add_supported_context(VERIFICATION[0])
    entity.add_supported_context(_MODEL, scu_role=True, scp_role=True)
    secured = line.tls.context(Purpose.CLIENT_AUTH) if line.tls else None
    try:
        server = entity.start_server(("", port), block=False, evt_handlers=handlers, ssl_context=secured)
    except OSError as problem:
        raise MediumError(
            f"port {port} cannot be used for the answer: {problem.strerror or problem}", advice=_OTHER_PORT
        ) from problem
    try:
        yield
    finally:
        server.shutdown()


def _asked(line: PeerSettings, request: Dataset, handlers: Any, answered: Event) -> str:
    """Send the request and wait. Return the reason why no answer will come, "" if one may come."""
    association = line.service(require_pynetdicom().AE(), _MODEL, handlers)
    if not association.is_established:
        return "the peer does not offer Storage Commitment, or refuses the association"
    try:
        status, _ = association.send_n_action(request, _REQUEST, _MODEL, _INSTANCE)
        if status.get("Status", -1) != 0:
            return f"the peer refuses Storage Commitment, status {status.get('Status', 0):04X}H"
        answered.wait(_PATIENCE)
        return ""
    finally:
        if association.is_established:
            association.release()
