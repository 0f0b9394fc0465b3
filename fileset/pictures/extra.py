"""Whether the libraries for pictures are installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from fileset.errors import RuleError

LIBRARIES: Final = {"numpy": "numpy", "PIL": "pillow", "imagecodecs": "imagecodecs"}
"""Modules that pictures need, and the packages that contain them."""


def need_images() -> None:
    """Raise `RuleError` with the command that installs them if a library of the extra `images` is missing."""
    missing = [name for module, name in LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise RuleError(f'pictures need {", ".join(missing)}: pip install "dicom-fileset[images]"')
