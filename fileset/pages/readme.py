"""README.TXT: the maker of the disc, the program, the contents, and how to look at them. Plain ASCII with CRLF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final

from fileset.pages.languages import TEXTS, plain_ascii
from fileset.pages.options import Imprint

_WIDTH: Final = 76


WITH_DICOM: Final = (
    ("readme_what", "readme_index", "readme_pdi", "readme_dicomdir", "readme_dicom"),
    ("readme_how", "readme_browser", "readme_viewer"),
)
"""The sections of README.TXT for a file-set with pages: names of a title and of the paragraphs below it."""
ALONE: Final = (("readme_what", "readme_index", "readme_pdi"), ("readme_how", "readme_browser"))
"""The sections of README.TXT for a folder with only pages."""


def readme(imprint: Imprint, sections: Sequence[Sequence[str]]) -> bytes:
    """Return the content of README.TXT."""
    lines = (plain_ascii(line) for line in _lines(imprint, sections, TEXTS[imprint.options.language]))
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _lines(imprint: Imprint, sections: Sequence[Sequence[str]], words: Mapping[str, str]) -> Iterator[str]:
    options = imprint.options
    yield words["readme_title"]
    yield "=" * len(plain_ascii(words["readme_title"]))
    yield ""
    for name, value in (
        (words["readme_who"], options.institution or words["unknown"]),
        (words["contact"], options.contact),
        (words["readme_date"], imprint.date),
        (words["readme_program"], imprint.program),
        (words["content"], "DICOM PLUS WEB"),
    ):
        if value:
            yield from wrap(f"{name}: {' '.join(value.split())}", _WIDTH, subsequent_indent="  ")
    for title, *paragraphs in (*sections, ("readme_notice", "not_diagnostic", "readme_privacy")):
        yield ""
        yield words[title]
        yield "-" * len(plain_ascii(words[title]))
        for paragraph in paragraphs:
            yield from wrap(words[paragraph], _WIDTH, initial_indent="* ", subsequent_indent="  ")
