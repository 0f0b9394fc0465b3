"""`fileset drives`: list the discs and sticks with a DICOMDIR that are in drives."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any, Final

from fileset.cli.options import add_common
from fileset.cli.output import aligned, counted, escaped, json_text, say, write, write_document
from fileset.errors import FilesetError

if TYPE_CHECKING:
    from fileset.burn.drives import Drive

EXAMPLES: Final = ("fileset drives", "fileset drives --json")
UNREADABLE: Final = 5
"""Exit code: the medium in a drive cannot be read."""
NOTHING: Final = "no disc or stick was found. To read a disc that is not mounted, name its drive: fileset list /dev/sr0"
_COLUMNS: Final = ("path", "device", "kind", "file_set_id", "patients", "instances")


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset drives [options]"
    add_common(parser, progress=False)
    parser.epilog = "Media without a DICOMDIR are counted on standard error; -v names each."


def run(options: Namespace) -> int:
    """List the media; those without a DICOMDIR go to standard error."""
    from fileset.burn.drives import file_sets_on, mounted_drives

    places = {drive: file_sets_on(drive) for drive in mounted_drives()}
    rows = [_row(drive, folder) for drive, folders in places.items() for folder in folders]
    others = [drive.root for drive, folders in places.items() if not folders]
    if options.json:
        write_document("fileset.drives/1", {"drives": map(json_text, rows), "without_dicomdir": others})
    else:
        _table(rows)
        if others and not options.quiet:
            names = f": {', '.join(others)}" if options.verbose else ""
            say(f"{counted(len(others), 'medium', 'media')} without a DICOMDIR{names}")
        if not (places or options.quiet):
            say(NOTHING)
    return UNREADABLE if any(row["error"] for row in rows) else 0


def _row(drive: Drive, folder: str) -> dict[str, Any]:
    """Collect the facts about a file-set in a drive; `error` is the reason why it cannot be read."""
    from fileset.reader import Reader

    kind = "disc" if drive.optical else "stick"
    row: dict[str, Any] = {"path": folder, "device": drive.device, "kind": kind, "file_system": drive.kind}
    row |= dict.fromkeys(("file_set_id", "patients", "instances", "error"))
    try:
        with Reader(folder) as reader:
            numbers = {name: len(getattr(reader, name)) for name in ("patients", "instances")}
            return row | {"file_set_id": reader.file_set_id} | numbers
    except FilesetError as problem:
        return row | {"error": problem.text(known_path=folder, command=True)}


def _table(rows: list[dict[str, Any]]) -> None:
    """Write a line for each medium under a heading; none if there are no media."""
    cells = [["" if row[name] is None else escaped(str(row[name])) for name in _COLUMNS] for row in rows]
    write(aligned([_COLUMNS, *cells]) if cells else ())
    for row in rows:
        if row["error"]:
            say(f"{row['path']}: {row['error']}")
