"""The errors for an instance that cannot be shown, and for a library that is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from fileset.errors import FilesetError, RuleError


class PictureError(FilesetError):
    """An instance has no picture, or a frame cannot be decoded; the message gives the reason in one sentence."""

    exit_code = 3


LIBRARIES: Final = {"numpy": "numpy", "PIL": "pillow", "imagecodecs": "imagecodecs"}
"""Modules that pictures need, and the packages that contain them."""


def need_images() -> None:
    """Raise `RuleError` with the command to install the extra `images` if one of its libraries is missing."""
    missing = [name for module, name in LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise RuleError(f'pictures need {", ".join(missing)}: pip install "dicom-fileset[images]"')
