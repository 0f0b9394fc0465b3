"""Names on a medium in the forms in which systems show them: any case, a trailing ".", ";1" or ".dcm"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

Named = TypeVar("Named")

TAILS: Final = ("", ".", ";1", ".;1", ".DCM", ".DCM;1")
"""Endings that systems and users append to a File ID Component."""

DEVICE_NAMES: Final = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"))
)
"""Names that Windows keeps for devices: no new file or folder gets one, on any system."""

_DEVICES: Final = tuple(
    re.compile(form).search for form in (b"CON", b"PRN", b"AUX", b"NUL", rb"COM[0-9\xc2]", rb"LPT[0-9\xc2]")
)
"""Searches for names of devices: six are faster than one. The byte C2 begins the digits ¹, ² and ³ in UTF-8."""
_NOT_ON_WINDOWS: Final = re.compile(r'[\x00-\x1f<>:"|?*\\]|[. ]\Z').search

ARCHIVES: Final = (".zip", ".iso", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar")
"""Endings of the files in a folder that may be archives or images with DICOM files."""

FOLDED: Final = "\0"
"""Prefix of the upper-case form of a name in a listing; no name contains it."""


def is_device_name(name: str) -> bool:
    """Test whether Windows takes a name for a device, in any case and also with an ending: NUL.TXT."""
    return name.partition(".")[0].rstrip(" ").upper() in DEVICE_NAMES


def may_name_devices(names: bytes | bytearray) -> bool:
    """Test whether one of these names in upper case, joined in any way, may be that of a device: hardly ever."""
    return any(search(names) for search in _DEVICES)


def device_faults(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each path with a component that Windows takes for a device, and the message about it."""
    for path in paths:
        component = next(filter(is_device_name, path.split("/")), "")
        if component:
            yield path, f"Windows takes the name {component} for a device and cannot open the file"


def opens_on_windows(path: str) -> bool:
    """Test whether Windows can open a file of this path, with "/" between its components."""
    return not any(is_device_name(name) or _NOT_ON_WINDOWS(name) for name in path.split("/"))


def enlist(listing: dict[str, Named], name: str, found: Named) -> None:
    """Add a name to a listing that `form_of` searches. Spaces around a name are padding in a File ID (PS3.5 6.2)."""
    listing[name] = found
    if (folded := name.strip(" ").upper()) != name:
        listing.setdefault(FOLDED + folded, found)


def form_of(component: str, listing: Mapping[str, Named]) -> Named | None:
    """Look up a File ID Component in a listing: under the name itself, else its nearest form."""
    if component in listing:
        return listing[component]
    forms = (component.upper() + tail for tail in TAILS)
    return next((listing[key] for form in forms for key in (form, FOLDED + form) if key in listing), None)


def form_key(path: str) -> str:
    """Reduce a file name to the common part of all its forms: upper case, no `;1`, `.dcm`, final full stop or outer spaces."""
    key = path.upper()
    return key if "." not in key and ";" not in key and " " not in key else "/".join(map(_bare, key.split("/")))


def _bare(component: str) -> str:
    name = component.strip(" ")
    return name.partition(";")[0].removesuffix(".DCM").rstrip(".") or name
