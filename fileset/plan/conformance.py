"""The judgement of a source under an application profile (PS3.11), in the process that reads its header."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fileset.dicom.header import HeaderError, Reading

if TYPE_CHECKING:
    from fileset.profiles.advisor import Judging


@cache
def _judging(profile_id: str) -> Judging:
    from fileset.profiles.advisor import Judging
    from fileset.profiles.find import find_profile

    return Judging((find_profile(profile_id),))


def require_conformance(read: Reading, profile_id: str) -> None:
    """Raise `HeaderError` with all that is wrong with the file that `read` reads under a profile."""
    from fileset.profiles.facts import read_facts

    violations = _judging(profile_id).verdicts(read_facts(read))[0]
    if violations:
        raise HeaderError(violations[0].rule, "; ".join(violation.message for violation in violations))
