"""Ask a Modality Worklist for the patient and the order that files belong to (PS3.4 K)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fileset.errors import Advice, RefusedError, RuleError
from fileset.standard.dictionary import tag_of, vr_of
from fileset.transfer.association import PeerSettings, require_pynetdicom
from fileset.transfer.peer import Peer, PeerError

if TYPE_CHECKING:
    from pydicom import Dataset

_MODEL: Final = "1.2.840.10008.5.1.4.31"
_RETURNED: Final = (
    *("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"),
)
"""The values that a file takes from the matching entry; a key that is empty in the entry keeps its value."""
_SHOWN: Final = (*_RETURNED, "RequestedProcedureDescription")
_OF_STEP: Final = (
    *("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime"),
    *("ScheduledPerformingPhysicianName", "ScheduledProcedureStepDescription"),
)
"""Keys that are in Scheduled Procedure Step Sequence."""
_MATCH: Final = "Look the entry up in the worklist, and match another key of it"
_GIVE: Final = Advice("Give the new values themselves", "Give the new values with --set")
_PENDING: Final = (0xFF00, 0xFF01)
_MOST: Final = 100


def from_worklist(line: PeerSettings, match: Mapping[str, str]) -> dict[str, str]:
    """Ask the worklist for the values of the one entry that matches, by keyword.

    Raises `RefusedError` if no entry matches, or several, which the message lists; `PeerError` if the peer does not answer;
    `RuleError` for a key that is not an attribute, and without the extra `network`.
    """
    if not match:
        raise RuleError("--worklist needs --match KEY=VALUE, such as --match AccessionNumber=A123")
    peer = line.peer
    entries = [entry for entry in _found(line, _query(match)) if _fits(entry, match)]
    asked = ", ".join(f"{key}={value}" for key, value in match.items())
    if not entries:
        raise RefusedError(f"the worklist of {peer} has no entry with {asked}. Nothing was sent", advice=_MATCH)
    if len(entries) > 1:
        raise RefusedError(
            f"the worklist of {peer} has {len(entries)} entries with {asked}. Add a --match that only one of them has: "
            + "; ".join(map(_shown, entries[:10]))
        )
    values = {keyword: str(entries[0].get(keyword, "")).strip() for keyword in _RETURNED}
    if not values["PatientID"]:
        raise RefusedError(f"the entry of the worklist of {peer} has no Patient ID: {_shown(entries[0])}", advice=_GIVE)
    return {keyword: value for keyword, value in values.items() if value}


def _fits(entry: Dataset, match: Mapping[str, str]) -> bool:
    """Check whether an entry has the values of the query: a worklist may ignore keys (PS3.4 K.6.1.2.2).

    The comparison trusts the worklist for patterns, ranges, dates and times.
    """
    from pydicom.multival import MultiValue

    steps = entry.get("ScheduledProcedureStepSequence") or [{}]
    for keyword, value in match.items():
        if set(value) & set("*?\\") or vr_of(tag_of(keyword) or 0) in ("DA", "TM", "DT"):
            continue
        found = (steps[0] if keyword in _OF_STEP else entry).get(keyword, "")
        if _plain(value) not in map(_plain, map(str, found if isinstance(found, MultiValue) else [found])):
            return False
    return True


def _plain(value: str) -> str:
    """Normalise a value for comparison: names match in any case and without empty components (PS3.4 C.2.2.2.1)."""
    return value.strip().rstrip("^=").casefold()


def _query(match: Mapping[str, str]) -> Dataset:
    from pydicom import Dataset

    query, step = Dataset(), Dataset()
    for keyword in match:
        tag = tag_of(keyword)
        if tag is None or vr_of(tag) == "SQ":
            raise RuleError(
                f"a worklist cannot be asked for {keyword!r}",
                advice="Use one such as AccessionNumber, PatientID, PatientName or Modality",
            )
    wanted = dict.fromkeys((*_SHOWN, "StudyInstanceUID", "RequestedProcedureID", *_OF_STEP), "")
    for keyword, value in {**wanted, **match}.items():
        setattr(step if keyword in _OF_STEP else query, keyword, value)
    if not all(value.isascii() for value in match.values()):
        query.SpecificCharacterSet = "ISO_IR 192"
    query.ScheduledProcedureStepSequence = [step]
    return query


def _found(line: PeerSettings, query: Dataset) -> list[Dataset]:
    peer, entity = line.peer, require_pynetdicom().AE()
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = entity.network_timeout = line.timeout
    association = line.service(entity, _MODEL)
    if not association.is_established:
        raise PeerError(f"{peer}: the worklist does not answer: no connection, or refused. Check title, host and port")
    try:
        return list(_answers(peer, association.send_c_find(query, _MODEL)))
    except ValueError as problem:
        raise PeerError(f"{peer}: is not a worklist: {problem}", advice="Check title, host and port") from problem
    finally:
        if association.is_established:
            association.release()
        else:
            association.abort()


def _answers(peer: Peer, answers: Iterable[tuple[Any, Any]]) -> Iterable[Dataset]:
    for number, (status, entry) in enumerate(answers, 1):
        code = status.get("Status") if status else None
        if code in _PENDING and entry is not None:
            if number > _MOST:
                raise RefusedError(f"the worklist of {peer} has more than {_MOST} such entries. Add another --match")
            entry.decode()
            yield entry
        elif code != 0:
            answer = "no answer" if code is None else f"status {code:04X}H"
            raise PeerError(f"{peer}: the worklist did not answer the query: {answer}", advice="See its log")


def _shown(entry: Dataset) -> str:
    return " ".join(f"{keyword}={entry.get(keyword)}" for keyword in _SHOWN if str(entry.get(keyword, "")))
