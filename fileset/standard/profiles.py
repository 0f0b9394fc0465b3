"""The Media Storage Application Profiles of PS3.11: the 82 current ones as rows, the retired ones by name.

Data only. The identifier of a profile is nowhere stored on a medium: it is a claim that somebody makes (PS3.11 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Final

from attrs import evolve, field, frozen

from fileset.standard.profile_rules import CONSTRAINTS, Constraint
from fileset.standard.sop_classes import SOP_CLASSES
from fileset.standard.syntaxes import (
    EXPLICIT,
    J2K,
    J2K_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    MPEG2_MPHL,
    MPEG2_MPML,
    MPEG4_HPLV41,
    MPEG4_HPLV41BD,
    MPEG4_HPLV42_2D,
    MPEG4_HPLV42_3D,
    MPEG4_SHPLV42,
    RLE,
)

ANY: Final = "ANY"
"""Any composite Storage SOP Class that is current (PS3.4 Tables B.5-1 and GG.3-1)."""
MULTI_FRAME: Final = "ANY-MULTIFRAME"
"""Any of those whose IOD has several frames."""

ANY_CLASSES: Final = frozenset(
    row.uid for row in SOP_CLASSES.values() if row.status == "current" and row.iod and row.iod != "Basic Directory"
) | {"1.2.840.10008.5.1.4.1.1.9.100.1", "1.2.840.10008.5.1.4.1.1.9.100.2", "1.2.840.10008.5.1.4.1.1.66.7",
     "1.2.840.10008.5.1.4.1.1.66.8", "1.2.840.10008.5.1.4.1.1.88.77"}  # fmt: skip
"""The SOP Classes behind `ANY`; the five that are named are newer than the IODs in our tables."""

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
MULTI_FRAME_CLASSES: Final = frozenset(
    _STORAGE + end
    for end in (
        "2.1", "2.2", "3.1", "4.1", "4.3", "4.4", "6.2", "6.3", "7.1", "7.2", "7.3", "7.4", "12.1", "12.1.1", "12.2",
        "12.2.1", "13.1.1", "13.1.2", "13.1.3", "13.1.4", "13.1.5", "14.1", "14.2", "20", "30", "66.4", "66.7", "66.8",
        "77.1.1.1", "77.1.2.1", "77.1.4.1", "77.1.5.1", "77.1.5.2", "77.1.5.4", "77.1.5.5", "77.1.5.6", "77.1.5.7",
        "77.1.5.8", "77.1.6", "77.1.9", "128.1", "130", "481.1", "481.2",
    )
)  # fmt: skip
"""SOP Classes whose IOD has the Multi-frame Module or Multi-frame Functional Groups (PS3.3 A.1.4)."""


@frozen
class ProfileMedium:
    """A physical medium of PS3.12: its name, its file systems, and the clause.

    `writes` are the forms of ours that can become this medium: "folder", "iso", "iso+udf" (a bridge), "udf", "zip". A
    folder can be burned on, or copied to, any medium, except where the file system is an archive. `allows` are the file
    systems as M-INQUIRE FILE-SET names them; "UDF" without a revision is any of those listed.
    """

    name: str
    file_systems: str
    section: str
    allows: tuple[str, ...]
    writes: tuple[str, ...] = ("folder",)

    def takes(self, file_system: str) -> bool:
        """Test whether a file system is one of the medium, or may be, because its revision is unknown."""
        return any(one == file_system or one.startswith(f"{file_system} ") for one in self.allows)


_ISO: Final = "ISO 9660"
_CD = ProfileMedium("120 mm CD-R", "ISO 9660 Level 1", "PS3.12 F", (_ISO,), ("folder", "iso"))
_MOD23 = ProfileMedium("90 mm 2.3 GB magneto-optical disk", "FAT, unpartitioned", "PS3.12 Q", ("FAT12", "FAT16"))
_MOD41 = ProfileMedium("130 mm 4.1 GB magneto-optical disk", "FAT, unpartitioned", "PS3.12 M", ("FAT12", "FAT16"))
_DVD_RAM = ProfileMedium(
    "120 mm DVD-RAM",
    "UDF 1.5",
    "PS3.12 J",
    ("UDF 1.02", "UDF 1.50"),
    ("folder", "udf"),  # an update keeps 1.02
)
_DVD = ProfileMedium(
    "120 mm DVD, not DVD-RAM",
    "UDF 1.02 to 2.01, or ISO 9660 Level 1 to 3",
    "PS3.12 P",
    (_ISO, "UDF 1.02", "UDF 1.50", "UDF 2.00", "UDF 2.01"),
    ("folder", "iso", "iso+udf", "udf"),
)
_BD = ProfileMedium(
    "120 mm BD-R or BD-RE", "UDF 2.5 (BD-RE) or 2.6 (BD-R)", "PS3.12 X", ("UDF 2.50", "UDF 2.60"), ("folder", "udf")
)
_USB = ProfileMedium("USB mass storage device", "FAT16 or FAT32", "PS3.12 R", ("FAT16", "FAT32"))
_CF = ProfileMedium("CompactFlash", "FAT16 or FAT32", "PS3.12 S", ("FAT16", "FAT32"))
_MMC = ProfileMedium("MultiMediaCard", "FAT16", "PS3.12 T", ("FAT16",))
_SD = ProfileMedium("Secure Digital card", "FAT16", "PS3.12 U", ("FAT16",))
_MIME = ProfileMedium("MIME message", "multipart MIME, flat", "PS3.12 K", ())
_MAIL = ProfileMedium("e-mail with DICOM.ZIP", "ZIP archive", "PS3.12 V and W", (), ("zip",))


@frozen
class Icon:
    """The rule for Icon Image Sequence (0088,0200) in IMAGE records: whether it is required, and its size in pixels."""

    required: bool = False
    size: int = 0


_NO_ICON: Final = Icon()
_CARDIAC_ICON: Final = Icon(required=True, size=128)

D1: Final = "PS3.15 D.1: every DICOM file, the DICOMDIR too, is a Secure DICOM File"
S_MIME: Final = "PS3.15 Secure Use of E-mail Transport: the e-mail is encrypted, the files in the archive are not"


@frozen
class Profile:
    """One Media Storage Application Profile.

    `services` maps a SOP Class UID, `ANY` or `MULTI_FRAME` to the transfer syntaxes that the profile allows for it;
    none means those of the conformance statement. `keys` names the table of additional record keys, "" for none.
    `security` is the demand of the profile on files or mails, "" for an unsecured one. `constraints` are rules over
    attributes of each instance.
    """

    id: str
    annex: str
    medium: ProfileMedium
    roles: tuple[str, ...]
    services: Mapping[str, tuple[str, ...]]
    keys: str = ""
    icon: Icon = _NO_ICON
    security: str = ""
    constraints: tuple[Constraint, ...] = ()
    note: str = ""
    _syntaxes: dict[str, tuple[str, ...]] = field(init=False, eq=False, repr=False, factory=dict)

    @property
    def secure(self) -> bool:
        """Whether each file on the medium must be a Secure DICOM File (PS3.15 D.1)."""
        return self.security == D1

    @property
    def section(self) -> str:
        """The annex of PS3.11."""
        return f"PS3.11 {self.annex}"

    def syntaxes(self, sop_class: str) -> tuple[str, ...] | None:
        """Return the transfer syntaxes allowed for a SOP class: () for any, None if the class is not in the profile."""
        if sop_class not in self._syntaxes:
            found = [syntaxes for name, syntaxes in self.services.items() if _covers(name, sop_class)]
            if not found:
                return None
            self._syntaxes[sop_class] = tuple(dict.fromkeys(syntax for some in found for syntax in some))
        return self._syntaxes[sop_class]


def _covers(service: str, sop_class: str) -> bool:
    if service == ANY:
        return sop_class in ANY_CLASSES
    return sop_class in MULTI_FRAME_CLASSES if service == MULTI_FRAME else sop_class == service


_XA, _SC, _GSPS = _STORAGE + "12.1", _STORAGE + "7", _STORAGE + "11.1"
_US, _US_MULTI_FRAME = _STORAGE + "6.1", _STORAGE + "3.1"
_CT, _MR, _DOSE_SR = _STORAGE + "2", _STORAGE + "4", _STORAGE + "88.67"
_INTRA_ORAL, _DX, _STRUCTURED_DISPLAY = _STORAGE + "1.3", _STORAGE + "1.1", _STORAGE + "131"
_UNCOMPRESSED: Final = (EXPLICIT,)
_JPEG: Final = (EXPLICIT, JPEG_LOSSLESS, JPEG_BASELINE, JPEG_EXTENDED)
_JPEG_2000: Final = (EXPLICIT, J2K_LOSSLESS, J2K)
_CREATE_READ: Final = ("FSC", "FSR")
_ALL: Final = ("FSC", "FSR", "FSU")


def _with_secure(
    profiles: Iterable[Profile], before: str = "STD-GEN-", secure: str = "STD-GEN-SEC-"
) -> Iterator[Profile]:
    """List each profile and its secure twin, whose id has SEC after the class."""
    for profile in profiles:
        yield profile
        yield evolve(profile, id=profile.id.replace(before, secure, 1), security=D1)


def _cardiac() -> Iterator[Profile]:
    """Return the profiles of annexes A and B: Basic Cardiac, and 1024 X-Ray Angiographic."""
    yield Profile(
        "STD-XABC-CD", "A", _CD, _ALL, {_XA: (JPEG_LOSSLESS,)}, "A.3-2", _CARDIAC_ICON, "", CONSTRAINTS["XABC"]
    )
    others = {_SC: _UNCOMPRESSED, _GSPS: _UNCOMPRESSED}
    for medium, roles, syntaxes in (
        ("CD", _ALL, (JPEG_LOSSLESS,)),
        ("DVD", _CREATE_READ, (JPEG_LOSSLESS, JPEG_BASELINE, JPEG_EXTENDED)),
    ):
        yield Profile(
            f"STD-XA1K-{medium}", "B", _CD if medium == "CD" else _DVD, roles, {_XA: syntaxes, **others}, "B.3-2",
            _CARDIAC_ICON, "", CONSTRAINTS["XA1K"],
        )  # fmt: skip


def _ct_mr() -> Iterator[Profile]:
    """Return the profiles of annex E: CT and MR."""
    both = (JPEG_LOSSLESS, EXPLICIT)
    services = {**dict.fromkeys((_CT, _MR, _SC), both), **dict.fromkeys((_GSPS, _DOSE_SR), _UNCOMPRESSED)}
    for name, medium in {"MOD41": _MOD41, "CD": _CD, "DVD-RAM": _DVD_RAM, "DVD": _DVD}.items():
        yield Profile(
            f"STD-CTMR-{name}", "E", medium, _CREATE_READ if medium is _DVD else _ALL, services, "E.3-2", Icon(size=64),
            constraints=CONSTRAINTS["CTMR"],
        )  # fmt: skip


def _ultrasound() -> Iterator[Profile]:
    """Return the profiles of annex C: three image classes, single and multi-frame, four media."""
    media = {"MOD23-90": _MOD23, "CDR": _CD, "DVD-RAM": _DVD_RAM, "DVD": _DVD}
    syntaxes = (EXPLICIT, RLE, JPEG_BASELINE)
    classes = {"SF": (_US,), "MF": (_US, _US_MULTI_FRAME)}
    for frames, spatial, (name, medium) in product(classes, ("ID", "SC", "CC"), media.items()):
        yield Profile(
            f"STD-US-{spatial}-{frames}-{name}", "C", medium, _CREATE_READ if medium is _DVD else _ALL,
            dict.fromkeys(classes[frames], syntaxes), constraints=CONSTRAINTS[f"US-{spatial}"],
        )  # fmt: skip


def _general() -> Iterator[Profile]:
    """Return the profiles of annexes D, G, H, I and J: General Purpose."""
    any_uncompressed = {ANY: _UNCOMPRESSED}
    media = {"CD": _CD, "DVD-RAM": _DVD_RAM, "BD": _BD}
    yield from _with_secure(
        Profile(f"STD-GEN-{name}", "D", medium, _ALL, any_uncompressed, "D.3-2") for name, medium in media.items()
    )
    yield Profile("STD-GEN-MIME", "G", _MIME, _CREATE_READ, {ANY: ()}, note="a DICOMDIR is optional")
    yield from _with_secure(
        Profile(f"STD-GEN-DVD-{name}", "H", _DVD, _CREATE_READ, {ANY: syntaxes}, "H.3-2", constraints=rules)
        for name, syntaxes, rules in _COMPRESSIONS
    )
    video = Profile("STD-DVD-MPEG2-MPML", "I", _DVD, _CREATE_READ, {MULTI_FRAME: (MPEG2_MPML,)}, "I.3-2")
    yield from _with_secure([video], "STD-DVD-", "STD-DVD-SEC-")
    cards = {"USB": _USB, "MMC": _MMC, "CF": _CF, "SD": _SD}
    yield from _with_secure(
        Profile(f"STD-GEN-{card}-{name}", "J", cards[card], _ALL, {ANY: syntaxes}, "H.3-2", constraints=rules)
        for card, (name, syntaxes, rules) in product(cards, _COMPRESSIONS)
    )


_COMPRESSIONS: Final[tuple[tuple[str, tuple[str, ...], tuple[Constraint, ...]], ...]] = (
    ("JPEG", _JPEG, CONSTRAINTS["JPEG-IF"]),
    ("J2K", _JPEG_2000, ()),
)


def _mail_and_dental() -> Iterator[Profile]:
    """Return the profiles of annexes K and L: dental radiographs on CD, and ZIP archives in e-mails."""
    dental = dict.fromkeys((_INTRA_ORAL, _DX), _UNCOMPRESSED)
    others = {_STRUCTURED_DISPLAY: _UNCOMPRESSED, _GSPS: _UNCOMPRESSED}
    rules = CONSTRAINTS["DEN"]
    yield Profile("STD-DEN-CD", "K", _CD, _CREATE_READ, {**dental, **others}, constraints=rules)
    yield Profile("STD-GEN-ZIP-MAIL", "L", _MAIL, _CREATE_READ, {ANY: ()})
    yield Profile("STD-GEN-SEC-ZIP-MAIL", "L", _MAIL, _CREATE_READ, {ANY: ()}, security=S_MIME)
    yield Profile("STD-DTL-SEC-ZIP-MAIL", "L", _MAIL, _CREATE_READ, dental, security=S_MIME, constraints=rules)


_ONE_SYNTAX_EACH: Final = "Table {}.3-1 is shared by all ids; each id is bound to the one video syntax in its name"


def _blu_ray() -> Iterator[Profile]:
    """Return the profiles of annexes M and N: General Purpose BD with compression and video."""
    yield from _with_secure(
        Profile(f"STD-GEN-BD-{name}", "M", _BD, _ALL, {ANY: syntaxes}, "H.3-2", constraints=rules)
        for name, syntaxes, rules in _COMPRESSIONS
    )
    for annex, names in (
        ("M", {"MPEG2-MPML": MPEG2_MPML, "MPEG2-MPHL": MPEG2_MPHL, "MPEG4-HPLV41": MPEG4_HPLV41,
               "MPEG4-HPLV41BD": MPEG4_HPLV41BD}),
        ("N", {"MPEG4-HPLV42-2D": MPEG4_HPLV42_2D, "MPEG4-HPLV42-3D": MPEG4_HPLV42_3D,
               "MPEG4-SHPLV42": MPEG4_SHPLV42}),
    ):  # fmt: skip
        stills: dict[str, tuple[str, ...]] = {ANY: _UNCOMPRESSED} if annex == "M" else {}
        note = _ONE_SYNTAX_EACH.format(annex)
        yield from _with_secure(
            Profile(f"STD-GEN-BD-{name}", annex, _BD, _ALL, {**stills, MULTI_FRAME: (video,)}, "H.3-2", note=note)
            for name, video in names.items()
        )


PROFILES: Final[dict[str, Profile]] = {
    profile.id: profile
    for profile in (*_cardiac(), *_ultrasound(), *_ct_mr(), *_general(), *_mail_and_dental(), *_blu_ray())
}
"""Every current profile by its id."""

_MEDIA_RETIRED: Final = "its medium was retired with PS3.11-2004"
RETIRED: Final[dict[str, str]] = {
    "STD-WVFM-ECG-FD": "12-lead ECG on a 1.44 MB diskette: retired with PS3.11-2004",
    "STD-WVFM-HD-FD": "hemodynamic waveforms on a 1.44 MB diskette: retired with PS3.11-2004",
    **dict.fromkeys(("STD-CTMR-MOD650", "STD-CTMR-MOD12", "STD-CTMR-MOD23"), _MEDIA_RETIRED),
    **{
        f"STD-US-{spatial}-{frames}-{medium}": _MEDIA_RETIRED
        for spatial, frames, medium in product(
            ("ID", "SC", "CC"), ("SF", "MF"),
            ("FLOP", "MOD128", "MOD230", "MOD540", "MOD640", "MOD650", "MOD12", "MOD23"),
        )
    },
}  # fmt: skip
"""Profiles of former editions: id -> why it is no longer one."""
