"""A manifest: the SHA-256 of every file of a file-set, in the form that `sha256sum` writes and checks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import file_digest, sha256
from typing import Final

from attrs import frozen

from fileset.errors import FormatError, MediumError
from fileset.file_id import FileId
from fileset.media.base import ReadableMedium
from fileset.media.open import readable
from fileset.media.system.files import not_found, path_of, real_path
from fileset.media.system.walk import contents
from fileset.plan.report_file import write_report_file
from fileset.report import Report

_LINE: Final = re.compile(r"(\\?)([0-9a-fA-F]{64}) [ *](.+)").fullmatch
_ESCAPES: Final = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}


@frozen
class Manifest:
    """The digests of files. `digests`: path relative to the root of the medium, with "/" -> SHA-256 in hexadecimal.

    `path` is the path of the manifest itself, which need not be listed.
    """

    path: str
    digests: dict[str, str]

    def unlisted(self, names: Iterable[str]) -> list[str]:
        """Select the names that the manifest does not list."""
        itself = os.path.basename(self.path)
        return [name for name in names if name not in self.digests and name.rpartition("/")[2] != itself]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Find the listed names that are not in `names`."""
        return sorted(self.digests.keys() - set(names))

    def problem(self, name: str, data: bytes) -> str:
        """Describe how the digest of `data` differs from the listed digest of `name`; "" if it does not."""
        return digest_problem(sha256(data).hexdigest(), self.digests.get(name, ""))


def digest_problem(digest: str, expected: str) -> str:
    """Describe how a digest differs from the expected one; "" if they are equal or none is expected."""
    return f"SHA-256 is {digest}, in the manifest {expected}" if expected and digest != expected else ""


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Read the manifest in a file.

    Raises `NotFoundError` if there is no such file, `MediumError` if it cannot be read, `FormatError` for a line of another
    form or a path that leads out.
    """
    name = path_of(path)
    if not os.path.lexists(name):
        raise not_found(name)
    return Manifest(name, parse_manifest(_text(name), name))


def parse_manifest(text: str, name: str) -> dict[str, str]:
    """Parse a text in the form of `sha256sum` into path -> digest; some programs of Windows put a backslash between folders.

    Raises as `read_manifest`.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        match = _LINE(line.rstrip("\r"))
        if match is None:
            raise FormatError(f"{name}, line {number}: not SHA-256, two spaces and a path, as sha256sum writes them")
        path = (
            re.sub(r"\\.", lambda pair: _ESCAPES.get(pair[0], pair[0]), match[3])
            if match[1]
            else match[3].replace("\\", "/")
        )
        path = path.removeprefix("./")
        if path.startswith("/") or ".." in path.split("/"):
            raise FormatError(
                f"{name}, line {number}: {path!a} leads out of the medium; paths are relative to its root"
            )
        digests[path] = match[2].lower()
    return digests


def write_manifest(path: str, report: Report, *, keep: bool) -> None:
    """Write the digests of all files on the medium of `report` to the manifest at `path`.

    With `keep`, an existing manifest keeps the digests of files that were not written. If the file-set was not written,
    neither is the manifest. Raises `MediumError` if the manifest cannot be read or written, `RefusedError` if the file at
    `path` is not a manifest.
    """
    if not report.written:
        return
    try:
        known = parse_manifest(_text(path), path) if keep and os.path.exists(path) else {}
        known |= {written.file_id.path: written.sha256 for written in report.written}
        names = _names(report, path) or [written.file_id.path for written in report.written]
        write_report_file(path, "manifest", _rows(report, known, names))
    except (OSError, UnicodeDecodeError, FormatError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise MediumError(
            f"the manifest cannot be written: {reason}. The file-set itself is complete", path=path
        ) from problem


def _text(path: str) -> str:
    return b"".join(map(bytes, contents(path))).decode("utf-8-sig", "surrogateescape")


def _names(report: Report, path: str) -> list[str]:
    """List the names of all files on the medium except the manifest; none if the medium can no longer be read."""
    if report.medium == "-":
        return []
    medium, _ = readable(report.medium)
    with closing(medium):
        itself = real_path(path)
        root = real_path(medium.folder) if medium.folder else ""
        return [name for name in medium.names() if not root or os.path.join(root, *name.split("/")) != itself]


def _rows(report: Report, known: dict[str, str], names: list[str]) -> Iterator[str]:
    """Format a line for each file; read the files whose digest is unknown."""
    unknown = [name for name in names if not known.get(name)]
    if unknown:
        with closing(readable(report.medium)[0]) as medium:
            known |= {name: _digest(medium, name) for name in unknown}
    return (_row(known[name], name) for name in names)


def _row(digest: str, name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != name else ''}{digest}  {escaped}\n"


def _digest(medium: ReadableMedium, name: str) -> str:
    with medium.open(FileId.tolerant(name)) as file:
        return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # all files have `readinto`
