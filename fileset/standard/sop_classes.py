"""The SOP Classes that files may hold, the IODs behind them, and the record type that references them.

PS3.4 B.5 and I.4 name the SOP Classes, PS3.3 Annex A the IODs, PS3.3 F.5 the record types. Data only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen


@frozen
class SopClass:
    """One Storage SOP Class and the Directory Record Type (0004,1430) of the records that reference its instances.

    `iod` is empty where PS3.3 has no IOD for it (or has it no longer), `record_type` where PS3.3 F.5 defines none
    for it. `section` is the one of PS3.3 that says so, empty where nothing does.
    `status` is "current", "retired", or "DICONDE" for those that only ASTM defines.
    """

    uid: str
    name: str
    iod: str
    record_type: str
    section: str
    status: str = "current"


def _classes(record_type: str, section: str, *rows: tuple[str, ...], status: str = "current") -> Iterator[SopClass]:
    """Return one class per row (uid, name) or (uid, name, iod); most IODs have the name of the SOP Class before "Storage"."""
    for uid, name, *iod in rows:
        yield SopClass(uid, name, iod[0] if iod else name.partition(" Storage")[0], record_type, section, status)


_ALL = (
    # Detached objects: no other file was ever referenced by such a record; record types inferred.
    *_classes(
        "PATIENT", "",
        ("1.2.840.10008.3.1.2.1.1", "Detached Patient Management SOP Class", ""),
        ("1.2.840.10008.3.1.2.1.4", "Detached Patient Management Meta SOP Class", ""),
        status="retired",
    ),
    *_classes(
        "STUDY", "",
        ("1.2.840.10008.3.1.2.3.1", "Detached Study Management SOP Class", ""),
        status="retired",
    ),
    *_classes(
        "IMAGE", "F.5.4",
        ("1.2.840.10008.5.1.4.1.1.1", "Computed Radiography Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.1.1", "Digital X-Ray Image Storage - For Presentation"),
        ("1.2.840.10008.5.1.4.1.1.1.1.1", "Digital X-Ray Image Storage - For Processing"),
        ("1.2.840.10008.5.1.4.1.1.1.2", "Digital Mammography X-Ray Image Storage - For Presentation"),
        ("1.2.840.10008.5.1.4.1.1.1.2.1", "Digital Mammography X-Ray Image Storage - For Processing"),
        ("1.2.840.10008.5.1.4.1.1.1.3", "Digital Intra-Oral X-Ray Image Storage - For Presentation"),
        ("1.2.840.10008.5.1.4.1.1.1.3.1", "Digital Intra-Oral X-Ray Image Storage - For Processing"),
        ("1.2.840.10008.5.1.4.1.1.2", "CT Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.2.1", "Enhanced CT Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.2.2", "Legacy Converted Enhanced CT Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.3.1", "Ultrasound Multi-frame Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.4", "MR Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.4.1", "Enhanced MR Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.4.3", "Enhanced MR Color Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.4.4", "Legacy Converted Enhanced MR Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.6.1", "Ultrasound Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.6.2", "Enhanced US Volume Storage"),
        ("1.2.840.10008.5.1.4.1.1.6.3", "Photoacoustic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.7", "Secondary Capture Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.7.1", "Multi-frame Single Bit Secondary Capture Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.7.2", "Multi-frame Grayscale Byte Secondary Capture Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.7.3", "Multi-frame Grayscale Word Secondary Capture Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.7.4", "Multi-frame True Color Secondary Capture Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.12.1", "X-Ray Angiographic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.12.1.1", "Enhanced XA Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.12.2", "X-Ray Radiofluoroscopic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.12.2.1", "Enhanced XRF Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.13.1.1", "X-Ray 3D Angiographic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.13.1.2", "X-Ray 3D Craniofacial Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.13.1.3", "Breast Tomosynthesis Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.13.1.4", "Breast Projection X-Ray Image Storage - For Presentation"),
        ("1.2.840.10008.5.1.4.1.1.13.1.5", "Breast Projection X-Ray Image Storage - For Processing"),
        ("1.2.840.10008.5.1.4.1.1.14.1", "Intravascular Optical Coherence Tomography Image Storage - For Presentation"),
        ("1.2.840.10008.5.1.4.1.1.14.2", "Intravascular Optical Coherence Tomography Image Storage - For Processing"),
        ("1.2.840.10008.5.1.4.1.1.20", "Nuclear Medicine Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.30", "Parametric Map Storage"),
        # A segmentation and an Enhanced RT Image are images by their IODs.
        ("1.2.840.10008.5.1.4.1.1.66.4", "Segmentation Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.1", "VL Endoscopic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.1.1", "Video Endoscopic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.2", "VL Microscopic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.2.1", "Video Microscopic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.3", "VL Slide-Coordinates Microscopic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.4", "VL Photographic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.4.1", "Video Photographic Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.1", "Ophthalmic Photography 8 Bit Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.2", "Ophthalmic Photography 16 Bit Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.4", "Ophthalmic Tomography Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.5",
         "Wide Field Ophthalmic Photography Stereographic Projection Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.6", "Wide Field Ophthalmic Photography 3D Coordinates Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.7", "Ophthalmic Optical Coherence Tomography En Face Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.8", "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.6", "VL Whole Slide Microscopy Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.7", "Dermoscopic Photography Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.8", "Confocal Microscopy Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.77.1.9", "Confocal Microscopy Tiled Pyramidal Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.81.1", "Ophthalmic Thickness Map Storage"),
        ("1.2.840.10008.5.1.4.1.1.82.1", "Corneal Topography Map Storage"),
        ("1.2.840.10008.5.1.4.1.1.128", "Positron Emission Tomography Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.128.1", "Legacy Converted Enhanced PET Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.130", "Enhanced PET Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.1", "RT Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.23", "Enhanced RT Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.24", "Enhanced Continuous RT Image Storage"),
        # As in DCMTK; newer than the text that was read.
        ("1.2.840.10008.5.1.4.1.1.66.7", "Label Map Segmentation Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.66.8", "Height Map Segmentation Storage", ""),
        # DICOS or DICONDE, no IOD of PS3.3; as in DCMTK.
        ("1.2.840.10008.5.1.4.1.1.501.1", "DICOS CT Image Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.501.2.1", "DICOS Digital X-Ray Image Storage - For Presentation", ""),
        ("1.2.840.10008.5.1.4.1.1.501.2.2", "DICOS Digital X-Ray Image Storage - For Processing", ""),
        ("1.2.840.10008.5.1.4.1.1.601.1", "Eddy Current Image Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.601.2", "Eddy Current Multi-frame Image Storage", ""),
    ),
    # DICOS or DICONDE, no IOD of PS3.3; as in DCMTK.
    *_classes(
        "IMAGE", "F.5.4",
        ("1.2.840.10008.5.1.4.1.1.601.3", "Thermography Image Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.601.4", "Thermography Multi-frame Image Storage", ""),
        status="DICONDE",
    ),
    *_classes(
        "IMAGE", "F.5.4",
        ("1.2.840.10008.5.1.4.1.1.3", "Ultrasound Multi-frame Image Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.5", "Nuclear Medicine Image Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.6", "Ultrasound Image Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.12.3", "X-Ray Angiographic Bi-Plane Image Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.77.1", "VL Image Storage - Trial", ""),
        ("1.2.840.10008.5.1.4.1.1.77.2", "VL Multi-frame Image Storage - Trial", ""),
        # As in dcm4che.
        ("1.2.840.10008.5.1.1.29", "Hardcopy Grayscale Image Storage SOP Class", ""),
        ("1.2.840.10008.5.1.1.30", "Hardcopy Color Image Storage SOP Class", ""),
        status="retired",
    ),
    *_classes("RT DOSE", "F.5.19", ("1.2.840.10008.5.1.4.1.1.481.2", "RT Dose Storage")),
    *_classes("RT STRUCTURE SET", "F.5.20", ("1.2.840.10008.5.1.4.1.1.481.3", "RT Structure Set Storage")),
    *_classes(
        "RT PLAN", "F.5.21",
        ("1.2.840.10008.5.1.4.1.1.481.5", "RT Plan Storage"),
        # F.5.21 and F.5.22 do not name the ion plan and its record; all implementations put them here.
        ("1.2.840.10008.5.1.4.1.1.481.8", "RT Ion Plan Storage"),
    ),
    *_classes(
        "RT TREAT RECORD", "F.5.22",
        ("1.2.840.10008.5.1.4.1.1.481.4", "RT Beams Treatment Record Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.6", "RT Brachy Treatment Record Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.7", "RT Treatment Summary Record Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.9", "RT Ion Beams Treatment Record Storage"),
    ),
    *_classes(
        "PRESENTATION", "F.5.23",
        ("1.2.840.10008.5.1.4.1.1.11.1", "Grayscale Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.2", "Color Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.3", "Pseudo-Color Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.4", "Blending Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.5", "XA/XRF Grayscale Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.12", "Variable Modality LUT Softcopy Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.131", "Basic Structured Display Storage"),
        # No Presentation State Relationship Module: Referenced Series Sequence is not needed.
        ("1.2.840.10008.5.1.4.1.1.11.6", "Grayscale Planar MPR Volumetric Presentation State Storage",
         "Planar MPR Volumetric Presentation State"),
        ("1.2.840.10008.5.1.4.1.1.11.7", "Compositing Planar MPR Volumetric Presentation State Storage",
         "Planar MPR Volumetric Presentation State"),
        ("1.2.840.10008.5.1.4.1.1.11.8", "Advanced Blending Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.9", "Volume Rendering Volumetric Presentation State Storage"),
        ("1.2.840.10008.5.1.4.1.1.11.10", "Segmented Volume Rendering Volumetric Presentation State Storage",
         "Volume Rendering Volumetric Presentation State"),
        ("1.2.840.10008.5.1.4.1.1.11.11", "Multiple Volume Rendering Volumetric Presentation State Storage",
         "Volume Rendering Volumetric Presentation State"),
    ),
    *_classes(
        "WAVEFORM", "F.5.24",
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "12-lead ECG Waveform Storage", "12-Lead ECG"),
        ("1.2.840.10008.5.1.4.1.1.9.1.2", "General ECG Waveform Storage", "General ECG"),
        ("1.2.840.10008.5.1.4.1.1.9.1.3", "Ambulatory ECG Waveform Storage", "Ambulatory ECG"),
        ("1.2.840.10008.5.1.4.1.1.9.1.4", "General 32-bit ECG Waveform Storage", "General 32-bit ECG"),
        ("1.2.840.10008.5.1.4.1.1.9.2.1", "Hemodynamic Waveform Storage"),
        ("1.2.840.10008.5.1.4.1.1.9.3.1", "Cardiac Electrophysiology Waveform Storage",
         "Basic Cardiac Electrophysiology Waveform"),
        ("1.2.840.10008.5.1.4.1.1.9.4.1", "Basic Voice Audio Waveform Storage"),
        ("1.2.840.10008.5.1.4.1.1.9.4.2", "General Audio Waveform Storage"),
        ("1.2.840.10008.5.1.4.1.1.9.5.1", "Arterial Pulse Waveform Storage"),
        ("1.2.840.10008.5.1.4.1.1.9.6.1", "Respiratory Waveform Storage"),
        ("1.2.840.10008.5.1.4.1.1.9.6.2", "Multi-channel Respiratory Waveform Storage"),
        ("1.2.840.10008.5.1.4.1.1.9.7.1", "Routine Scalp Electroencephalogram Waveform Storage",
         "Routine Scalp Electroencephalogram"),
        ("1.2.840.10008.5.1.4.1.1.9.7.2", "Electromyogram Waveform Storage", "Electromyogram"),
        ("1.2.840.10008.5.1.4.1.1.9.7.3", "Electrooculogram Waveform Storage", "Electrooculogram"),
        ("1.2.840.10008.5.1.4.1.1.9.7.4", "Sleep Electroencephalogram Waveform Storage", "Sleep Electroencephalogram"),
        ("1.2.840.10008.5.1.4.1.1.9.8.1", "Body Position Waveform Storage"),
    ),
    # DICOS or DICONDE, no IOD of PS3.3; as in DCMTK.
    *_classes(
        "WAVEFORM", "F.5.24",
        ("1.2.840.10008.5.1.4.1.1.601.5", "Ultrasound Waveform Storage", ""),
        status="DICONDE",
    ),
    *_classes("WAVEFORM", "F.5.24", ("1.2.840.10008.5.1.4.1.1.9.1", "Waveform Storage - Trial", ""), status="retired"),
    *_classes(
        "SR DOCUMENT", "F.5.25",
        # Two SR documents in the range of the measurements
        ("1.2.840.10008.5.1.4.1.1.78.6", "Spectacle Prescription Report Storage"),
        ("1.2.840.10008.5.1.4.1.1.79.1", "Macular Grid Thickness and Volume Report Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.11", "Basic Text SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.22", "Enhanced SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "Comprehensive SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.34", "Comprehensive 3D SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.35", "Extensible SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.40", "Procedure Log Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.50", "Mammography CAD SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.65", "Chest CAD SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.67", "X-Ray Radiation Dose SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.68", "Radiopharmaceutical Radiation Dose SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.69", "Colon CAD SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.70", "Implantation Plan SR Storage", "Implantation Plan SR Document"),
        ("1.2.840.10008.5.1.4.1.1.88.71", "Acquisition Context SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.72", "Simplified Adult Echo SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.73", "Patient Radiation Dose SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.74", "Planned Imaging Agent Administration SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.75", "Performed Imaging Agent Administration SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.76", "Enhanced X-Ray Radiation Dose SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.88.77", "Waveform Annotation SR Storage", ""),
    ),
    # Trial class: lacks the keys of the final one; DCMTK refuses it.
    *_classes(
        "SR DOCUMENT", "F.5.25",
        ("1.2.840.10008.5.1.4.1.1.88.1", "Text SR Storage - Trial", ""),
        ("1.2.840.10008.5.1.4.1.1.88.2", "Audio SR Storage - Trial", ""),
        ("1.2.840.10008.5.1.4.1.1.88.3", "Detail SR Storage - Trial", ""),
        ("1.2.840.10008.5.1.4.1.1.88.4", "Comprehensive SR Storage - Trial", ""),
        status="retired",
    ),
    *_classes("KEY OBJECT DOC", "F.5.26", ("1.2.840.10008.5.1.4.1.1.88.59", "Key Object Selection Document Storage")),
    *_classes("SPECTROSCOPY", "F.5.27", ("1.2.840.10008.5.1.4.1.1.4.2", "MR Spectroscopy Storage")),
    *_classes("RAW DATA", "F.5.28", ("1.2.840.10008.5.1.4.1.1.66", "Raw Data Storage")),
    *_classes(
        "REGISTRATION", "F.5.29",
        ("1.2.840.10008.5.1.4.1.1.66.1", "Spatial Registration Storage"),
        ("1.2.840.10008.5.1.4.1.1.66.3", "Deformable Spatial Registration Storage"),
    ),
    *_classes("FIDUCIAL", "F.5.30", ("1.2.840.10008.5.1.4.1.1.66.2", "Spatial Fiducials Storage")),
    *_classes("HANGING PROTOCOL", "F.5.31", ("1.2.840.10008.5.1.4.38.1", "Hanging Protocol Storage")),
    *_classes(
        "ENCAP DOC", "F.5.32",
        ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF Storage"),
        ("1.2.840.10008.5.1.4.1.1.104.2", "Encapsulated CDA Storage"),
        ("1.2.840.10008.5.1.4.1.1.104.3", "Encapsulated STL Storage"),
        ("1.2.840.10008.5.1.4.1.1.104.4", "Encapsulated OBJ Storage"),
        ("1.2.840.10008.5.1.4.1.1.104.5", "Encapsulated MTL Storage"),
    ),
    *_classes("VALUE MAP", "F.5.34", ("1.2.840.10008.5.1.4.1.1.67", "Real World Value Mapping Storage")),
    *_classes("STEREOMETRIC", "F.5.35", ("1.2.840.10008.5.1.4.1.1.77.1.5.3", "Stereometric Relationship Storage")),
    *_classes("PALETTE", "F.5.36", ("1.2.840.10008.5.1.4.39.1", "Color Palette Storage")),
    *_classes("IMPLANT", "F.5.37", ("1.2.840.10008.5.1.4.43.1", "Generic Implant Template Storage")),
    *_classes("IMPLANT ASSY", "F.5.38", ("1.2.840.10008.5.1.4.44.1", "Implant Assembly Template Storage")),
    *_classes("IMPLANT GROUP", "F.5.39", ("1.2.840.10008.5.1.4.45.1", "Implant Template Group Storage")),
    *_classes(
        "PLAN", "F.5.40",
        ("1.2.840.10008.5.1.4.1.1.481.25", "RT Patient Position Acquisition Instruction Storage"),
        ("1.2.840.10008.5.1.4.34.7", "RT Beams Delivery Instruction Storage"),
        ("1.2.840.10008.5.1.4.34.10", "RT Brachy Application Setup Delivery Instruction Storage"),
    ),
    *_classes(
        "PLAN", "F.5.40",
        ("1.2.840.10008.5.1.4.34.1", "RT Beams Delivery Instruction Storage - Trial", ""),
        status="retired",
    ),
    *_classes(
        "MEASUREMENT", "F.5.41",
        ("1.2.840.10008.5.1.4.1.1.78.1", "Lensometry Measurements Storage"),
        ("1.2.840.10008.5.1.4.1.1.78.2", "Autorefraction Measurements Storage"),
        ("1.2.840.10008.5.1.4.1.1.78.3", "Keratometry Measurements Storage"),
        ("1.2.840.10008.5.1.4.1.1.78.4", "Subjective Refraction Measurements Storage"),
        ("1.2.840.10008.5.1.4.1.1.78.5", "Visual Acuity Measurements Storage"),
        ("1.2.840.10008.5.1.4.1.1.78.7", "Ophthalmic Axial Measurements Storage"),
        ("1.2.840.10008.5.1.4.1.1.78.8", "Intraocular Lens Calculations Storage"),
        ("1.2.840.10008.5.1.4.1.1.80.1", "Ophthalmic Visual Field Static Perimetry Measurements Storage"),
    ),
    *_classes("SURFACE", "F.5.42", ("1.2.840.10008.5.1.4.1.1.66.5", "Surface Segmentation Storage")),
    *_classes(
        "SURFACE SCAN", "F.5.43",
        ("1.2.840.10008.5.1.4.1.1.68.1", "Surface Scan Mesh Storage"),
        # F.5.43 names the point cloud only among the keys.
        ("1.2.840.10008.5.1.4.1.1.68.2", "Surface Scan Point Cloud Storage"),
    ),
    *_classes("TRACT", "F.5.44", ("1.2.840.10008.5.1.4.1.1.66.6", "Tractography Results Storage")),
    *_classes("ASSESSMENT", "F.5.45", ("1.2.840.10008.5.1.4.1.1.90.1", "Content Assessment Results Storage")),
    *_classes(
        "RADIOTHERAPY", "F.5.46",
        ("1.2.840.10008.5.1.4.1.1.481.10", "RT Physician Intent Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.11", "RT Segment Annotation Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.12", "RT Radiation Set Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.13", "C-Arm Photon-Electron Radiation Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.14", "Tomotherapeutic Radiation Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.15", "Robotic-Arm Radiation Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.16", "RT Radiation Record Set Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.17", "RT Radiation Salvage Record Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.18", "Tomotherapeutic Radiation Record Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.19", "C-Arm Photon-Electron Radiation Record Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.20", "Robotic Radiation Record Storage", "Robotic-Arm Radiation Record"),
        ("1.2.840.10008.5.1.4.1.1.481.21", "RT Radiation Set Delivery Instruction Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.22", "RT Treatment Preparation Storage"),
    ),
    *_classes("ANNOTATION", "F.5.47", ("1.2.840.10008.5.1.4.1.1.91.1", "Microscopy Bulk Simple Annotations Storage")),
    *_classes("INVENTORY", "F.5.48", ("1.2.840.10008.5.1.4.1.1.201.1", "Inventory Storage")),
    # As in DCMTK; newer than the text that was read.
    *_classes(
        "WF PRESENTATION", "F.5.49",
        ("1.2.840.10008.5.1.4.1.1.9.100.1", "Waveform Presentation State Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.9.100.2", "Waveform Acquisition Presentation State Storage", ""),
    ),
    # Not DICOM files.
    *_classes(
        "HL7 STRUC DOC", "F.5.33",
        ("2.16.840.1.113883.1.7.1", "HL7 CDA Release 1 document class", ""),
        ("2.16.840.1.113883.1.7.2", "HL7 CDA Release 2 document class", ""),
        status="retired",
    ),
    *_classes("OVERLAY", "F.5.5", ("1.2.840.10008.5.1.4.1.1.8", "Standalone Overlay Storage", ""), status="retired"),
    *_classes(
        "MODALITY LUT", "F.5.6",
        ("1.2.840.10008.5.1.4.1.1.10", "Standalone Modality LUT Storage", ""),
        status="retired",
    ),
    *_classes("VOI LUT", "F.5.7", ("1.2.840.10008.5.1.4.1.1.11", "Standalone VOI LUT Storage", ""), status="retired"),
    *_classes(
        "CURVE", "F.5.8",
        ("1.2.840.10008.5.1.4.1.1.9", "Standalone Curve Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.129", "Standalone PET Curve Storage", ""),
        status="retired",
    ),
    *_classes(
        "STORED PRINT", "F.5.18",
        ("1.2.840.10008.5.1.1.27", "Stored Print Storage SOP Class", ""),
        status="retired",
    ),
    # Detached objects: no other file was ever referenced by such a record; record types inferred.
    *_classes(
        "VISIT", "",
        ("1.2.840.10008.3.1.2.2.1", "Detached Visit Management SOP Class", ""),
        status="retired",
    ),
    *_classes(
        "RESULTS", "",
        ("1.2.840.10008.3.1.2.5.1", "Detached Results Management SOP Class", ""),
        status="retired",
    ),
    *_classes(
        "INTERPRETATION", "",
        ("1.2.840.10008.3.1.2.6.1", "Detached Interpretation Management SOP Class", ""),
        status="retired",
    ),
    *_classes(
        "STUDY COMPONENT", "",
        ("1.2.840.10008.3.1.2.3.2", "Study Component Management SOP Class", ""),
        status="retired",
    ),
    # The DICOMDIR itself.
    *_classes(
        "", "F.3",
        ("1.2.840.10008.1.3.10", "Media Storage Directory Storage", "Basic Directory"),
    ),
    # Not of a patient and no record type: only a PRIVATE record could reference it; DCMTK refuses it.
    *_classes(
        "", "",
        ("1.2.840.10008.5.1.4.1.1.200.1", "CT Defined Procedure Protocol Storage"),
        ("1.2.840.10008.5.1.4.1.1.200.3", "Protocol Approval Storage"),
        ("1.2.840.10008.5.1.4.1.1.200.7", "XA Defined Procedure Protocol Storage"),
        # DICOS or DICONDE, no IOD of PS3.3; as in DCMTK.
        ("1.2.840.10008.5.1.4.1.1.501.3", "DICOS Threat Detection Report Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.501.4", "DICOS 2D AIT Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.501.5", "DICOS 3D AIT Storage", ""),
        ("1.2.840.10008.5.1.4.1.1.501.6", "DICOS Quadrupole Resonance (QR) Storage", ""),
        # Of a patient but no record type: only a PRIVATE record could reference it; DCMTK takes IMAGE.
        ("1.2.840.10008.5.1.4.1.1.200.2", "CT Performed Procedure Protocol Storage"),
        ("1.2.840.10008.5.1.4.1.1.200.8", "XA Performed Procedure Protocol Storage"),
    ),
)  # fmt: skip

SOP_CLASSES: Final[dict[str, SopClass]] = {row.uid: row for row in _ALL}
"""Every Storage SOP Class by its UID."""
