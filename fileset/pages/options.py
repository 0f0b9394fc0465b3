"""Options of the pages, and the facts about their origin that every page shows."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from fileset.errors import RuleError, one_of
from fileset.pages.languages import TEXTS

PICTURES: Final = 200
"""Most pictures of a series, by default."""


def _positive(_: object, __: object, pictures: int) -> None:
    if pictures < 1:
        raise RuleError(f"{pictures} pictures a series are too few", advice="Give a number of 1 or more")


@frozen(kw_only=True)
class WebOptions:
    """Options of the pages.

    Attributes:
        pictures: Most pictures of a series; of longer series, evenly spaced ones are shown.
        language: ISO 639-1 code of the language of the pages.
        institution: Name of the institution that makes the disc; "" for the institution in the images.
        contact: Address or telephone number of the institution, for README.TXT and the first page.
        plain: Write the pages also beside encrypted files; everyone with the medium then sees the pictures and names.

    Raises:
        RuleError: The pages do not exist in the language, or `pictures` is below 1.
    """

    pictures: int = field(default=PICTURES, validator=_positive)
    language: str = field(default="en", validator=one_of("language of pages", sorted(TEXTS)))
    institution: str = ""
    contact: str = ""
    plain: bool = False


@frozen
class Imprint:
    """The origin that every page shows: the options, the date as 2024-01-31, and the program with its version."""

    options: WebOptions
    date: str
    program: str
