"""Transcode a file for a peer that does not take its transfer syntax (`send --transcode`)."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from fileset.plan.transcode import transcoded
from fileset.standard.syntaxes import EXPLICIT, IMPLICIT
from fileset.transfer.payload import OpenSource, Payload, payload

TARGETS: Final = (EXPLICIT, IMPLICIT)
"""Transfer syntaxes that a file can be transcoded to, in order of preference; every peer takes the second (PS3.5 10.1)."""


def next_target(item: Payload, refused: str) -> str:
    """Choose the transfer syntax to try after a peer refused one for the file, "" if none is left."""
    order = (item.transfer_syntax_uid, *(one for one in TARGETS if one != item.transfer_syntax_uid), "")
    return order[order.index(refused) + 1]


def transcoded_payload(item: Payload, target: str = EXPLICIT) -> tuple[Payload, str]:
    """Transcode an instance to one of `TARGETS`; return it, and the changes in a sentence.

    The whole file is in memory meanwhile. Raises `FilesetError` if the file cannot be decoded or its pixels would change,
    `RuleError` if the extra `images` is needed and not installed.
    """
    whole = b"".join(item.whole())
    data, changes = transcoded(lambda at, size: whole[at : at + size], target)
    source = OpenSource(lambda at, size: data[at : at + size], len(data), item.source.file_id)
    return evolve(payload(source), values=item.values), changes
