"""Studies that are probably one study torn apart: anonymising file by file gives each image its own Study Instance UID."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

RULE: Final = "FS-STUDY-TORN"
_FEWEST: Final = 3
"""Studies of one instance each that look like one; two may well be two."""


def torn_studies(studies: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Report each study that was probably torn apart.

    `studies` are date and Study ID of the studies of one patient that have one instance each.
    """
    for (date, study_id), count in Counter(studies).items():
        if count >= _FEWEST and date and study_id:
            yield (
                f"{count:,} studies of one instance each have the same Study ID and date: probably one study, whose files got"
                " different Study Instance UIDs, for example when they were anonymised one by one"
            )
