"""UIDs that several rooms compare with (PS3.6 Table A-1)."""

from __future__ import annotations

from typing import Final

DIRECTORY_CLASS: Final = b"1.2.840.10008.1.3.10"
"""Media Storage Directory Storage: the SOP class of a DICOMDIR (PS3.10 8.6)."""
