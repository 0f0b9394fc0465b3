"""A manifest of SHA-256 digests, in the form of `sha256sum`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from attrs import frozen

from fileset.check.places import Collector
from fileset.errors import FormatError
from fileset.media.system.files import path_of
from fileset.media.system.walk import contents

_LINE: Final = re.compile(r"(\\?)([0-9a-fA-F]{64}) [ *](.+)").fullmatch
_ESCAPES: Final = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}


@frozen
class Manifest:
    """`digests`: path relative to the root of the medium, "/" between components -> SHA-256 in hexadecimal.

    `path` is where the manifest itself lies: it need not name itself.
    """

    path: str
    digests: dict[str, str]

    def check_names(self, names: Sequence[str], to: Collector) -> None:
        """The manifest and the medium name the same files."""
        own = os.path.basename(self.path)
        for name in names:
            if name not in self.digests and name.rpartition("/")[2] != own:
                to.at_file("FS-HASH-UNLISTED", "not in the manifest", name)
        for name in sorted(self.digests.keys() - set(names)):
            to.at_file("FS-HASH-MISSING", "in the manifest, but not on the medium", name)

    def check_contents(self, name: str, data: bytes, to: Collector) -> None:
        """A file that is at hand."""
        wrong = digest_fault(sha256(data).hexdigest(), self.digests.get(name, ""))
        if wrong:
            to.at_file("FS-HASH-DIFFERS", wrong, name)


def digest_fault(found: str, expected: str) -> str:
    """What is wrong with a digest; "" if it is as expected, or nothing is."""
    return f"SHA-256 is {found}, the manifest says {expected}" if expected and found != expected else ""


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """The manifest in a file.

    Raises `MediumError` if it cannot be read, `FormatError` for a line of another form, or a path that leads out.
    """
    name = path_of(path)
    text = b"".join(contents(name)).decode("utf-8", "surrogateescape")
    return Manifest(name, parse_manifest(text, name))


def parse_manifest(text: str, name: str) -> dict[str, str]:
    """The digests in a text in the form of `sha256sum`; raises as `read_manifest`."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        match = _LINE(line.rstrip("\r"))
        if match is None:
            raise FormatError(f"{name}, line {number}: not SHA-256, two spaces and a path, as sha256sum writes them")
        path = re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), match[3]) if match[1] else match[3]
        path = path.removeprefix("./")
        if path.startswith("/") or ".." in path.split("/"):
            raise FormatError(
                f"{name}, line {number}: {path!a} leads out of the medium; paths are relative to its root"
            )
        found[path] = match[2].lower()
    return found
