"""The error for an instance that cannot be shown."""

from __future__ import annotations

from fileset.errors import FilesetError


class PictureError(FilesetError):
    """An instance has no picture, or a frame cannot be decoded; the message gives the reason in one sentence."""

    exit_code = 3
