"""The errors that leave the public API because of data or media.

Two-sided, after h11: `RuleError` says that the caller asked for what the Standard forbids,
`FormatError` that the medium handed us something illegal. `exit_code` is what the command line returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

DONE: Final = "the change was complete by then"
"""What an interruption is noted with that came too late to undo anything."""


class FilesetError(Exception):
    """Root of every error that `fileset` raises because of data, media or requests."""

    exit_code = 5


class RuleError(FilesetError, ValueError):
    """The request would break a rule of the Standard; nothing was written."""

    exit_code = 2


class RefusedError(RuleError):
    """The request is refused because it could lose or endanger data; nothing was written."""

    exit_code = 6


class FormatError(FilesetError, ValueError):
    """The medium holds something that cannot be read as what it should be."""

    exit_code = 4


class FindingsError(ExceptionGroup[FormatError], FormatError):
    """All that is wrong with a medium, raised at once by who asked for that: `exceptions` has one error for each finding.

    A group, for `except*`, and a `FilesetError` like all others.
    """

    def derive(self, excs: Sequence[FormatError]) -> FindingsError:  # type: ignore[override]  # no other kind is in it
        """A group of some of these errors."""
        return FindingsError(self.message, excs)


class MediumError(FilesetError):
    """The medium failed: an I/O error, no space, no permission, a file that is not there."""

    exit_code = 5
