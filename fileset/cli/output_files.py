"""Check, before the work begins, that the report files can be written."""

from __future__ import annotations

import os
from argparse import Namespace

from fileset.errors import MediumError


def check_files(options: Namespace, medium: str) -> None:
    """See before anything is written that the manifest and the plan can be. Raises `MediumError` if not.

    They may lie in a folder that is made with the new file-set at `medium`, unless nothing is made; of several volumes the
    folder above them is. A manifest takes the place of the one that is there; a plan may go to anything that can be
    written, such as a pipe.
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
    """Why no new file can be written at `path`, "" if nothing shows that; the folder `made` will be there."""
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
