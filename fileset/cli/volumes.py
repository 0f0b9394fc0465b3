"""Report several volumes, and write the plan."""

from __future__ import annotations

from collections.abc import Iterator
from os.path import splitext
from typing import TYPE_CHECKING, Any

from fileset.cli.findings import finding_rows
from fileset.cli.output import counted, document, json_text, picked, sized
from fileset.errors import MediumError

if TYPE_CHECKING:
    from fileset.report import Report, Volume


def in_words(volume: Volume) -> str:
    """Describe the contents of a volume on one line."""
    size = f"at most {sized(volume.planned)}" if volume.used is None else sized(volume.used)
    return (
        f"{volume.report.medium}: {counted(len(volume.report.added), 'instance')}, {size} of {sized(volume.capacity)}"
    )


def volumes_of(report: Report) -> dict[str, Any]:
    """Return the member of a JSON document about volumes, if there are any."""
    return {"volumes": [_facts(volume) for volume in report.volumes]} if report.volumes else {}


def _facts(volume: Volume) -> dict[str, Any]:
    made = volume.report
    return {
        "file_set": {"id": made.file_set_id, "uid": made.file_set_uid, "path": made.medium},
        **picked(volume, "capacity", "planned", "used"),
        "instances": len(made.added),
    }


def write_plan(path: str, report: Report) -> None:
    """Write a JSON file that lists the files of each volume. Raises `MediumError` if `path` cannot be written."""
    from fileset.plan.report_file import write_report_file

    rows = (_planned(volume) for volume in report.volumes)
    try:
        text = document("fileset.plan/1", {"volumes": rows, "findings": finding_rows(report.findings)})
        write_report_file(path, "plan", text)
    except OSError as problem:
        raise MediumError(f"the plan cannot be written: {problem.strerror or problem}", path=path) from problem


def _planned(volume: Volume) -> str:
    files = [{"source": one.source, "file_id": one.file_id.path, "sop_instance_uid": one.sop_instance_uid}
             for one in volume.report.added]  # fmt: skip
    return json_text({**_facts(volume), "instances": files})


def manifests(path: str, report: Report) -> Iterator[tuple[str, Report]]:
    """Name the manifest of each new file-set: FILE.txt, or FILE_1.txt and so on for volumes."""
    if not report.volumes:
        yield path, report
    stem, ending = splitext(path)
    for number, volume in enumerate(report.volumes, 1):
        yield f"{stem}_{number}{ending}", volume.report
