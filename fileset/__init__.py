"""Create, index and read DICOM file-sets: the folders and discs that carry a DICOMDIR (PS3.10, PS3.3 Annex F).

`Creator` makes a file-set, `index` writes the DICOMDIR of a folder, `Reader` opens a file-set, `Updater` changes it. Each name
is loaded on first use, so that importing the package, or asking the command line for help, is fast.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; importing it would cost more than the rest of this module

if TYPE_CHECKING:
    from fileset.burn import BurnReport, Comparison, burn_image, compare_with_image
    from fileset.check import CheckReport, ProfileVerdict, check_file_set
    from fileset.check.advise import advise
    from fileset.creator import Creator, index
    from fileset.errors import (
        FilesetError,
        FindingsError,
        FormatError,
        MediumError,
        NotFoundError,
        RefusedError,
        RuleError,
    )
    from fileset.extraction import ExtractReport, extract
    from fileset.file_id import FileId
    from fileset.findings import Finding
    from fileset.pages.folder import write_pages
    from fileset.pages.options import WebOptions
    from fileset.plan.icons import Icons
    from fileset.reader import Reader
    from fileset.repair import repair_file_set
    from fileset.report import Report
    from fileset.secure.security import Security
    from fileset.tables import Table
    from fileset.transfer import SendReport, send
    from fileset.updater import Updater

__version__ = "0.2.0"

__all__ = [
    "BurnReport",
    "CheckReport",
    "Comparison",
    "Creator",
    "ExtractReport",
    "FileId",
    "FilesetError",
    "Finding",
    "FindingsError",
    "FormatError",
    "Icons",
    "MediumError",
    "NotFoundError",
    "ProfileVerdict",
    "Reader",
    "RefusedError",
    "Report",
    "RuleError",
    "Security",
    "SendReport",
    "Table",
    "Updater",
    "WebOptions",
    "__version__",
    "advise",
    "burn_image",
    "check_file_set",
    "compare_with_image",
    "extract",
    "index",
    "repair_file_set",
    "send",
    "write_pages",
]

_NAMES_IN = {
    "burn": ("BurnReport", "Comparison", "burn_image", "compare_with_image"),
    "check": ("CheckReport", "ProfileVerdict", "advise", "check_file_set"),
    "creator": ("Creator", "index"),
    "errors": (
        "FilesetError",
        "FindingsError",
        "FormatError",
        "MediumError",
        "NotFoundError",
        "RefusedError",
        "RuleError",
    ),
    "extraction": ("ExtractReport", "extract"),
    "file_id": ("FileId",),
    "findings": ("Finding",),
    "pages.folder": ("write_pages",),
    "pages.options": ("WebOptions",),
    "plan.icons": ("Icons",),
    "reader": ("Reader",),
    "repair": ("repair_file_set",),
    "report": ("Report",),
    "secure.security": ("Security",),
    "tables": ("Table",),
    "transfer": ("SendReport", "send"),
    "updater": ("Updater",),
}
_HOMES = {name: module for module, names in _NAMES_IN.items() for name in names}


def __getattr__(name: str) -> object:
    """Load the module that an exported name lives in (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)  # completion offers the public names alone
