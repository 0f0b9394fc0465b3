"""Check that the libraries of the extra `images` are installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from fileset.errors import RuleError

LIBRARIES: Final = {"numpy": "numpy", "PIL": "pillow", "imagecodecs": "imagecodecs"}
"""Modules that pictures need, and the packages that contain them."""


def need_images() -> None:
    """Raise `RuleError` with the command to install the extra `images` if one of its libraries is missing."""
    missing = [name for module, name in LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise RuleError(f'pictures need {", ".join(missing)}: pip install "dicom-fileset[images]"')
