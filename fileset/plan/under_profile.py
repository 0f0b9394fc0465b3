"""Write a file-set under an application profile (PS3.11), which decides keys, icons, medium and allowed files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from fileset.errors import Advice, RuleError
from fileset.findings import Finding, Where
from fileset.plan.icons import Icons
from fileset.records.key_choice import KeyChoice
from fileset.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from fileset.media.base import FileSetInfo
    from fileset.plan.transcoding import Transcoding
    from fileset.plan.workers import Workers
    from fileset.profiles.find import Profile

_SECURE: Final = "demands that every file is a Secure DICOM File (PS3.15 D.1)"
_ENCRYPT: Final = Advice(
    "Give `security=Security(recipients=...)`, or a password, or name the profile without SEC",
    "Name recipients with --encrypt-to, or give a --password-file, or name the profile without SEC",
)
_NAME_ONE: Final = Advice("Give `profile=`, such as STD-GEN-CD", "Add --profile ID, such as STD-GEN-CD")
_NOT_SECURE: Final = "does not allow Secure DICOM Files (PS3.11 X.3.5)"
_NAME_SECURE: Final = "Name a profile with SEC, such as STD-GEN-SEC-CD, or leave out the recipients and the password"


@frozen
class UnderProfile:
    """The profile of a new file-set; without one, the choices of the user hold unchanged.

    `strict`: write nothing unless every file conforms. `caveat`: the step that remains for the user, such as copying the
    folder to a stick.
    """

    profile: Profile | None = None
    strict: bool = False
    caveat: str = ""

    @property
    def id(self) -> str:
        """Identifier of the profile, "" for none."""
        return self.profile.id if self.profile else ""

    def keys(self, choice: KeyChoice) -> KeyChoice:
        """Return the choice of keys, with the additions of the profile."""
        return evolve(choice, table=self.profile.keys) if self.profile else choice

    def icons(self, wanted: Icons | None) -> Icons | None:
        """Return the choice of icons: the icons that the profile requires, in the size that it allows."""
        if self.profile is None:
            return wanted
        rule = self.profile.icon
        if rule.required:
            return Icons("image", rule.size)
        return evolve(wanted, size=rule.size) if wanted and rule.size else wanted

    def transcoding(self, workers: Workers) -> Transcoding:
        """Return the transcoding to the syntaxes of the profile. Raises `RuleError` without a profile."""
        if self.profile is None:
            reason = "transcoding needs an application profile, which names the allowed transfer syntaxes"
            raise RuleError(reason, advice=_NAME_ONE)
        from fileset.plan.transcoding import Transcoding

        return Transcoding(self.profile, workers)

    def judge(self, report: Report) -> None:
        """Report the step that the user must do with the medium. Raises `RuleError` if `strict` and a file does not conform."""
        if self.caveat:
            report.findings.append(Finding("PR-MEDIUM-UNKNOWN", self.caveat, Where(report.medium)))
        refused = [one for one in report.skipped if one.rule.startswith("PR-")]
        if self.strict and refused:
            raise RuleError(
                f"{len(refused)} of the files do not conform to {self.id}: nothing was written. The first is "
                f"{refused[0].source}: {refused[0].reason}"
            )

    def unjudged(self, kept: int, medium: str) -> list[Finding]:
        """Return the finding that `kept` instances of a file-set were not judged; none if there are none."""
        if self.profile is None or not kept:
            return []
        message = (
            f"instances that were on the medium before are not judged ({kept:,}): "
            f"`fileset check {medium} --profile {self.profile.id}` judges all of them"
        )
        return [Finding("PR-KEPT-UNKNOWN", message, Where(medium))]


def under_profile(
    identifier: str | None,
    form: str,
    inquire: Callable[[], FileSetInfo],
    *,
    strict: bool,
    is_secure: bool,
) -> UnderProfile:
    """Find the profile with this identifier.

    Raises `RuleError` if there is no such profile, if `strict` comes without one, or if the profile does not allow a medium
    of `form` with the file systems that `inquire` finds. Also raises it if the profile demands encrypted files and they are
    not (`is_secure`), or forbids them and they are.
    """
    if identifier is None and strict:
        raise RuleError("a strict file-set needs an application profile, to which its files conform", advice=_NAME_ONE)
    if identifier is None:
        return UnderProfile()
    from fileset.profiles.find import find_profile  # load the tables of all profiles only if one is named
    from fileset.profiles.judge import medium_caveat, medium_fault

    profile = find_profile(identifier)
    kind = form, inquire().file_systems
    fault = medium_fault(profile, *kind)
    if fault:
        raise RuleError(fault)
    if profile.secure and not is_secure:
        raise RuleError(f"{profile.id} {_SECURE}", advice=_ENCRYPT)
    if is_secure and not profile.secure:
        raise RuleError(f"{profile.id} {_NOT_SECURE}", advice=_NAME_SECURE)
    return UnderProfile(profile, strict, medium_caveat(profile, *kind))
