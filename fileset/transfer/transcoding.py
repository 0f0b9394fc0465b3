"""Transcode a file for a peer that does not take its transfer syntax (`send --transcode`)."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from fileset.errors import FilesetError, RuleError
from fileset.plan.transcode import transcoded
from fileset.standard.syntaxes import EXPLICIT, IMPLICIT
from fileset.transfer.payload import OpenSource, Payload, payload
from fileset.transfer.report import UNSENDABLE, Sent

TARGETS: Final = (EXPLICIT, IMPLICIT)
"""Transfer syntaxes that a file can be transcoded to, in order of preference; every peer takes the second (PS3.5 10.1)."""


def next_target(item: Payload, refused: str) -> str:
    """Choose the transfer syntax to try after a peer refused one for the file, "" if none is left."""
    order = (item.transfer_syntax_uid, *(one for one in TARGETS if one != item.transfer_syntax_uid), "")
    return order[order.index(refused) + 1]


def transcoded_payload(item: Payload, sent: Sent, receiver: str, target: str = EXPLICIT) -> tuple[Payload, Sent] | Sent:
    """Transcode an instance to one of `TARGETS`; return it with its entry of the report.

    Return only the entry if the file cannot be decoded or its pixels would change. The whole file is in memory meanwhile.
    Raises `RuleError` if the extra `images` is needed and not installed: then no file can be transcoded.
    """
    try:
        whole = b"".join(item.whole())
        data, changes = transcoded(lambda at, size: whole[at : at + size], target)
        renewed = payload(OpenSource(lambda at, size: data[at : at + size], len(data), item.source.file_id))
    except RuleError:
        raise
    except FilesetError as problem:
        return evolve(sent, state=UNSENDABLE, reason=f"the {receiver} does not take it, and {problem}")
    return evolve(renewed, values=item.values), evolve(sent, transcoded=changes)
