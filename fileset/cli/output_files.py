"""Check, before the work begins, that the report files can be written."""

from __future__ import annotations

import os
from argparse import Namespace

from fileset.errors import MediumError


def check_files(options: Namespace, medium: str) -> None:
    """Raise `MediumError` if the manifest or the plan cannot be written.

    They may be in a folder that will be made with the new file-set at `medium`; with several volumes, in the folder above
    them. A manifest replaces an existing one; a plan may go to anything writable, such as a pipe.
    """
    made = os.path.dirname(medium) if getattr(options, "volume_size", None) else medium
    plan = getattr(options, "plan", None) or ""
    goes_on = os.path.exists(plan) and not os.path.isdir(plan)
    for what, path, reason in (
        ("manifest", options.manifest, _obstacle(options.manifest, made)),
        ("plan", plan, _closed(plan) if goes_on else _obstacle(plan, "" if options.dry_run else made)),
    ):
        if reason:
            raise MediumError(f"the {what} cannot be written: {reason}. Nothing was done: give another name", path=path)


def _closed(path: str) -> str:
    return "" if os.access(path, os.W_OK) else "no permission to write"


def _obstacle(path: str | None, made: str) -> str:
    """Return why no file can be written at `path`, "" if it can; the folder `made` will exist."""
    if not path:
        return ""
    folder = os.path.dirname(path) or "."
    if os.path.exists(path) and not os.path.isfile(path):
        return "it exists and is not a file"
    if not os.path.isdir(folder):
        return "" if made and _is_above(folder, made) else f"there is no folder {folder}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"no permission to write in {folder}"


def _is_above(folder: str, medium: str) -> bool:
    outer, inner = os.path.realpath(folder), os.path.realpath(medium)
    return os.path.commonpath((outer, inner)) == outer
