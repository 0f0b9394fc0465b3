"""The options that the Creator and the Updater share, and the way from sources to records under these options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define, field

from fileset.errors import RuleError, one_of
from fileset.findings import Finding
from fileset.plan.add_header import add_headers
from fileset.plan.copy_findings import PREAMBLES, Preamble
from fileset.plan.icons import IconPlace, Icons, icons_added, icons_wanted
from fileset.plan.identity import IdentityCheck
from fileset.plan.inputs import Sources
from fileset.plan.native_documents import NativeDocuments
from fileset.plan.scan import Outcome, outcomes
from fileset.plan.under_profile import UnderProfile, under_profile
from fileset.plan.workers import Phases, Workers, phase
from fileset.records.arranged import Arranged
from fileset.records.describe import InvalidUid, Missing, Policy, UnknownSopClass
from fileset.records.key_choice import parse_keys
from fileset.records.person import CONFLICTS, PatientConflict
from fileset.report import Report

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from fileset.media.base import FileSetInfo
    from fileset.plan.transcoding import Transcoding
    from fileset.secure.security import Security


@define
class Intake:
    """The way from sources to described instances, under the options of a role.

    Attributes:
        profile: The application profile that every file must conform to.
        policy: How records are made.
        icons: The icons that records get.
        transcoding: Changes files to a transfer syntax of the profile.
        workers: Returns the processes that share the work of a phase.
        adds_headers: Whether data sets get a Part 10 header.
        clears_preambles: Whether preambles that are neither zero nor TIFF become zero in the copy.
        trusts_dicomdir: Whether the record counts if a source and its record disagree.
        reconciles: Whether files get new values; then a file that disagrees with its record is left out.
        check: Compares the sources of the last call of `outcomes` with their records.
    """

    profile: UnderProfile
    policy: Policy
    icons: Icons | None
    transcoding: Transcoding | None
    workers: Callable[[str], Workers]
    adds_headers: bool = False
    clears_preambles: bool = False
    trusts_dicomdir: bool = False
    reconciles: bool = False
    check: IdentityCheck | None = field(default=None, init=False)

    def add_headers(self, sources: Sources, indexes: Iterable[int]) -> list[Finding]:
        """Add a Part 10 header to data sets without one, if `adds_headers`, with a finding for each."""
        return list(add_headers(sources, indexes)) if self.adds_headers else []

    def transcode(self, sources: Sources, indexes: Iterable[int]) -> None:
        """Transcode sources, if `transcoding` is set."""
        if self.transcoding is not None:
            self.transcoding.replace(sources, indexes)

    def outcomes(self, sources: Sources, *, changed: bool = False) -> Iterator[Outcome]:
        """Scan the sources in order; `changed`: files get new values."""
        self.check = IdentityCheck(sources, self.trusts_dicomdir, self.reconciles)
        scanned = outcomes(sources, self.policy, self.workers("scan"))
        if self.transcoding is not None:
            scanned = self.transcoding.explained(sources, scanned)
        return self.check.compared(NativeDocuments(sources, self.policy, changed=changed).taken(scanned))

    def with_icons(self, nodes: Arranged, sources: Sources) -> tuple[Arranged, list[Finding]]:
        """Add the chosen icons to records, with a finding for each icon that cannot be made."""
        return icons_added(nodes, self.icons, sources, self.workers("icons"))

    def findings(self) -> Iterator[Finding]:
        """List the findings of transcoding and of the comparison with records; each once."""
        yield from dict.fromkeys(self.transcoding.findings) if self.transcoding else ()
        yield from self.check.findings if self.check else ()


Method = TypeVar("Method", bound=Callable[..., Any])


def request(method: Method) -> Method:
    """Make a method of a `WritingRole` note that a change is asked for, unless the method raises.

    The method raises `RuleError` if everything is already written.
    """

    @wraps(method)
    def noted(self: WritingRole, *args: Any, **keys: Any) -> Any:
        self._refuse_written()
        result = method(self, *args, **keys)
        self._asked = True
        return result

    return cast("Method", noted)


@define(kw_only=True, slots=False, eq=False, repr=False)
class WritingRole:
    """The part of the Creator and the Updater that is the same: the options for new files, which `Creator` describes, the
    report and the context.
    """

    _missing: Missing = "invent"
    _unknown_sop_class: UnknownSopClass = "image"
    _invalid_uid: InvalidUid = "accept"
    _patient_conflict: PatientConflict = field(default="refuse", validator=one_of("patient_conflict", CONFLICTS))
    _keys: str = "usual"
    _preamble: Preamble = field(default="keep", validator=one_of("treatment of preambles", PREAMBLES))
    _trust_dicomdir: bool = False
    _add_header: bool = False
    _icons: Icons | IconPlace | None = None
    _profile: str | None = None
    _strict: bool = False
    _transcode: bool = False
    _jobs: int | None = None
    _executor: Executor | None = None
    _progress: Phases | None = None
    _security: Security | None = None
    _report: Report | None = field(default=None, init=False)
    _asked: bool = field(default=False, init=False)
    _intake: Intake = field(init=False)
    _sources: Sources = field(init=False)

    @property
    def report(self) -> Report:
        """The report of `commit`. Raises `RuleError` before that."""
        if self._report is None:
            raise RuleError("there is no report before the file-set is written")
        return self._report

    def __enter__(self) -> Self:
        return self

    @property
    def _is_written(self) -> bool:
        return self._report is not None and not self._report.dry_run

    def _refuse_written(self) -> None:
        if self._is_written:
            raise RuleError("the update is already written: open the file-set again to change it further")

    def _reported(self, report: Report) -> Report:
        """Keep the report on everything that was asked for so far."""
        self._report, self._asked = report, False
        return report

    def _writes_at_exit(self) -> bool:
        """Decide whether a clean exit writes. Raises `RuleError` if more was asked for after a dry run."""
        if self._report is not None and self._asked:
            reason = "nothing was written: after `commit(dry_run=True)` more was asked for"
            raise RuleError(reason, advice="Call `commit()` before the context ends")
        return self._report is None

    def _workers(self, name: str) -> Workers:
        return Workers(self._jobs, self._executor, phase(self._progress, name))

    @request
    def add_hl7_document(self, path: str | os.PathLike[str], *, native: bool = False) -> None:
        """Add an HL7 CDA document (Release 2, XML) as an Encapsulated CDA instance (PS3.10-2011 Annex B).

        Patient, identifier, time, type and title come from the header of the document. With `native`, the document itself
        (XML or a MIME package) becomes a file of the file-set, under the HL7 STRUC DOC record, retired in 2018. Raises
        `FormatError` if the file is not an HL7 CDA document.
        """
        from fileset.plan.hl7_document import add_document

        add_document(self._sources, path, self._intake.policy, native=native)

    def _intake_for(
        self, form: str, inquire: Callable[[], FileSetInfo], *, is_secure: bool, reconciles: bool = False
    ) -> Intake:
        """Build the intake for a medium of this form that the options ask for. Raises as `under_profile`."""
        profile = under_profile(self._profile, form, inquire, strict=self._strict, is_secure=is_secure)
        choice = profile.keys(parse_keys(self._keys))
        return Intake(
            profile,
            Policy(self._missing, self._unknown_sop_class, self._invalid_uid, choice, profile.id),
            profile.icons(icons_wanted(self._icons)),
            profile.transcoding(self._workers("transcode")) if self._transcode else None,
            self._workers,
            self._add_header,
            self._preamble == "zero",
            self._trust_dicomdir,
            reconciles,
        )
