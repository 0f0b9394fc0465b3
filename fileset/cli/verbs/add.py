"""`fileset add`: add files to a file-set, replace instances, or read the keys of instances again from their files."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from fileset.cli.findings import PARTLY
from fileset.cli.options import add_format, keys_of
from fileset.cli.progress import progress
from fileset.cli.read_options import tell_unmatched
from fileset.cli.verbs.create import SCHEMES
from fileset.cli.write_report import add_identification, add_preamble, add_rules, add_writing, check_files, rules, tell
from fileset.errors import RuleError

_CHANGES: Final = ("refresh", "file_set_id", "descriptor", "descriptor_charset")


def configure(parser: ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.usage = "fileset add MEDIUM SOURCE... [options]"
    parser.add_argument("medium", metavar="MEDIUM", help="a folder or image with a DICOMDIR")
    add_format(parser)
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="DICOM files, and folders with all below them")
    parser.add_argument(
        "--replace", action="store_true", help="let files take the place of instances with the same UID, other contents"
    )
    parser.add_argument(
        "--refresh",
        nargs="*",
        metavar="KEY=VALUE",
        help="read the keys of all that matches again from the files, so that nothing old stays in the DICOMDIR",
    )
    parser.add_argument("--naming", choices=SCHEMES, default="counter", help="how files are named (default: counter)")
    add_identification(parser)
    add_preamble(add_rules(parser))
    add_writing(parser)


def run(options: Namespace) -> int:
    """Change the file-set, and report."""
    from fileset.updater import Updater

    if not (options.sources or any(getattr(options, name) is not None for name in _CHANGES)):
        raise RuleError("add: say what, as files or folders, or --refresh, or a new identification")
    keys = keys_of(options.refresh or ())
    check_files(options, options.medium)
    chosen = {"medium_format": options.format, "naming": options.naming, "preamble": options.preamble, **rules(options)}
    with progress(options) as phases, Updater(options.medium, progress=phases, **chosen) as updater:
        refreshed = updater.refresh(**keys) if options.refresh is not None else 0
        updater.add(*options.sources, replace=options.replace)
        if options.file_set_id is not None:
            updater.file_set_id = options.file_set_id
        if options.descriptor is not None:
            updater.descriptor_file_id = options.descriptor or None
        if options.descriptor_charset is not None:
            updater.descriptor_character_set = options.descriptor_charset
        report = updater.commit(dry_run=options.dry_run)
    code = tell(report, options, "add")
    if refreshed or not keys:
        return code
    tell_unmatched(keys, options, updater.absent)
    return PARTLY
