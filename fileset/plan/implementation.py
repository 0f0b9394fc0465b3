"""The identifiers of this program in the files that it writes (PS3.10 7.1), for its conformance statement."""

from __future__ import annotations

from fileset import __version__
from fileset.part10.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from fileset.profiles.statement import Implementation
from fileset.records.describe import PRIVATE_RECORD_UID


def implementation() -> Implementation:
    """Return name, version and identifiers of this program."""
    uid, name = IMPLEMENTATION_CLASS_UID.decode("ascii"), IMPLEMENTATION_VERSION_NAME.decode("ascii")
    return Implementation("fileset", __version__, uid, name, PRIVATE_RECORD_UID)
