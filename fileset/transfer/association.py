"""Associations to a peer, and C-STORE over them without delays and without holding a file in memory.

pynetdicom does the protocol. Two things are added: TCP is told not to wait (most of the time of a C-STORE on a fast
network is Nagle's algorithm and delayed acknowledgement), and a data set goes out in the chunks in which it is read,
never more of them than `QUEUED` ahead of the network.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from queue import Empty
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fileset.errors import RuleError
from fileset.transfer.payload import Payload
from fileset.transfer.peer import Peer, PeerError, Tls

if TYPE_CHECKING:
    from pynetdicom.association import Association

Pair = tuple[str, str]
"""SOP Class UID and Transfer Syntax UID."""

MOST_CONTEXTS: Final = 127
"""Presentation contexts for one association (PS3.8 9.3.2.2: odd numbers from 1 to 255), one of which is for C-ECHO."""
QUEUED: Final = 16
"""Fragments that wait for the network."""
_LARGEST_FRAGMENT: Final = 1 << 17
_FRAGMENT_OVERHEAD: Final = 6
_PAUSE: Final = 0.0002
_POLL: Final = 0.2
_TIMEOUT: Final = 30.0
_VERIFICATION: Final = "1.2.840.10008.1.1"
_IMPLICIT_LITTLE: Final = "1.2.840.10008.1.2"
_REJECTED: Final = {
    1: "no reason given",
    2: "application context not supported",
    3: "the peer does not know our AE Title: set it with --as, and register it there",
    7: "the peer does not answer to this AE Title",
}


class LostError(PeerError):
    """The association ended, or no answer came in time."""


@frozen
class Line:
    """How associations to a peer are made.

    Attributes:
        peer: Whom to call.
        title: Our own AE Title.
        tls: How the connection is secured, None for plain TCP.
        timeout: Seconds that a connection, and each answer, may take.
    """

    peer: Peer
    title: str
    tls: Tls | None = None
    timeout: float = 30.0

    def associate(self, pairs: Sequence[Pair], handlers: Sequence[Any] = (), roles: Sequence[Any] = ()) -> Association:
        """Return an association that proposes one context for each pair.

        Raises `PeerError` if the peer cannot be reached or refuses, `RuleError` without the extra `network`.
        """
        pynetdicom = require_pynetdicom()
        entity = pynetdicom.AE(ae_title=self.title)
        entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = self.timeout
        entity.network_timeout = None  # a slow disc may pause between two instances
        # With C-ECHO among them the peer accepts one at least, and the files that it does not take can be named.
        proposed = dict.fromkeys((*pairs, (_VERIFICATION, _IMPLICIT_LITTLE)))
        contexts = [pynetdicom.build_context(sop_class, syntax) for sop_class, syntax in proposed]
        context = self.tls.context() if self.tls else None
        association: Association = entity.associate(
            self.peer.host,
            self.peer.port,
            contexts,
            self.peer.title,
            ext_neg=list(roles) or None,
            tls_args=(context, self.peer.host) if context else None,
            evt_handlers=[*_without_delay(pynetdicom.evt), *handlers],
        )
        if not association.is_established:
            raise PeerError(f"{self.peer}: {_why_not(association)}")
        return association

    def verify(self) -> None:
        """Ask the peer whether it is there: C-ECHO (PS3.7 9.1.5). Raises as `associate`."""
        association = self.associate([])
        try:
            if not association.send_c_echo():
                raise PeerError(f"{self.peer}: no answer to C-ECHO within {self.timeout:g} s")
        finally:
            end(association)


def require_pynetdicom() -> Any:
    """Return pynetdicom. Raises `RuleError` without the extra `network`."""
    try:
        import pynetdicom
    except ImportError:
        raise RuleError('sending needs pynetdicom: pip install "dicom-fileset[network]"') from None
    return pynetdicom


def end(association: Association) -> None:
    """Release the association; abort it if that is no longer possible."""
    if association.is_established:
        association.release()
    if not (association.is_released or association.is_aborted):
        association.abort()


def _without_delay(evt: Any) -> list[tuple[Any, Any]]:
    def opened(event: Any) -> None:
        with suppress(OSError, AttributeError):
            event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def sent(event: Any) -> None:
        with suppress(OSError, AttributeError):  # the system forgets it, so it is said again for each answer
            event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, quick, 1)

    quick = getattr(socket, "TCP_QUICKACK", None)
    return [(evt.EVT_CONN_OPEN, opened), *([(evt.EVT_PDU_SENT, sent)] if quick is not None else [])]


def _why_not(association: Association) -> str:
    if association.is_rejected:
        answer = association.acceptor.primitive
        reason = _REJECTED.get(getattr(answer, "diagnostic", 0) or 0, "no reason given")
        return f"the peer refuses the association: {reason}"
    if association.is_aborted and association.acceptor.primitive is not None:
        return "the peer aborted the association, or accepts none of the contexts"
    return "no connection. Check host and port, and whether the peer is running"


def batches(pairs: Iterable[Pair]) -> Iterator[tuple[Pair, ...]]:
    """Yield the distinct pairs in groups that one association can propose."""
    distinct = list(dict.fromkeys(pairs))
    for at in range(0, len(distinct), MOST_CONTEXTS):
        yield tuple(distinct[at : at + MOST_CONTEXTS])


def accepted(association: Association) -> dict[Pair, int]:
    """Return the accepted pairs, each with the number of its presentation context."""
    return {
        (str(context.abstract_syntax), str(context.transfer_syntax[0])): int(context.context_id or 0)
        for context in association.accepted_contexts
    }


def store(association: Association, context_id: int, item: Payload) -> tuple[int, str]:
    """Send one instance by C-STORE (PS3.7 9.1.1); return the status of the response, and its comment.

    Raises `LostError` if the association ends or no answer comes, `MediumError` if the file cannot be read to its end;
    the association is of no more use then.
    """
    from pynetdicom.dimse_messages import C_STORE_RQ
    from pynetdicom.dimse_primitives import C_STORE

    request = C_STORE()
    request.MessageID = 1
    request.Priority = 2
    request.AffectedSOPClassUID = item.sop_class_uid
    request.AffectedSOPInstanceUID = item.sop_instance_uid
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    message.command_set.CommandDataSetType = 1
    message.data_set = None  # it follows in chunks
    with _reactor_paused(association):
        limit = association.dimse.maximum_pdu_size
        for primitive in message.encode_msg(context_id, limit):
            _put(association, primitive)
        size = min(limit or _LARGEST_FRAGMENT, _LARGEST_FRAGMENT) - _FRAGMENT_OVERHEAD
        for primitive in _fragments(item, context_id, size):
            _put(association, primitive)
        response = _response(association)
    status = getattr(response, "Status", None)
    if status is None:
        raise LostError("the association ended, or no answer came in time")
    return int(status), str(getattr(response, "ErrorComment", None) or "")


def _response(association: Association) -> Any:
    """The next message of the peer; None if none comes in time, or the association ends."""
    latest = monotonic() + (association.dimse_timeout or _TIMEOUT)
    while monotonic() < latest:
        with suppress(Empty):
            return association.dimse.msg_queue.get(timeout=_POLL)[1]
        if not association.is_established:
            break
    return None


class _reactor_paused:  # noqa: N801  # used like a function
    """Keeps pynetdicom's own thread from taking the response, as its `send_c_store` does."""

    def __init__(self, association: Association) -> None:
        self._association = association

    def __enter__(self) -> None:
        self._association._reactor_checkpoint.clear()  # noqa: SLF001  # there is no public way
        while not self._association._is_paused:  # noqa: SLF001  # as above
            if not self._association.is_alive():
                raise LostError("the association ended")
            sleep(_PAUSE)

    def __exit__(self, *_: object) -> None:
        self._association._reactor_checkpoint.set()  # noqa: SLF001  # as above


def _put(association: Association, primitive: Any) -> None:
    """Queue a fragment as soon as there is room: the network decides how fast a file is read."""
    queue, latest = association.dul.to_provider_queue, monotonic() + (association.dimse_timeout or _TIMEOUT)
    while queue.qsize() >= QUEUED:
        if not (association.is_established and association.dul.is_alive()) or monotonic() > latest:
            raise LostError("the association ended while an instance was sent")
        sleep(_PAUSE)
    association.dul.send_pdu(primitive)


def _fragments(item: Payload, context_id: int, size: int) -> Iterator[Any]:
    """The data set as P-DATA primitives (PS3.8 9.3.5): each fragment says whether it is the last one."""
    from pynetdicom.pdu_primitives import P_DATA

    left, buffer = item.length, bytearray()
    for chunk in item.data_set():
        buffer += chunk
        while len(buffer) >= size or (buffer and len(buffer) == left):
            fragment = bytes(buffer[:size])
            del buffer[: len(fragment)]
            left -= len(fragment)
            primitive = P_DATA()
            mark = b"\0" if left else b"\2"
            primitive.presentation_data_value_list.append((context_id, mark + fragment))
            yield primitive
