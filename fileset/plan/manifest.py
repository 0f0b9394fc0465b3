"""A manifest: the SHA-256 of every file of a file-set, in the form that `sha256sum` writes and checks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from attrs import frozen

from fileset.errors import FormatError, MediumError
from fileset.media.system.files import path_of
from fileset.media.system.walk import contents
from fileset.report import Report

_LINE: Final = re.compile(r"(\\?)([0-9a-fA-F]{64}) [ *](.+)").fullmatch
_ESCAPES: Final = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}


@frozen
class Manifest:
    """`digests`: path relative to the root of the medium, with "/" between components -> SHA-256 in hexadecimal.

    `path` is the path of the manifest itself, which need not be listed.
    """

    path: str
    digests: dict[str, str]

    def unlisted(self, names: Iterable[str]) -> list[str]:
        """Return the names that the manifest does not list."""
        itself = os.path.basename(self.path)
        return [name for name in names if name not in self.digests and name.rpartition("/")[2] != itself]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return the listed names that are not in `names`."""
        return sorted(self.digests.keys() - set(names))

    def problem(self, name: str, data: bytes) -> str:
        """Return how the digest of `data` differs from that listed for `name`; "" if it does not."""
        return digest_problem(sha256(data).hexdigest(), self.digests.get(name, ""))


def digest_problem(digest: str, expected: str) -> str:
    """Return how a digest differs from the expected one; "" if they are equal or none is expected."""
    return f"SHA-256 is {digest}, in the manifest {expected}" if expected and digest != expected else ""


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Return the manifest in a file.

    Raises `MediumError` if it cannot be read, `FormatError` for a line of another form or a path that leads out.
    """
    name = path_of(path)
    text = b"".join(contents(name)).decode("utf-8", "surrogateescape")
    return Manifest(name, parse_manifest(text, name))


def parse_manifest(text: str, name: str) -> dict[str, str]:
    """Return path -> digest for a text in the form of `sha256sum`. Raises as `read_manifest`."""
    digests: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        match = _LINE(line.rstrip("\r"))
        if match is None:
            raise FormatError(f"{name}, line {number}: not SHA-256, two spaces and a path, as sha256sum writes them")
        path = re.sub(r"\\.", lambda pair: _ESCAPES.get(pair[0], pair[0]), match[3]) if match[1] else match[3]
        path = path.removeprefix("./")
        if path.startswith("/") or ".." in path.split("/"):
            raise FormatError(
                f"{name}, line {number}: {path!a} leads out of the medium; paths are relative to its root"
            )
        digests[path] = match[2].lower()
    return digests


def write_manifest(path: str, report: Report, *, keep: bool) -> None:
    """Write the digests of the files that `report` lists as written to the manifest at `path`.

    With `keep`, lines about other files stay, except for removed files. Nothing is written if the file-set was not.
    Raises `MediumError` if the manifest cannot be read or written.
    """
    if not report.written:
        return
    try:
        lines = _lines(path) if keep else {}
        for removed in report.removed:
            lines.pop(removed.file_id.path, None)
        for written in report.written:
            lines.pop(written.file_id.path, None)
            lines[written.file_id.path] = f"{written.sha256}  {written.file_id.path}"
        _write(path, "".join(f"{line}\n" for line in lines.values()))
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise MediumError(
            f"the manifest cannot be written: {reason}. The file-set itself is complete", path=path
        ) from problem


def _lines(path: str) -> dict[str, str]:
    """Return path -> line of an existing manifest."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return {line[66:]: line for line in file.read().splitlines()}


def _write(path: str, text: str) -> None:
    # Written under another name first: half a manifest is worse than the old one.
    new = f"{path}.new"
    with open(new, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.replace(new, path)
