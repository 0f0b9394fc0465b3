"""`fileset conformance`: the conformance statement for media, in the form of PS3.2."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from fileset.cli.options import add_common, add_flag
from fileset.cli.output import picked, write, write_document

EXAMPLES: Final = ("fileset conformance > conformance.md", "fileset conformance --html > conformance.html")


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "fileset conformance [options]"
    add_flag(parser, "--html", "write HTML (default: Markdown)")
    add_common(parser, progress=False)


def run(options: Namespace) -> int:
    """Write the statement to standard output."""
    from fileset.plan.implementation import implementation
    from fileset.profiles.statement import as_html, as_markdown, sections

    one = implementation()
    if options.json:
        found = [
            picked(part, "number", "title") | {"text": part.paragraphs, "table": part.table} for part in sections(one)
        ]
        write_document("fileset.conformance/1", {"sections": found})
    else:
        write(as_html(one) if options.html else as_markdown(one))
    return 0
