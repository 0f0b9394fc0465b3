"""The JSON document of the verbs that write."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any

from fileset.cli.findings import finding_rows
from fileset.cli.output import json_text, picked, write_document
from fileset.cli.volumes import volumes_of

if TYPE_CHECKING:
    from fileset.report import Added, Removed, Report


def write_report_document(report: Report, options: Namespace, schema: str, *, complete: bool) -> None:
    """Write the report as one JSON document on standard output."""
    write_document(
        schema,
        {
            "file_set": {"id": report.file_set_id, "uid": report.file_set_uid, "path": report.medium},
            "dry_run": report.dry_run,
            "complete": complete,
            "written": {"files": len(report.written), "bytes": sum(one.size for one in report.written)},
            "seconds": round(monotonic() - options.began, 3),
            **volumes_of(report),
            **_replaced_rows(report),
            "added": _added_rows(report),
            "removed": map(_removed, report.removed),
            "refreshed": map(_added, report.refreshed),
            "skipped": (json_text(picked(one, "source", "rule", "reason")) for one in report.skipped),
            "findings": finding_rows(report.findings),
        },
    )


def _replaced_rows(report: Report) -> dict[str, Any]:
    """Return the member about replaced file-sets, if there are any."""
    rows = [{"path": one.medium, "instances": one.instances, "kept_files": one.kept} for one in report.replaced]
    return {"replaced": rows} if rows else {}


def _added_rows(report: Report) -> Iterator[str]:
    if not report.volumes:
        return map(_added, report.added)
    return (_added(one, volume=at) for at, volume in enumerate(report.volumes, 1) for one in volume.report.added)


def _added(one: Added, **more: object) -> str:
    row = {"source": one.source, "file_id": one.file_id.path} | picked(one, "record_type", "sop_instance_uid")
    return json_text(row | more)


def _removed(one: Removed) -> str:
    return json_text({"file_id": one.file_id.path} | picked(one, "record_type", "sop_instance_uid", "deleted"))
