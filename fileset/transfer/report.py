"""The result of sending: every instance that arrived, and every one that did not, with the reason."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from attrs import define, field, frozen

from fileset.transfer.payload import Payload

State = Literal["arrived", "already", "failed", "unsendable"]

ARRIVED: Final = "arrived"
ALREADY: Final = "already"
FAILED: Final = "failed"
UNSENDABLE: Final = "unsendable"


@frozen
class Sent:
    """One instance after the attempt to send it.

    Attributes:
        file_id: Path of the file on its medium, "/" between components.
        sop_instance_uid: From the file, "" if it has none.
        state: "arrived"; "already" if the journal of a former run has it; "failed" if the peer or the network did not
            take it; "unsendable" if the file cannot be sent as it is.
        reason: The reason why it did not arrive, or the warning of the peer when it did.
        status: Status of the C-STORE response (PS3.7 C), or failure reason of STOW-RS; None without one.
        size: Bytes of the data set, 0 if unknown.
        sop_class_uid: From the file, "" if it has none.
        changed: Keywords that reconciliation changed, with the old and the new value.
        transcoded: The changes for a peer that does not take the transfer syntax of the file; "" without any.
    """

    file_id: str
    sop_instance_uid: str
    state: State
    reason: str = ""
    status: int | None = None
    size: int = 0
    sop_class_uid: str = ""
    changed: dict[str, tuple[str, str]] = field(factory=dict)
    transcoded: str = ""

    @property
    def there(self) -> bool:
        """Whether the peer has the instance."""
        return self.state in (ARRIVED, ALREADY)


def of_payload(name: str, item: Payload, state: State) -> Sent:
    """Return the entry of a file that can be sent."""
    return Sent(
        name, item.sop_instance_uid, state, size=item.length, sop_class_uid=item.sop_class_uid, changed=item.values
    )


@define
class SendReport:
    """The outcome of sending to one peer.

    Attributes:
        peer: The peer, as the user named it.
        instances: One entry for each instance, in the order in which they were finished.
        disagreements: Sentences about files that were sent although their UIDs or Patient ID differ from their records, and
            about different files with one SOP Instance UID.
        committed: SOP Instance UIDs that the peer confirmed by Storage Commitment; None if it was not asked.
        not_committed: SOP Instance UIDs that it did not confirm, with the reason.
        seconds: Duration in seconds.
    """

    peer: str
    instances: list[Sent] = field(factory=list)
    disagreements: list[str] = field(factory=list)
    committed: set[str] | None = None
    not_committed: dict[str, str] = field(factory=dict)
    seconds: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """The number of instances by state."""
        return dict(Counter(one.state for one in self.instances))

    @property
    def size(self) -> int:
        """Bytes of the data sets that arrived in this run."""
        return sum(one.size for one in self.instances if one.state == ARRIVED)

    @property
    def lost(self) -> list[Sent]:
        """The instances that the peer does not have."""
        return [one for one in self.instances if not one.there]

    @property
    def complete(self) -> bool:
        """Whether the peer has every instance, and confirmed them all if it was asked to."""
        return not (self.lost or self.not_committed)

    def __repr__(self) -> str:
        counts = ", ".join(f"{number:,} {state}" for state, number in self.counts.items()) or "nothing"
        return f"<sent to {self.peer}: {counts}>"
