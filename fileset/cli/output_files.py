"""Check, before the work begins, that the report files can be written."""

from __future__ import annotations

import os
from argparse import Namespace

from fileset.errors import MediumError


def check_files(options: Namespace, medium: str) -> None:
    """Raise an error if the manifest or the plan cannot be written: `MediumError`, or `RefusedError` over other files.

    A report may be in a folder that will be made with the new file-set at `medium`, or in the folder above several
    volumes. It replaces only an earlier report of its kind.
    """
    from fileset.plan.report_file import check_report_file

    made = os.path.dirname(medium) if getattr(options, "volume_size", None) else medium
    for kind, path, will_be in (
        ("manifest", options.manifest, made),
        ("plan", getattr(options, "plan", None), "" if options.dry_run else made),
    ):
        if not path:
            continue
        reason = _obstacle(path, will_be)
        if reason:
            raise MediumError(
                f"the {kind} cannot be written: {reason}; nothing was done", path=path, advice="Give another name"
            )
        check_report_file(path, kind, medium)


def _obstacle(path: str, made: str) -> str:
    """Find the reason why no file can be written at `path`, "" if one can. The folder `made` will exist by then."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        return "it is a folder"
    if not os.path.isdir(folder):
        from fileset.plan.report_file import is_made_with

        return "" if made and is_made_with(folder, made) else f"there is no folder {folder}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"no permission to write in {folder}"
