"""The manifest of a file-set: the SHA-256 of its files, in the form that `sha256sum -c` checks."""

from __future__ import annotations

import os

from fileset.errors import MediumError
from fileset.report import Report


def write_manifest(path: str, report: Report, *, keep: bool) -> None:
    """Write what `report` says was written to the manifest at `path`, names relative to the root of the file-set.

    `keep` what the manifest says already of other files, but for those that were removed. Nothing is written when the
    file-set was not. Raises `MediumError` if the manifest cannot be read or written.
    """
    if not report.written:
        return
    try:
        lines = _read(path) if keep else {}
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


def _read(path: str) -> dict[str, str]:
    """The lines of a manifest by the name of the file."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    return {line[66:]: line for line in lines}


def _write(path: str, text: str) -> None:
    # A manifest that is half written is worse than the old one.
    new = f"{path}.new"
    with open(new, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.replace(new, path)
