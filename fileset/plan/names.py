"""Naming schemes: how a Creator turns places in the directory into File IDs.

The Standard leaves File IDs to the creator (PS3.10 8.2), and readers must not derive a meaning from them. So a name only
has to be unique, stable and readable. Every scheme here gives the same names for the same places in the same order, never
DICOMDIR, and never the name of a folder to a file. Its cost for each file is constant.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from typing import Final, Literal, Self

from attrs import frozen

from fileset.errors import RuleError, require_one_of
from fileset.file_id import DICOMDIR, MAX_COMPONENTS, MAX_LENGTH, SEPARATOR, FileId, folders_above, is_component
from fileset.media.names import DEVICE_NAMES
from fileset.media.system.walk import WORK
from fileset.records.arranged import Node
from fileset.standard.record_types import HL7_DOCUMENT


@frozen(weakref_slot=False)
class Place:
    """The position of an instance in the directory, and its source.

    `path` has the positions of patient, study and series, as far as the record has them (a hanging protocol has none).
    They and `instance` count from 0 within the parent. `source` is the path relative to the folder that was added, "/"
    between its components, or "" for a data set that never was a file.
    """

    path: tuple[int, ...]
    instance: int
    record_type: str
    sop_instance_uid: str
    source: str = ""

    @classmethod
    def of(cls, node: Node, path: tuple[int, ...], source: str) -> Self:
        """Return the place of a node of the tree below the folders of its patient, study and series, counted from 0."""
        return cls(path, node.position, node.record_type, node.sop_instance_uid.decode("ascii"), source)


FOLDER_PREFIXES: Final = ("PT", "ST", "SE")
"""Folders of PATIENT, STUDY and SERIES."""

RECORD_PREFIXES: Final = {
    "IMAGE": "IM",
    "RT DOSE": "RD",
    "RT STRUCTURE SET": "RS",
    "RT PLAN": "RP",
    "RT TREAT RECORD": "RT",
    "PRESENTATION": "PR",
    "WAVEFORM": "WV",
    "SR DOCUMENT": "SR",
    "KEY OBJECT DOC": "KO",
    "SPECTROSCOPY": "SP",
    "RAW DATA": "RW",
    "REGISTRATION": "RG",
    "FIDUCIAL": "FD",
    "HANGING PROTOCOL": "HP",
    "ENCAP DOC": "ED",
    "VALUE MAP": "VM",
    "STEREOMETRIC": "SM",
    "PALETTE": "PA",
    "IMPLANT": "IP",
    "IMPLANT ASSY": "IA",
    "IMPLANT GROUP": "IG",
    "PLAN": "PL",
    "MEASUREMENT": "MS",
    "SURFACE": "SF",
    "SURFACE SCAN": "SS",
    "TRACT": "TR",
    "ASSESSMENT": "AS",
    "RADIOTHERAPY": "RA",
    "ANNOTATION": "AN",
    "INVENTORY": "IV",
    "WF PRESENTATION": "WP",
    "PRIVATE": "PV",
    HL7_DOCUMENT: "HD",
}
"""Two letters for each record type that references a file, PS3.3 Table F.4-1, and for native HL7 documents (retired)."""

OTHER_PREFIX: Final = "XX"

FLAT_FOLDER: Final = 1000
"""Files in one folder of the flat scheme: some viewers and file systems slow down with more."""

RESERVED: Final = DEVICE_NAMES | {DICOMDIR.value, WORK}
"""Legal components that no scheme uses: a second DICOMDIR misleads readers, Windows cannot open device names, and writers
refuse a file-set with records in their work folder.
"""

_SUFFIX: Final = re.compile(r"(?:\.DCM)?\.?(?:;\d+)?\Z")
_NOT_ALLOWED: Final = re.compile(r"[^A-Z0-9_]")


Occupation = Callable[[str], str]
"""Returns the kind of a File ID value on a medium: "folder" if it can take files, "" for nothing, else "file"."""


class _Namespace:
    """The names of the files and folders of a file-set. Finding a free name, or the owner of a name, takes constant time."""

    def __init__(self, taken: Iterable[FileId], occupation: Occupation) -> None:
        # Some systems list the names of a disc in lower case, although the disc has them in upper case.
        self.files = {DICOMDIR.value, *(file_id.value.upper() for file_id in taken)}
        self.folders = {folder for value in self.files for folder in folders_above(value)}
        self._occupation = occupation
        self._resolved: dict[str, str] = {}
        self._next: dict[tuple[str, int], int] = {}

    def free(self, value: str) -> bool:
        return value not in self.files and value not in self.folders and not self._occupation(value)

    def file(self, wanted: str) -> FileId:
        """Reserve a file name: `wanted` if it is free, else a similar one."""
        folder, _, name = wanted.rpartition(SEPARATOR)
        value = self._beside(self.folder(folder), name)
        self.files.add(value)
        return FileId(value)

    def folder(self, wanted: str) -> str:
        """Choose the folder to use for `wanted`: another one only if a file has this name."""
        if wanted in self.folders or not wanted:
            return wanted
        if wanted not in self._resolved:
            if self._occupation(wanted) == "folder":
                self.folders.add(wanted)
                return wanted
            parent, _, name = wanted.rpartition(SEPARATOR)
            self._resolved[wanted] = self.new_folder(self.folder(parent), name)
        return self._resolved[wanted]

    def new_folder(self, parent: str, name: str) -> str:
        """Reserve an unused folder in `parent`: `name` or a similar one."""
        value = self._beside(parent, name)
        self.folders.add(value)
        return value

    def _beside(self, folder: str, name: str) -> str:
        wanted = _joined(folder, name)
        return wanted if self.free(wanted) else self._numbered(folder, name)

    def _numbered(self, folder: str, name: str) -> str:
        # One counter for each stem and number of digits, which only goes up: a taken name is passed over at most once
        # by each of the few counters it belongs to, so n files with one name cost n steps, not n * n.
        for digits in range(1, MAX_LENGTH + 1):
            stem = _joined(folder, name[: MAX_LENGTH - digits])
            for number in range(self._next.get((stem, digits), 0), 10**digits):
                value = f"{stem}{number:0{digits}d}"
                if self.free(value) and value.rpartition(SEPARATOR)[2] not in RESERVED:
                    self._next[stem, digits] = number + 1
                    return value
            self._next[stem, digits] = 10**digits
        raise RuleError(f"no File ID is left for {name!r} (PS3.10 8.2). Spread the files over more folders.")


def _joined(folder: str, name: str) -> str:
    return f"{folder}{SEPARATOR}{name}" if folder else name


def _number(prefix: str, number: int) -> str:
    """Number a component with six digits, or more at the cost of the prefix."""
    digits = f"{number:06d}"
    return prefix[: max(MAX_LENGTH - len(digits), 0)] + digits


@lru_cache(maxsize=16)
def folder_of(path: tuple[int, ...]) -> str:
    """Build the folder of a series in the counter scheme; cached, as the next instance usually has the same series."""
    return SEPARATOR.join(map(_number, FOLDER_PREFIXES, path))


def _own_name(place: Place) -> str:
    """Return the name of a native HL7 document if it is a File ID, because such a file keeps it; "" otherwise."""
    if place.record_type != HL7_DOCUMENT:
        return ""
    parts = place.source.split("/")
    return SEPARATOR.join(parts) if len(parts) <= MAX_COMPONENTS and all(map(_stays, parts)) else ""


def _counter_name(place: Place) -> str:
    if own := _own_name(place):
        return own
    prefix = RECORD_PREFIXES.get(place.record_type, OTHER_PREFIX)
    return _joined(folder_of(place.path), _number(prefix, place.instance))


def _counter(places: Iterable[Place], space: _Namespace) -> Iterator[FileId]:
    """Make names such as PT000000/ST000000/SE000000/IM000000: the position at each level of the directory."""
    return (space.file(_counter_name(place)) for place in places)


def _flat(places: Iterable[Place], space: _Namespace) -> Iterator[FileId]:
    """Make names such as DICOM/D0000000/I0000000: numbered over the whole file-set, a thousand in a folder."""
    values = (SEPARATOR.join(("DICOM", f"D{n // FLAT_FOLDER:07d}", f"I{n:07d}")) for n in count())
    free = filter(space.free, values)
    return (space.file(_own_name(place) or next(free)) for place in places)


def _uid_name(uid: str, attempt: int = 0) -> str:
    digest = blake2b(uid.encode(errors="surrogatepass"), digest_size=10, salt=attempt.to_bytes(8, "little")).digest()
    text = b32encode(digest).decode("ascii")
    return SEPARATOR.join(("DICOM", text[:2], text[2:10]))


def _uid(places: Iterable[Place], space: _Namespace) -> Iterator[FileId]:
    """Make names such as DICOM/AB/CDEFGHIJ: 50 bits of a hash of the SOP Instance UID, independent of other files.

    If several UIDs have the same hash, the first by UID keeps the name and the others are hashed again.
    """
    places = list(places)
    by_uid = sorted(range(len(places)), key=lambda index: places[index].sop_instance_uid)
    given: dict[int, FileId] = {}
    for index in by_uid:
        value = _own_name(places[index]) or _uid_name(places[index].sop_instance_uid)
        if space.free(value):
            given[index] = space.file(value)
    attempts = defaultdict[str, Iterator[int]](lambda: count(1))
    for index in by_uid:
        if index not in given:
            uid = places[index].sop_instance_uid
            names = (_uid_name(uid, attempt) for attempt in attempts[uid])
            given[index] = space.file(next(filter(space.free, names)))
    return (given[index] for index in range(len(places)))


def _cleaned(name: str) -> str:
    """Turn any name into a legal component: in upper case, without version and extension, at most 8 characters."""
    stem = _SUFFIX.sub("", name.upper(), count=1)
    cleaned = _NOT_ALLOWED.sub("_", stem)[:MAX_LENGTH] or "_"
    ending = "0" if cleaned.endswith("_") else "_"
    return f"{cleaned[: MAX_LENGTH - 1]}{ending}" if cleaned in RESERVED else cleaned


def _stays(name: str) -> bool:
    return is_component(name) and name not in RESERVED


def _keep_folders(chains: Iterable[tuple[str, ...]], space: _Namespace) -> dict[tuple[str, ...], str]:
    """Choose a folder on the medium for each source folder, level by level; on each level, legal names come first."""
    known = dict.fromkeys(chain[:depth] for chain in chains for depth in range(1, len(chain) + 1))
    folders: dict[tuple[str, ...], str] = {(): ""}
    for chain in sorted(known, key=lambda chain: (len(chain), not _stays(chain[-1]))):
        parent, name = folders[chain[:-1]], chain[-1]
        folders[chain] = (
            space.folder(_joined(parent, name)) if _stays(name) else space.new_folder(parent, _cleaned(name))
        )
    return folders


def _keep_chain(place: Place) -> tuple[str, ...]:
    """Take the last eight components of the path of a source; for a data set, the components of the counter scheme."""
    if not place.source:
        return tuple(_counter_name(place).split(SEPARATOR))
    return tuple(part for part in place.source.split("/") if part)[-MAX_COMPONENTS:] or ("_",)


def _keep(places: Iterable[Place], space: _Namespace) -> Iterator[FileId]:
    """Keep the names of the sources if they are legal, else choose the nearest legal names after all others."""
    chains = [_keep_chain(place) for place in places]
    folders = _keep_folders(dict.fromkeys(chain[:-1] for chain in chains), space)
    given: dict[int, FileId] = {}
    for index in sorted(range(len(chains)), key=lambda index: not _stays(chains[index][-1])):
        folder, name = folders[chains[index][:-1]], chains[index][-1]
        given[index] = space.file(_joined(folder, name if _stays(name) else _cleaned(name)))
    return (given[index] for index in range(len(chains)))


Naming = Literal["counter", "flat", "uid", "keep"]
SCHEMES: Final[dict[str, Callable[[Iterable[Place], _Namespace], Iterator[FileId]]]] = {
    "counter": _counter,
    "flat": _flat,
    "uid": _uid,
    "keep": _keep,
}
"""The naming schemes by the names that Creator and the command line give them."""


def names(
    scheme: str, places: Iterable[Place], taken: Collection[FileId] = (), occupation: Occupation = lambda _: ""
) -> Iterator[FileId]:
    """Choose a File ID for each place, in order.

    It is free on the medium (`occupation`), not in `taken`, and not a folder of a name in `taken`.
    `counter` and `flat` name one place at a time; `uid` and `keep` look at all places first. Raises `RuleError` for an
    unknown scheme, or when a folder cannot take another name.
    """
    require_one_of("naming scheme", scheme, SCHEMES)
    return SCHEMES[scheme](places, _Namespace(taken, occupation))
