"""dcmmkdir as judge of profiles: both programs accept and refuse the same files, except for the listed differences."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread, dcmwrite

from fileset.profiles.facts import read_facts
from fileset.profiles.judge import judge
from fileset.standard.profiles import PROFILES, Profile
from tests.support.instances import Generated, breaking, conforming

pytestmark = [
    pytest.mark.judges,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dcmmkdir") is None, reason="dcmmkdir is not installed"),
]

OPTIONS = {
    "STD-GEN-CD": "-Pgp", "STD-GEN-DVD-JPEG": "-Pdv", "STD-GEN-DVD-J2K": "-Pd2", "STD-GEN-BD-JPEG": "-Pbd",
    "STD-GEN-BD-J2K": "-Pb2", "STD-GEN-BD-MPEG2-MPML": "-Pbm", "STD-GEN-BD-MPEG2-MPHL": "-Pbh",
    "STD-GEN-BD-MPEG4-HPLV41": "-Pba", "STD-GEN-BD-MPEG4-HPLV41BD": "-Pbb",
    "STD-GEN-BD-MPEG4-HPLV42-2D": "--general-bd-mpeg4-hp2d", "STD-GEN-BD-MPEG4-HPLV42-3D": "--general-bd-mpeg4-hp3d",
    "STD-GEN-BD-MPEG4-SHPLV42": "--general-bd-mpeg4-hpst", "STD-GEN-USB-JPEG": "-Pfl", "STD-GEN-USB-J2K": "-Pf2",
    "STD-GEN-MIME": "-Pmi", "STD-DVD-MPEG2-MPML": "-Pmp", "STD-XABC-CD": "-Pbc", "STD-XA1K-CD": "-Pxa",
    "STD-XA1K-DVD": "-Pxd", "STD-DEN-CD": "-Pde", "STD-CTMR-CD": "-Pcm", "STD-US-ID-SF-CDR": "-Pus",
    "STD-US-SC-SF-CDR": "--ultrasound-sc-sf", "STD-US-CC-SF-CDR": "--ultrasound-cc-sf", "STD-US-ID-MF-CDR": "-Pum",
    "STD-US-SC-MF-CDR": "--ultrasound-sc-mf", "STD-US-CC-MF-CDR": "--ultrasound-cc-mf",
}  # fmt: skip
"""The 27 current profiles of dcmmkdir; the two for diskettes (-Pec, -Phd) are retired."""

DIFFERENCES = {
    "retired class": "DCMTK takes the retired Ultrasound Multi-frame class; PS3.4 Table B.5-1 does not list it",
    "JPEG frames without tables": "DCMTK does not look into frames; PS3.11 B.3.3 and H.3.3 demand the tables in each",
    "Overlay": "DCMTK does not look at overlays; PS3.11 A.3.3 and B.3.3 do",
    "Pixel Component Organization (0018,6044) absent": "DCMTK takes it for SC; PS3.11 C.3.1 excludes it",
    "in 1.2.840.10008.1.2.1": "DCMTK takes video alone on BD; PS3.11 Table M.3-1 allows every class in Explicit VR",
    "PR-CTMR": "DCMTK does not look at Secondary Capture under STD-CTMR; PS3.11 E.3.3 does",
}
"""A part of the title, or the rule, of an instance -> why dcmmkdir and we differ on it, with the clause."""
VIDEO = "in 1.2.840.10008.1.2.1"


REGION = (
    "RegionSpatialFormat", "RegionDataType", "RegionFlags", "RegionLocationMinX0", "RegionLocationMinY0",
    "RegionLocationMaxX1", "RegionLocationMaxY1", "PhysicalUnitsXDirection", "PhysicalUnitsYDirection", "PhysicalDeltaX",
    "PhysicalDeltaY",
)  # fmt: skip
COMPONENTS = (
    "PixelComponentPhysicalUnits", "PixelComponentDataType", "PixelComponentMask", "PixelComponentRangeStart",
    "PixelComponentRangeStop", "NumberOfTableBreakPoints", "TableOfXBreakPoints", "TableOfYBreakPoints",
)  # fmt: skip
"""The elements that PS3.3 C.8.5.5 demands of a region, and of one whose pixels are components."""


def complete(data: bytes, folder: Path) -> None:
    """Write a generated instance with the elements that dcmmkdir demands of every file."""
    (folder / "IM1").write_bytes(data)
    dataset = dcmread(folder / "IM1")
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = "A^B", "P1", "19700101", "O"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20240101", "101010", "1"
    dataset.AccessionNumber = dataset.StudyDescription = ""
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.ImageType = 1, 1, ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    dataset.ContentDate, dataset.ContentTime, dataset.ContentLabel = "20240101", "101010", "LABEL"
    dataset.ContentDescription = dataset.ContentCreatorName = ""
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = "20240101", "101010"
    if dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.67":
        title = Dataset()
        title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = "113701", "DCM", "Dose Report"
        dataset.CompletionFlag, dataset.VerificationFlag, dataset.ConceptNameCodeSequence = (
            "PARTIAL",
            "UNVERIFIED",
            [title],
        )
    for region in dataset.get("SequenceOfUltrasoundRegions", []):
        for keyword in REGION:
            if keyword not in region:
                setattr(region, keyword, 1)
        if "PixelComponentOrganization" in region:
            region.PixelComponentOrganization = 0  # bits: no table of break points is needed
            for keyword in COMPONENTS:
                setattr(region, keyword, 1)
    dcmwrite(folder / "IM1", dataset)


def accepted_by_dcmmkdir(profile: Profile, instance: Generated, folder: Path) -> bool:
    folder.mkdir()
    complete(instance.data, folder)
    command = ["dcmmkdir", OPTIONS[profile.id], "-a", "+id", str(folder), "+D", str(folder / "DICOMDIR"), "IM1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    (folder / "log").write_text(done.stdout + done.stderr)
    return done.returncode == 0 and (folder / "DICOMDIR").exists()


def accepted_by_us(profile: Profile, instance: Generated) -> bool:
    data = instance.data
    return not judge(profile, read_facts(lambda at, size: data[at : at + size], len(data)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("profile_id", OPTIONS)
def test_dcmmkdir_agrees(profile_id: str, tmp_path: Path) -> None:
    profile = PROFILES[profile_id]
    differing = []
    for number, instance in enumerate((*conforming(profile_id), *breaking(profile_id))):
        theirs = accepted_by_dcmmkdir(profile, instance, tmp_path / str(number))
        if theirs != accepted_by_us(profile, instance) and not reason_for(profile, instance):
            log = (tmp_path / str(number) / "log").read_text().strip().splitlines()
            differing.append((instance.title, "they accept" if theirs else "they refuse", log[:2]))
    assert differing == []


def test_the_documentation_lists_the_differences() -> None:
    text = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
    listed = text.partition("## Differences from dcmmkdir")[2]
    assert all(reason.partition("PS3.")[2].split(" ")[0] in listed for reason in DIFFERENCES.values())
    assert listed.count("\n|") - 2 == len(DIFFERENCES)


def reason_for(profile: Profile, instance: Generated) -> str:
    found = (part for part in DIFFERENCES if part in f"{instance.rule} {instance.title}")
    return next((DIFFERENCES[part] for part in found if part != VIDEO or "-BD-MPEG" in profile.id), "")
