"""Send many instances by STOW-RS (PS3.18 10.5): several files a request, streamed from the medium.

An instance arrived if the answer names its UID: a server may answer 400 for a request of which it stored all but one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from secrets import token_hex
from threading import Event, Timer
from typing import Any, Final

from attrs import evolve, frozen

from fileset.errors import Advice, FilesetError, RuleError, without_password
from fileset.standard.syntaxes import EXPLICIT
from fileset.transfer.crew import Crew
from fileset.transfer.delivery import Delivery
from fileset.transfer.payload import Payload, PayloadSource
from fileset.transfer.peer import PeerError, Tls
from fileset.transfer.report import ARRIVED, FAILED, Sent, of_payload
from fileset.transfer.transcoding import transcoded_payload

_REFERENCED: Final = "00081199"
_FAILED: Final = "00081198"
_UID: Final = "00081155"
_REASON: Final = "00081197"
_WARNING: Final = "00081196"
_SYNTAX: Final = 0xC122
"""Failure reason: the server does not take the transfer syntax (PS3.18 10.5.3.2)."""
_CAUSES: Final = {
    _SYNTAX: ": it does not take this transfer syntax; it may take the file with --transcode",
    0xA700: ": it is out of resources; send again later",
    0x0110: ": it could not process the file; see its log",
    0x0122: ": it does not store this SOP Class",
    0x0124: ": it does not allow this sender to store; ask its administrator",
    0xA900: ": the data set does not fit its SOP Class; `fileset check` shows the faults of the file",
    0xC000: ": it cannot read the data set; `fileset check` shows the faults of the file",
}
"""Failure reasons in words (PS3.3 C.14.1.1, PS3.18 10.5.3.2), each with its advice."""
_MEDIA_TYPE: Final = 415
_HOPELESS: Final = {
    401: "the server asks for other credentials: give them with --header-file",
    403: "the server forbids it: ask its administrator for the right to store",
    404: "there is no STOW-RS service at this address: check the part after the host, such as /dicom-web",
    405: "there is no STOW-RS service at this address: check the part after the host, such as /dicom-web",
    _MEDIA_TYPE: "the server does not take DICOM files, or not their transfer syntax",
}
_TRANSCODE: Final = Advice("It may take them with `transcode=True`", "It may take them with --transcode")
_BUSY: Final = frozenset((408, 429, 500, 502, 503, 504))
_Waiting = tuple[Payload, Sent]
_MOST_FILES: Final = 20
"""Most files in a request."""
_MOST_BYTES: Final = 64 << 20
"""Most bytes in a request; a larger file is sent alone."""
_LONGEST_ANSWER: Final = 1 << 24
"""Most bytes of an answer, which usually has a few hundred for each instance."""


@frozen
class Stow:
    """Sends instances to one DICOMweb server.

    Attributes:
        url: URL of the service (http or https), without /studies.
        headers: Headers for each request, such as Authorization.
        tls: Certificates for https.
        timeout: Most seconds for the connection, for each part of the data, and for the whole answer.
        delivery: The options that do not depend on the service.
    """

    url: str
    headers: Mapping[str, str]
    tls: Tls | None
    timeout: float
    delivery: Delivery

    def send(self, sources: Sequence[PayloadSource]) -> Iterator[Sent]:
        """Send each instance, and yield its entry when it is finished. Raises `PeerError` if the server is unusable."""
        batches = [sources[at : at + _MOST_FILES] for at in range(0, len(sources), _MOST_FILES)]
        return Crew(partial(_StowWorker, self), batches, self.delivery.jobs).results()

    def client(self) -> Any:
        """Return a client for this server. Raises `RuleError` without the extra `network`."""
        try:
            import httpx
        except ImportError:
            raise RuleError('sending needs httpx: pip install "dicom-fileset[network]"') from None
        verify = (self.tls or Tls()).context() if self.url.startswith("https:") else False
        return httpx.Client(headers=dict(self.headers), timeout=self.timeout, verify=verify)

    @property
    def address(self) -> str:
        """The URL of the requests."""
        url = self.url.rstrip("/")
        return url if url.endswith("/studies") else f"{url}/studies"


def address_of(url: str) -> str:
    """Remove user and password from the address of a server. Raises `RuleError` unless it is an http or https URL."""
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
        raise RuleError(
            f"{without_password(url)!r} is not the address of a DICOMweb service, such as https://pacs.example.org/dicom-web"
        )
    return without_password(url)


class _NoConnectionError(PeerError):
    """The server cannot be reached at all."""


class _StowWorker:
    def __init__(self, settings: Stow, stop: Event) -> None:
        self._settings = settings
        self._stop = stop
        self._client = settings.client()
        self._not_taken: set[str] = set()
        """Transfer syntaxes that the server refused."""

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def send(self, task: Sequence[PayloadSource]) -> Iterator[Sent]:
        """Send some files, in requests that are not too large."""
        waiting: list[_Waiting] = []
        size = 0
        for source in task:
            item = self._settings.delivery.prepare(source)
            if isinstance(item, Sent):
                yield item
                continue
            name = source.file_id.path if source.file_id else ""
            one = item, of_payload(name, item, FAILED)
            if item.transfer_syntax_uid in self._not_taken:
                renewed = self._renewed(*one)
                if isinstance(renewed, Sent):
                    yield renewed
                    continue
                one = renewed
            if waiting and size + one[0].length > _MOST_BYTES:
                yield from self._tries(waiting)
                waiting, size = [], 0
            waiting.append(one)
            size += one[0].length
        if waiting:
            yield from self._tries(waiting)

    def _tries(self, waiting: list[_Waiting]) -> Iterator[Sent]:
        for attempt in self._settings.delivery.attempts(self._stop):
            again: list[_Waiting] = []
            try:
                yield from self._try(waiting, again)
            except _NoConnectionError:
                if attempt == self._settings.delivery.retries:
                    raise
            waiting = again
            if not waiting:
                return
        yield from (sent for _, sent in waiting)

    def _try(self, waiting: list[_Waiting], again: list[_Waiting]) -> Iterator[Sent]:
        """Send all waiting instances in one request; yield the finished ones, and add the ones to retry to `again`."""
        import httpx

        items = [item for item, _ in waiting]
        try:
            status, content = self._post(items)
        except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
            again += waiting
            reason = re.sub(r"^\[(?:Errno|WinError) -?\d+\] ", "", str(problem)) or "the server took too long"
            raise _NoConnectionError(
                f"{without_password(self._settings.address)}: no connection: {reason}",
                advice="Check the address, and whether the server runs",
            ) from problem
        except httpx.HTTPError as problem:
            reason = f"no answer from {without_password(self._settings.url)}: {str(problem) or type(problem).__name__}"
            again += [(item, evolve(sent, reason=reason)) for item, sent in waiting]
            return
        except (FilesetError, OSError) as problem:
            if len(items) == 1:
                yield evolve(waiting[0][1], reason=str(problem))
            else:
                yield from self._each(waiting, again)  # a file ended too early: the others are sent without it
            return
        if status == _MEDIA_TYPE and self._can_renew(items):
            # The server does not say which file it means.
            yield from self._each(waiting, again, renews=len(items) == 1)
        elif status == 413 and len(items) > 1:
            yield from self._each(waiting, again)
        elif status in _HOPELESS:
            advice = _TRANSCODE if status == _MEDIA_TYPE and not self._settings.delivery.transcode else ""
            raise PeerError(
                f"{without_password(self._settings.address)}: {_HOPELESS[status]} (HTTP {status})", advice=advice
            )
        else:
            document = _document(content)
            answer = _Answer(status, _uids(document, _REFERENCED, _WARNING), _uids(document, _FAILED, _REASON))
            refused = [one for one in waiting if answer.refused.get(one[1].sop_instance_uid) == _SYNTAX]
            if not self._can_renew([item for item, _ in refused]):
                refused = []
            yield from _finished([one for one in waiting if one not in refused], answer, again)
            yield from self._each(refused, again, renews=True)

    def _each(self, waiting: list[_Waiting], again: list[_Waiting], *, renews: bool = False) -> Iterator[Sent]:
        """Do as `_try` with a request for each instance, transcoded if `renews`."""
        for at, one in enumerate(waiting, 1):
            renewed = self._renewed(*one) if renews and self._can_renew([one[0]]) else one
            if isinstance(renewed, Sent):
                yield renewed
                continue
            try:
                yield from self._try([renewed], again)
            except _NoConnectionError:
                again += waiting[at:]
                raise

    def _can_renew(self, items: Sequence[Payload]) -> bool:
        """Check whether transcoding is wanted, and would change one of the files."""
        return self._settings.delivery.transcode and any(item.transfer_syntax_uid != EXPLICIT for item in items)

    def _renewed(self, item: Payload, sent: Sent) -> _Waiting | Sent:
        """Transcode an instance; return its entry of the report if that fails."""
        self._not_taken.add(item.transfer_syntax_uid)
        return transcoded_payload(item, sent, "server")

    def _post(self, items: Sequence[Payload]) -> tuple[int, bytes]:
        """Send one request; return the status and the content of the answer, whose size and time are limited."""
        import httpx

        if self._client.is_closed:
            self._client = self._settings.client()
        boundary = token_hex(16)
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Content-Length": str(_length(items, boundary)),
            "Accept": "application/dicom+json",
            "Accept-Encoding": "identity",
        }
        clock = Timer(self._settings.timeout, self._client.close)  # httpx limits each read, not all of them together
        clock.daemon = True

        def body() -> Iterator[bytes]:
            yield from _multipart(items, boundary)
            clock.start()

        content = b""
        try:
            with self._client.stream("POST", self._settings.address, content=body(), headers=headers) as response:
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > _LONGEST_ANSWER:
                        raise httpx.RemoteProtocolError("its answer has no end")
                return response.status_code, content
        finally:
            clock.cancel()


def _head(boundary: str) -> bytes:
    return f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode("ascii")


def _multipart(items: Sequence[Payload], boundary: str) -> Iterator[bytes]:
    for item in items:
        yield _head(boundary)
        yield from item.whole()
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode("ascii")


def _length(items: Sequence[Payload], boundary: str) -> int:
    files = sum(len(_head(boundary)) + len(item.meta) + item.length + 2 for item in items)
    return files + len(boundary) + 6


def _document(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    return document if isinstance(document, Mapping) else {}


@frozen
class _Answer:
    """The answer of a server to a request (PS3.18 10.5.3): the stored instances, and the reasons for refusing others.

    An instance that it does not name does not count as stored.
    """

    status: int
    stored: Mapping[str, int | None]
    refused: Mapping[str, int | None]


def _uids(document: Mapping[str, Any], sequence: str, code: str) -> dict[str, int | None]:
    """Map each SOP Instance UID in a sequence to its warning or failure reason."""
    found: dict[str, int | None] = {}
    for item in _values(document, sequence):
        if isinstance(item, Mapping):
            for uid in _values(item, _UID):
                reasons = _values(item, code)
                found[str(uid)] = int(reasons[0]) if reasons and str(reasons[0]).isdigit() else None
    return found


def _values(item: Mapping[str, Any], tag: str) -> list[Any]:
    attribute = item.get(tag)
    values = attribute.get("Value") if isinstance(attribute, Mapping) else None
    return values if isinstance(values, list) else []


def _finished(waiting: list[_Waiting], answer: _Answer, again: list[_Waiting]) -> Iterator[Sent]:
    """Yield the instances that an answer finishes, and add the ones to retry to `again`."""
    for item, sent in waiting:
        uid = sent.sop_instance_uid
        if uid in answer.stored:
            warning = answer.stored[uid]
            yield evolve(sent, state=ARRIVED, status=warning, reason=f"warning {warning:04X}H" if warning else "")
        elif uid in answer.refused:
            code = answer.refused[uid]
            cause = "" if code is None else f", failure reason {code:04X}H{_CAUSES.get(code, '')}"
            yield evolve(sent, reason=f"refused by the server{cause}", status=code)
        elif answer.status in _BUSY:
            again.append((item, evolve(sent, reason=f"HTTP {answer.status}")))
        else:
            yield evolve(sent, reason=f"HTTP {answer.status}: the answer does not name the instance")
