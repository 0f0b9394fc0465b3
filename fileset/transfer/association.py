"""Associations to a peer (PS3.8), and C-STORE over them without delays and without whole files in memory.

pynetdicom encodes and decodes the negotiation. Its own C-STORE holds whole files in memory, and on a fast network spends
most of its time in Nagle's algorithm and delayed acknowledgement. Here one thread owns the socket, and the network decides
how fast a file is read.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from attrs import define, frozen

from fileset.errors import Advice, FormatError, RuleError
from fileset.part10.file_meta import IMPLEMENTATION_CLASS_UID
from fileset.transfer.messages import COMMAND_SET, P_DATA, echo_request, pdus, response, store_request, values_of
from fileset.transfer.payload import Payload
from fileset.transfer.peer import Peer, PeerError, Tls

Pair = tuple[str, str]
"""SOP Class UID and Transfer Syntax UID."""

MOST_CONTEXTS: Final = 127
"""Largest number of presentation contexts in one association (PS3.8 9.3.2.2: odd numbers from 1 to 255); one is for C-ECHO."""
VERIFICATION: Final = ("1.2.840.10008.1.1", "1.2.840.10008.1.2")
_APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
_OUR_LONGEST_PDU: Final = 16382
_LONGEST_ANSWER: Final = 1 << 20
"""Largest size in bytes of a PDU of a peer, and of the command set of its answer."""
_SHORTEST_LIMIT: Final = 64
"""Smallest PDU limit of a peer, in bytes, with which data can be sent (PS3.8 9.3.5.1)."""
_ACCEPT, _REJECT, _RELEASE_REQUEST, _RELEASE_RESPONSE, _ABORT = 2, 3, 5, 6, 7
_RELEASE_PDU: Final = bytes((_RELEASE_REQUEST, 0, 0, 0, 0, 4, 0, 0, 0, 0))
_ABORT_PDU: Final = bytes((_ABORT, 0, 0, 0, 0, 4, 0, 0, 0, 0))
_QUICK_ACK: Final = getattr(socket, "TCP_QUICKACK", None)
_OUR_TITLE: Final = Advice(
    "Give the `title` that is registered there", "Give the title that is registered there with --as"
)
_REJECTED: Final[dict[tuple[int, int], tuple[str, str | Advice]]] = {
    (1, 2): ("it does not know the DICOM application context", "Check that a storage provider listens at this port"),
    (1, 3): ("it does not know our AE Title", _OUR_TITLE),
    (1, 7): ("it does not answer to this AE Title", "Check the title before the @"),
    (3, 1): ("it is busy", "Send again later"),
    (3, 2): ("it has too many associations", "Use fewer associations at a time"),
}
"""Source and reason of a rejection (PS3.8 9.3.4): its meaning, and the next step."""
_LOG: Final = "See the log of the peer"
_AGAIN: Final = "Check the network, and send again; with a journal only the rest is sent"
_REACH: Final = "Check host and port, and whether the peer runs"
_CERTIFICATES: Final = Advice(
    "Check the certificates of `tls`, and whether the peer wants TLS at this port",
    "Check --ca, --cert and --key, and whether the peer wants TLS at this port",
)
_PORT: Final = "Check that a DICOM storage provider listens at this port, and whether it wants TLS"


class LostError(PeerError):
    """The association ended, or no answer came in time."""


class AbortedError(LostError):
    """The peer aborted the association, perhaps because of the instance that it just received."""


@define(eq=False)
class Association:
    """An association to a peer; `contexts` are the accepted pairs, each with the number of its presentation context.

    It is unusable after a `LostError`.
    """

    _socket: socket.socket
    contexts: dict[Pair, int]
    _longest_pdu: int
    _timeout: float
    is_open: bool = True
    _message: int = 0

    def echo(self) -> None:
        """Test the connection with C-ECHO (PS3.7 9.1.5). Raises `LostError` if no answer comes."""
        context = self.contexts.get(VERIFICATION)
        if context is not None:
            self._command(context, echo_request(self._next(), VERIFICATION[0]))
            self._status()

    def store(self, item: Payload) -> tuple[int, str]:
        """Send one instance by C-STORE (PS3.7 9.1.1); return the status of the response, and its comment.

        Raises `LostError` if the association ends or no answer comes, `MediumError` if the file cannot be read to its
        end; the association is then closed.
        """
        context = self.contexts[item.pair]
        request = store_request(self._next(), item.sop_class_uid, item.sop_instance_uid)
        try:
            self._command(context, request)
            self._write(pdus(context, item.data_set(), item.length, self._longest_pdu))
        except BaseException:
            self.abort()
            raise
        return self._status()

    def release(self) -> None:
        """End the association in order (PS3.8 7.2)."""
        if self.is_open:
            with suppress(LostError):
                self._write((_RELEASE_PDU,))
                latest = monotonic() + self._timeout
                while self._pdu(latest)[0] == P_DATA:
                    pass
        self._close()

    def abort(self) -> None:
        """Abort the association (PS3.8 7.3)."""
        if self.is_open:
            with suppress(OSError):
                self._socket.settimeout(0.2)
                self._socket.sendall(_ABORT_PDU)
        self._close()

    def _close(self) -> None:
        self.is_open = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _next(self) -> int:
        self._message = self._message % 0xFFFF + 1
        return self._message

    def _command(self, context: int, command_set: bytes) -> None:
        self._write(pdus(context, (command_set,), len(command_set), self._longest_pdu, COMMAND_SET))

    def _write(self, encoded: Iterable[bytes]) -> None:
        for pdu in encoded:
            try:
                self._socket.sendall(pdu)
            except OSError as problem:
                self._close()
                raise LostError(
                    f"the connection broke while an instance was sent: {_said(problem)}", advice=_AGAIN
                ) from problem

    def _status(self) -> tuple[int, str]:
        command_set = b""
        latest = monotonic() + self._timeout
        while True:
            kind, content = self._pdu(latest)
            if kind != P_DATA:
                self._close()
                if kind == _ABORT:
                    raise AbortedError("the peer aborted the association when it received this instance", advice=_LOG)
                raise LostError("the peer ended the association", advice=_LOG)
            for is_command, is_last, value in values_of(content):
                command_set += value if is_command else b""
                if len(command_set) > _LONGEST_ANSWER:
                    self.abort()
                    raise LostError("the peer's answer has no end", advice=_PORT)
                if is_command and is_last:
                    answered, status, comment = self._understood(command_set)
                    if answered == self._message:
                        return status, comment
                    command_set = b""

    def _understood(self, command_set: bytes) -> tuple[int, int, str]:
        try:
            return response(command_set)
        except FormatError as problem:
            self.abort()
            raise LostError(f"the peer's answer cannot be understood: {problem}", advice=_PORT) from problem

    def _pdu(self, latest: float) -> tuple[int, bytes]:
        """Read type and content of the next PDU of the peer, which must arrive before the given time."""
        try:
            return read_pdu(self._socket, latest)
        except OSError as problem:
            self._close()
            raise LostError(f"no answer: {_said(problem)}", advice="A longer time-out may help") from problem
        except EOFError as problem:
            self._close()
            raise LostError("the peer closed the connection", advice=_LOG) from problem


def read_pdu(connection: socket.socket, latest: float) -> tuple[int, bytes]:
    """Read the type and the content of the next PDU.

    Raises `OSError`, also if it is incomplete at `latest`, a time of `monotonic`; `EOFError` if the connection is closed.
    """
    if _QUICK_ACK is not None:
        with suppress(OSError):  # the system forgets it, so it is set again for each answer
            connection.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
    before = connection.gettimeout()
    try:
        head = _read(connection, 6, latest)
        size = int.from_bytes(head[2:], "big")
        if size > _LONGEST_ANSWER:
            raise OSError(f"a PDU of {size} bytes")
        return head[0], _read(connection, size, latest)
    finally:
        with suppress(OSError):
            connection.settimeout(before)


def _read(connection: socket.socket, size: int, latest: float) -> bytes:
    data = b""
    while len(data) < size:
        left = latest - monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _said(problem: OSError) -> str:
    return "the peer took too long" if isinstance(problem, TimeoutError) else problem.strerror or str(problem)


# ---------------------------------------------------------------- negotiation


@frozen
class PeerSettings:
    """The settings of associations to a peer.

    Attributes:
        peer: The application entity to call.
        title: Our own AE Title.
        tls: The certificates of a TLS connection, None for plain TCP.
        timeout: Longest wait in seconds for a connection, and for each answer.
    """

    peer: Peer
    title: str
    tls: Tls | None = None
    timeout: float = 30.0

    def associate(self, pairs: Sequence[Pair]) -> Association:
        """Open an association that proposes one context for each pair, and one for C-ECHO.

        Raises `PeerError` if the peer cannot be reached or refuses, `RuleError` without the extra `network`.
        """
        # The peer accepts at least C-ECHO, so the association exists and the report can name the files it does not accept.
        proposed = list(dict.fromkeys((*pairs, VERIFICATION)))
        request = _request(self, proposed)
        connection = self._connected()
        try:
            connection.sendall(request)
            kind, content = read_pdu(connection, monotonic() + self.timeout)
            return Association(connection, *self._accepted(proposed, kind, content), self.timeout)
        except EOFError as problem:
            connection.close()
            raise PeerError(f"{self.peer}: the peer closed the connection without an answer", advice=_PORT) from problem
        except OSError as problem:
            connection.close()
            raise PeerError(f"{self.peer}: no answer: {_said(problem)}", advice=_PORT) from problem
        except BaseException:
            connection.close()
            raise

    def service(self, entity: Any, sop_class: str, handlers: Sequence[tuple[Any, Any]] = ()) -> Any:
        """Ask for an association of pynetdicom's `entity` for a service other than storage; return it, even if refused."""
        entity.ae_title = self.title
        entity.add_requested_context(sop_class)
        secured = (self.tls.context(), self.peer.host) if self.tls else None
        where = self.peer.host, self.peer.port
        return entity.associate(*where, ae_title=self.peer.title, evt_handlers=list(handlers), tls_args=secured)

    def _connected(self) -> socket.socket:
        try:
            plain = socket.create_connection((self.peer.host, self.peer.port), self.timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is None:
                return plain
            return self.tls.context().wrap_socket(plain, server_hostname=self.peer.host)
        except ssl.SSLError as problem:
            raise PeerError(
                f"{self.peer}: no secure connection: {problem.reason or problem}", advice=_CERTIFICATES
            ) from problem
        except OSError as problem:
            raise PeerError(f"{self.peer}: no connection: {_said(problem)}", advice=_REACH) from problem

    def _accepted(self, proposed: Sequence[Pair], kind: int, content: bytes) -> tuple[dict[Pair, int], int]:
        if kind == _REJECT and len(content) >= 4:
            reason, advice = _REJECTED.get((content[2], content[3]), ("no reason given", _LOG))
            raise PeerError(f"{self.peer}: the peer refuses the association: {reason}", advice=advice)
        if kind != _ACCEPT:
            raise PeerError(f"{self.peer}: the peer aborted the association", advice=_LOG)
        answer = require_pynetdicom().pdu.A_ASSOCIATE_AC()
        try:
            answer.decode(bytes((kind, 0)) + len(content).to_bytes(4, "big") + content)
            primitive = answer.to_primitive()
            results = primitive.presentation_context_definition_results_list
            taken = {proposed[(one.context_id - 1) // 2]: one.context_id for one in results if one.result == 0}
            longest = int(primitive.maximum_length_received or 0)
        except Exception as problem:  # the peer may send any bytes
            raise PeerError(f"{self.peer}: its answer cannot be understood: {problem}", advice=_PORT) from problem
        if 0 < longest < _SHORTEST_LIMIT:
            raise PeerError(
                f"{self.peer}: it takes PDUs of at most {longest} bytes, too few for data",
                advice="Set its longest PDU to 16,384 bytes or more",
            )
        return taken, longest


def require_pynetdicom() -> Any:
    """Import pynetdicom. Raises `RuleError` without the extra `network`."""
    try:
        import pynetdicom.pdu
        import pynetdicom.pdu_primitives
    except ImportError:
        raise RuleError('sending needs pynetdicom: pip install "dicom-fileset[network]"') from None
    return pynetdicom


def _request(line: PeerSettings, proposed: Sequence[Pair]) -> bytes:
    """Encode an A-ASSOCIATE-RQ (PS3.8 9.3.2)."""
    pynetdicom = require_pynetdicom()
    parts = pynetdicom.pdu_primitives
    request = parts.A_ASSOCIATE()
    request.application_context_name = _APPLICATION_CONTEXT
    request.calling_ae_title = line.title
    request.called_ae_title = line.peer.title
    contexts = [pynetdicom.build_context(*pair) for pair in proposed]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    request.presentation_context_definition_list = contexts
    longest, implementation = parts.MaximumLengthNotification(), parts.ImplementationClassUIDNotification()
    longest.maximum_length_received = _OUR_LONGEST_PDU
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID.decode()
    request.user_information = [longest, implementation]
    return bytes(pynetdicom.pdu.A_ASSOCIATE_RQ(request).encode())


def batches(pairs: Iterable[Pair]) -> Iterator[tuple[Pair, ...]]:
    """Split the distinct pairs into groups that one association can propose."""
    distinct = list(dict.fromkeys(pairs))
    for at in range(0, len(distinct), MOST_CONTEXTS):
        yield tuple(distinct[at : at + MOST_CONTEXTS])
