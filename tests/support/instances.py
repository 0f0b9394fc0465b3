"""Generated instances: for a profile, files that conform, and for each of its rules a file that breaks only this rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ImplicitVRLittleEndian

from fileset.standard.profile_rules import (
    ABSENT,
    AT_MOST,
    JPEG_TABLES,
    ONE_LESS_THAN,
    PRESENT,
    SAME_AS,
    SYNTAX,
    VALUE,
    Constraint,
)
from fileset.standard.profiles import ANY, MULTI_FRAME, PROFILES, Profile
from fileset.standard.syntaxes import EXPLICIT, IMPLICIT, JPEG_BASELINE, RLE

STORAGE = "1.2.840.10008.5.1.4.1.1."
XA, SC, CT, MR, US = (STORAGE + end for end in ("12.1", "7", "2", "4", "6.1"))
TABLES = b"\xff\xd8\xff\xdb\0\2\xff\xc4\0\2\xff\xda\0\2\0\xff\xd9"
NO_TABLES = b"\xff\xd8\xff\xc0\0\2\xff\xda\0\2\0\xff\xd9\0"
NATIVE = (IMPLICIT, EXPLICIT)
SERVICES = {ANY: SC, MULTI_FRAME: STORAGE + "3.1"}
OF_CLASS: dict[str, dict[str, Any]] = {
    XA: {"Modality": "XA", "PhotometricInterpretation": "MONOCHROME2"},
    CT: {"Modality": "CT"},
    MR: {"Modality": "MR"},
    STORAGE + "1.3": {"Modality": "IO", "InstitutionName": ""},
}
"""Additional attributes of the instances of a class."""


class Generated(NamedTuple):
    """A file, and the rule and tag that it breaks; "" and 0 if none."""

    title: str
    data: bytes
    rule: str = ""
    tag: int = 0


def dataset(profile: Profile, sop_class: str) -> Dataset:
    """Return an instance of `sop_class` that conforms to the image constraints of all profiles that have the class."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, "1.2.3.4"
    ds.Modality = "OT"
    ds.InstitutionName = ds.ManufacturerModelName = ds.DetectorID = "A"
    ds.DetectorManufacturerName = ds.DetectorManufacturerModelName = ""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = 512, 512
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if profile.id.startswith("STD-US-") and "-ID-" not in profile.id:
        region = Dataset()
        region.RegionSpatialFormat = 1
        if "-CC-" in profile.id:
            region.PixelComponentOrganization = 1
        ds.SequenceOfUltrasoundRegions = [region]
    for keyword, value in OF_CLASS.get(sop_class, {}).items():
        setattr(ds, keyword, value)
    return ds


def written(ds: Dataset, syntax: str, frame: bytes = TABLES) -> bytes:
    """Return the file of a data set, with pixel data of one small frame."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = UID(syntax), UID("1.2.3")
    ds.file_meta = meta
    if "Rows" in ds:
        ds.PixelData = bytes(16) if syntax in NATIVE else encapsulate([frame])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = syntax not in NATIVE
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    return file.getvalue()


def classes(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Return a SOP class for each service of a profile, and the transfer syntaxes it allows."""
    services = {SERVICES.get(name, name): syntaxes for name, syntaxes in profile.services.items()}
    return {name: profile.syntaxes(name) or (EXPLICIT, RLE) for name in services}


def photometric_for(profile: Profile, syntax: str) -> str:
    """Return a photometric interpretation that ultrasound may have under a transfer syntax (PS3.11 Table C.3-2)."""
    return "YBR_FULL_422" if profile.annex == "C" and syntax == JPEG_BASELINE else "MONOCHROME2"


@cache
def conforming(profile_id: str) -> tuple[Generated, ...]:
    """Return a file for each SOP class and transfer syntax of a profile."""
    return tuple(_conforming(PROFILES[profile_id]))


def _conforming(profile: Profile) -> Iterator[Generated]:
    for sop_class, syntaxes in classes(profile).items():
        for syntax in syntaxes:
            ds = dataset(profile, sop_class)
            ds.PhotometricInterpretation = photometric_for(profile, syntax)
            yield Generated(f"{sop_class} in {syntax}", written(ds, syntax))


@cache
def breaking(profile_id: str) -> tuple[Generated, ...]:
    """Return for each rule of a profile a file that breaks only this rule."""
    return tuple(_breaking(PROFILES[profile_id]))


def _breaking(profile: Profile) -> Iterator[Generated]:
    sop_class, syntaxes = next(iter(classes(profile).items()))
    retired = dataset(profile, STORAGE + "3")
    yield Generated("retired class", written(retired, syntaxes[0]), "PR-SOP-CLASS", 0x00080016)
    if profile.syntaxes(sop_class):
        ds = dataset(profile, sop_class)
        yield Generated("implicit VR", written(ds, IMPLICIT), "PR-TRANSFER-SYNTAX", SYNTAX)
    for row in profile.constraints:
        yield Generated(f"{row.attribute.label} {row.words}", _broken(profile, row), row.rule, row.attribute.tag)


def _broken(profile: Profile, row: Constraint) -> bytes:
    of_classes = classes(profile)
    sop_class = min(row.classes & set(of_classes)) if row.classes else next(iter(of_classes))
    syntax, frame = of_classes[sop_class][0], TABLES
    ds = dataset(profile, sop_class)
    if row.when and row.when.attribute.tag == SYNTAX:
        syntax = next(name for name in of_classes[sop_class] if name in row.when.values)
    elif row.when and row.when.attribute.vr == "US":
        set_value(ds, row.when.attribute.tag, row.when.values[-1])
        ds.HighBit = int(row.when.values[-1]) - 1
    elif row.when and row.when.attribute.vr == "CS":
        set_value(ds, row.when.attribute.tag, row.when.values[0])
    if row.attribute.tag == JPEG_TABLES:
        return written(ds, syntax, NO_TABLES)
    if row.attribute.tag == SYNTAX:
        syntax = next(name for name in of_classes[sop_class] if name not in row.values)
    elif row.attribute.within:
        region = ds.SequenceOfUltrasoundRegions[0]
        if row.form == ABSENT:
            region.PixelComponentOrganization = 1
        else:
            del region.PixelComponentOrganization
    elif row.form in (VALUE, PRESENT):
        del ds[row.attribute.tag]
    elif row.form in (SAME_AS, ONE_LESS_THAN):
        set_value(ds, row.attribute.tag, "3")
        if row.attribute.name == "Bits Stored":
            ds.HighBit = 2
    elif row.form == AT_MOST:
        set_value(ds, row.attribute.tag, str(int(row.values[0]) + 1))
    elif row.attribute.vr == "CS":
        set_value(ds, row.attribute.tag, "MONOCHROME1")
    else:
        _spoil_number(ds, row)
    return written(ds, syntax, frame)


def _spoil_number(ds: Dataset, row: Constraint) -> None:
    """Set a number that is not allowed, and change the numbers that depend on it."""
    set_value(ds, row.attribute.tag, "9")
    follows = {"Bits Stored": ("HighBit", 8), "Bits Allocated": ("BitsStored", 9)}
    if (
        row.rule == "PR-CTMR"
        and row.attribute.name in follows
        and (row.when is None or row.when.values[0] != "PALETTE COLOR")
    ):
        keyword, value = follows[row.attribute.name]
        setattr(ds, keyword, value)
        ds.HighBit = 8


def set_value(ds: Dataset, tag: int, value: str) -> None:
    """Set an attribute to a value in text form."""
    vr = "CS" if not value.isdigit() else "US"
    ds.add_new(tag, vr, value if vr == "CS" else int(value))
