"""The calls of the operating system that runs this process."""

from __future__ import annotations

import sys
from typing import Final

from fileset.media.system.interface import SystemCalls

if sys.platform == "win32":
    from fileset.media.system import windows

    system: Final[SystemCalls] = windows
elif sys.platform == "darwin":
    from fileset.media.system import darwin

    system: Final[SystemCalls] = darwin
else:
    from fileset.media.system import linux

    system: Final[SystemCalls] = linux
