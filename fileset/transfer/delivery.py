"""The options of sending that C-STORE and STOW-RS share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

from attrs import frozen

from fileset.transfer.payload import Payload, PayloadSource
from fileset.transfer.report import Sent


@frozen
class Delivery:
    """The options for sending many instances, by whichever service.

    Attributes:
        prepare: Returns the payload of a file, or an entry of the report if it has none.
        jobs: Number of associations or requests at the same time.
        retries: Number of retries for an instance.
        pause: Seconds before the first retry; doubled before each further one.
        transcode: Whether to transcode files whose transfer syntax the receiver does not take.
    """

    prepare: Callable[[PayloadSource], Payload | Sent]
    jobs: int
    retries: int
    pause: float
    transcode: bool

    def attempts(self, stop: Event) -> Iterator[int]:
        """Yield the number of each attempt, 0 for the first; wait before each retry. End early once `stop` is set."""
        for attempt in range(self.retries + 1):
            if attempt and stop.wait(self.pause * 2 ** (attempt - 1)):
                return
            yield attempt
