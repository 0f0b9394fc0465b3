"""The profiles that a set of files satisfies, and the reasons against the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from fileset.profiles.facts import Facts
from fileset.profiles.judge import Violation, judge
from fileset.standard.profiles import PROFILES, Profile


@frozen
class ProfileVerdict:
    """Whether all files conform to one profile: `blocked` counts the others, `reasons` has the causes, most frequent
    first, each with the number of files that it is true of.

    `about_medium` are reasons that are not about files: the kind of medium, or that files are not secured.
    """

    profile: Profile
    files: int
    blocked: int
    reasons: tuple[tuple[str, int], ...]
    about_medium: tuple[str, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Whether every file conforms, there is one, and nothing speaks against the medium."""
        return bool(self.files) and not self.blocked and not self.about_medium


@define
class Judging:
    """Judges files under several profiles, and remembers the verdict for files that are alike in every relevant value."""

    profiles: tuple[Profile, ...]
    _known: dict[Facts, tuple[tuple[Violation, ...], ...]] = field(factory=dict)

    def verdicts(self, facts: Facts) -> tuple[tuple[Violation, ...], ...]:
        """Judge a file under each of the profiles."""
        known = self._known.get(facts)
        if known is None:
            known = self._known[facts] = tuple(judge(profile, facts) for profile in self.profiles)
        return known


@define
class Advisor:
    """Counts files that are alike, and gives the advice at the end: its cost is that of the kinds of files, not of files."""

    _kinds: Counter[Facts] = field(factory=Counter)

    @property
    def files(self) -> int:
        """The number of files that were added."""
        return self._kinds.total()

    def add(self, facts: Facts) -> None:
        """Count one more file."""
        self._kinds[facts] += 1

    def advise(self, profiles: Iterable[Profile] = PROFILES.values()) -> Iterator[ProfileVerdict]:
        """Yield the advice on each profile."""
        for profile in profiles:
            blocked, reasons = 0, Counter[str]()
            for facts, number in self._kinds.items():
                violations = judge(profile, facts)
                blocked += number * bool(violations)
                for violation in violations:
                    reasons[violation.message] += number
            yield ProfileVerdict(profile, self.files, blocked, tuple(reasons.most_common()))
