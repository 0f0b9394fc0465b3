"""Independent judges of a file-set: tools of other people.

A judge takes the folder of a file-set and returns a `Verdict`. If its tool is not installed, the test is skipped with that
reason. Its docstring names the faults that it cannot find. None finds everything, so use `judge_file_set`, which asks all.
`test_judges` proves that each judge rejects the faults that it should find.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import pytest
from attrs import evolve, frozen
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian

from tests.support import synthetic

TIMEOUT = 20.0
"""Most seconds for a tool: `dcdirdmp` and pydicom never end in a loop of offsets."""


@frozen
class Verdict:
    """The verdict of a judge: its `errors`, and the SOP Instance UIDs that it found; None if it does not list them."""

    judge: str
    errors: tuple[str, ...] = ()
    instances: frozenset[str] | None = None

    @property
    def ok(self) -> bool:
        """Whether the judge found no error."""
        return not self.errors

    def without(self, pattern: str) -> Verdict:
        """Return the verdict without the errors that match."""
        return evolve(self, errors=tuple(error for error in self.errors if not re.search(pattern, error)))


@frozen
class Output:
    """The output of a tool; `code` is None if it did not end in time."""

    code: int | None
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """All lines that the tool wrote."""
        return [*self.stdout.splitlines(), *self.stderr.splitlines()]

    def failure(self, tool: str) -> list[str]:
        """Return an error line if the tool failed, was killed, or did not end in time."""
        return [] if self.code == 0 else [f"{tool}: " + ("no end" if self.code is None else f"exit code {self.code}")]


def find_tool(name: str) -> str | None:
    """Find an executable on the PATH, else beside this Python, where PyPI packages install theirs.

    The folder of this Python comes last even if the PATH names it first, because pynetdicom installs its own `storescp` and
    `storescu` there, which take other options.
    """
    ours = str(Path(sys.executable).parent)
    others = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder != ours]
    return shutil.which(name, path=os.pathsep.join((*others, ours)))


def need_tool(name: str) -> str:
    """Return the path of an executable; skip the test if it is not installed."""
    return find_tool(name) or pytest.skip(f"{name} is not installed")


def run_tool(name: str, *arguments: str | Path, cwd: Path | None = None) -> Output:
    """Run a tool for at most `TIMEOUT` seconds; skip the test if it is not installed."""
    return run_command([need_tool(name), *map(str, arguments)], cwd)


def run_command(command: Sequence[str], cwd: Path | None = None, stdout: int | BinaryIO = subprocess.PIPE) -> Output:
    """Run a command for at most `TIMEOUT` seconds; its standard output may go into a file."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdout=stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            told, complained = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the tool may be the child of a script
            return Output(None, "", "")
    return Output(process.returncode, (told or b"").decode(errors="replace"), complained.decode(errors="replace"))


# --- reading the records without code of fileset --------------------------------------------------------------------


@frozen(eq=False)
class Node:
    """A directory record as pydicom decodes it, with its place in the tree."""

    record: Dataset
    parent: Node | None

    @property
    def type(self) -> str:
        """Directory Record Type."""
        return str(self.record.DirectoryRecordType)

    @property
    def file_id(self) -> str:
        """Referenced File ID with `/` between components, else ""."""
        return "/".join(components(self.record))


def components(record: Dataset) -> list[str]:
    """Return the components of Referenced File ID (0004,1500); an empty list without it."""
    value = record.get("ReferencedFileID")
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def read_directory(dicomdir: Path) -> Dataset:
    """Read the DICOMDIR with pydicom, without warnings. Raises ValueError if pydicom cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(dicomdir)
        except (InvalidDicomError, OSError, KeyError, NotImplementedError) as error:
            raise ValueError(f"pydicom cannot read it: {error!r}") from error
    if "DirectoryRecordSequence" not in dataset:
        raise ValueError("pydicom finds no directory records")
    return dataset


def walk(dicomdir: Path) -> Iterator[Node]:
    """Yield the records in the order of their links. Raises ValueError for an offset that leads nowhere or back."""
    dataset = read_directory(dicomdir)
    by_offset = {record.seq_item_tell: record for record in dataset.DirectoryRecordSequence}
    yield from _entity(dataset.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity, None, by_offset)
    if by_offset:
        raise ValueError(f"no link leads to the records at {sorted(by_offset)}")


def _entity(offset: int, parent: Node | None, left: dict[int, Dataset]) -> Iterator[Node]:
    while offset:
        record = left.pop(offset, None)
        if record is None:
            raise ValueError(f"offset {offset} leads nowhere, or back")
        node = Node(record, parent)
        yield node
        yield from _entity(record.OffsetOfReferencedLowerLevelDirectoryEntity, node, left)
        offset = record.OffsetOfTheNextDirectoryRecord


def instances(dicomdir: Path) -> dict[str, str]:
    """Map File ID to SOP Instance UID for all records that reference a file, linked or not, in the order of the file."""
    records: Sequence[Dataset] = read_directory(dicomdir).DirectoryRecordSequence
    found = {"/".join(components(record)): str(record.get("ReferencedSOPInstanceUIDInFile", "")) for record in records}
    found.pop("", None)
    return found


# --- the judges -----------------------------------------------------------------------------------------------------


@frozen
class FalseAlarm:
    """An error of `dciodvfy` about records of one type that is not an error by the Standard, and the reason.

    With `sop_classes`, it covers only records that reference instances of these.
    """

    record_type: str
    pattern: str
    reason: str
    sop_classes: frozenset[str] = frozenset()

    def covers(self, record: Dataset, error: str) -> bool:
        """Return whether the error about the record is this one."""
        sop_class = record.get("ReferencedSOPClassUIDInFile", "")
        return (
            record.DirectoryRecordType == self.record_type
            and (not self.sop_classes or sop_class in self.sop_classes)
            and re.search(self.pattern, error) is not None
        )


_NO_RELATIONSHIP: Final = frozenset(
    ("1.2.840.10008.5.1.4.1.1.131", *(f"1.2.840.10008.5.1.4.1.1.11.{number}" for number in (6, 7, 8, 9, 10, 11)))
)
"""Presentation states without the Presentation State Relationship Module."""


FALSE_ALARMS: Final = (
    *(
        FalseAlarm(kind, r"DirectoryRecordType\S* - Unrecognized enumerated value", "a type it does not know")
        for kind in ("PLAN", "SURFACE SCAN", "TRACT", "ASSESSMENT", "ANNOTATION", "INVENTORY", "WF PRESENTATION")
    ),
    FalseAlarm(
        "PRESENTATION",
        r"/(ReferencedSeries|Blending)Sequence\S* - Missing attribute for Type 1C",
        "it wants one of both in every presentation state; volumetric states and structured displays have neither",
        _NO_RELATIONSHIP,
    ),
    FalseAlarm(
        "SPECTROSCOPY",
        r"/ReferencedImageEvidenceSequence\S*/ReferencedSOP(Class|Instance)UID\S* - Missing attribute",
        "it expects plain references where F.5.27 asks for the Hierarchical SOP Instance Reference Macro",
    ),
    FalseAlarm(
        "STEREOMETRIC",
        r"Missing attribute.*Module=<ContentIdentificationMacro>",
        "it asks for the Content Identification Macro, which F.5.35 does not have",
    ),
    FalseAlarm(
        "HANGING PROTOCOL",
        r"/(ReasonForRequested)?ProcedureCodeSequence\S* - Bad ",
        "it forbids these Type 2 sequences to be empty; F.5.31 has 0-n items",
    ),
)
"""False errors of dicom3tools 20260927. Each is limited to one record type, so it hides no error of others."""

_RECORD: Final = re.compile(r"</DirectoryRecordSequence\(0004,1220\)\[(\d+)\]")


def dciodvfy(folder: Path) -> Verdict:
    """Check attributes of every record: presence, Types, conditions, values. Ignores offsets, hierarchy and files.

    Its exit code is 1 also for some warnings (a private coding scheme with `_`), so only its lines count.
    """
    output = run_tool("dciodvfy", "-new", folder / "DICOMDIR")
    errors = [line for line in output.lines if re.match(r"(.* - )?(Error|Abort) - ", line)]
    if errors and all(_RECORD.search(line) for line in errors):
        records = read_directory(folder / "DICOMDIR").DirectoryRecordSequence
        return Verdict("dciodvfy", tuple(line for line in errors if not _is_false(line, records)))
    if not errors and (output.code not in (0, 1) or "BasicDirectory" not in output.lines):
        errors = [*output.failure("dciodvfy"), "did not judge a Basic Directory"]
    return Verdict("dciodvfy", tuple(errors))


def record_number(error: str) -> int | None:
    """Return the number of the record, from 0, that an error of dciodvfy names; None if it names none."""
    found = _RECORD.search(error)
    return int(found[1]) - 1 if found else None


def _is_false(error: str, records: Sequence[Dataset]) -> bool:
    number = record_number(error)
    return number is not None and any(alarm.covers(records[number], error) for alarm in FALSE_ALARMS)


def dcdirdmp(folder: Path) -> Verdict:
    """Check the tree by its links, each leaf with its file. Never ends in a loop, and ignores a missing file."""
    output = run_tool("dcdirdmp", folder / "DICOMDIR")
    listed = [line.partition(" -> ")[2].strip() for line in output.lines if " -> " in line]
    missing = [
        f"references {name}, no such file" for name in listed if not folder.joinpath(*name.split("\\")).is_file()
    ]
    errors = [line for line in output.lines if re.search(r"\b(Error|Abort) - ", line)] + missing
    if not errors and len(set(listed)) != len(instances(folder / "DICOMDIR")):
        errors = [f"reaches {len(set(listed))} of {len(instances(folder / 'DICOMDIR'))} files"]
    return Verdict("dcdirdmp", tuple(output.failure("dcdirdmp") + errors))


def dcmdump(folder: Path) -> Verdict:
    """Check the encoding: lengths, items, the end. Ignores offsets, attributes and files."""
    output = run_tool("dcmdump", "-v", folder / "DICOMDIR")
    errors = [line for line in output.stderr.splitlines() if re.match(r"[EWF]: ", line)]
    return Verdict("dcmdump", tuple(output.failure("dcmdump") + errors))


def dcmftest(folder: Path) -> Verdict:
    """Check preamble and prefix of the DICOMDIR and of every file that it references; nothing else."""
    files = [folder / "DICOMDIR", *(folder / path for path in instances(folder / "DICOMDIR"))]
    output = run_tool("dcmftest", *files)
    return Verdict("dcmftest", tuple(line for line in output.lines if not line.startswith("yes: ")))


def dcmmkdir(folder: Path) -> Verdict:
    """Check that DCMTK can append an instance to a copy of the file-set and keeps all others."""
    before = frozenset(instances(folder / "DICOMDIR").values())
    with tempfile.TemporaryDirectory() as temporary:
        copy = _linked_copy(folder, Path(temporary) / "copy")
        extra = synthetic.ct(patient=990, number=1)
        (copy / "JUDGED").write_bytes(extra)
        output = run_tool("dcmmkdir", *DCMMKDIR_OPTIONS, "+A", "+id", ".", "JUDGED", cwd=copy)
        errors = output.failure("dcmmkdir") + [line for line in output.lines if re.match(r"[EF]: ", line)]
        after = frozenset() if errors else frozenset(instances(copy / "DICOMDIR").values())
    if not errors and after != before | {synthetic.ct_uid(patient=990, number=1)}:
        errors = [f"appending one instance to {len(before)} gave {len(after)}"]
    return Verdict("dcmmkdir", tuple(errors), after - {synthetic.ct_uid(patient=990, number=1)})


DCMMKDIR_OPTIONS: Final = ("-Pgp", "+I", "+Nrs", "-Nxc", "-Nec", "-Nrc")
"""Options for any image, any transfer syntax and retired SOP classes; dcmmkdir invents Type 1 keys."""


def _linked_copy(folder: Path, copy: Path) -> Path:
    """Copy a file-set for a tool that changes only the DICOMDIR: the other files are hard links."""
    try:
        shutil.copytree(folder, copy, copy_function=os.link)
    except (OSError, shutil.Error):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
    (copy / "DICOMDIR").unlink()
    shutil.copyfile(folder / "DICOMDIR", copy / "DICOMDIR")
    return copy


_LOAD: Final = """
import sys, warnings
warnings.simplefilter("ignore")
from pydicom.fileset import FileSet
print(*(instance.ReferencedSOPInstanceUIDInFile for instance in FileSet(sys.argv[1])), sep="\\n")
"""


def pydicom_file_set(folder: Path) -> Verdict:
    """List the instances that pydicom's FileSet keeps: it silently drops instances without a file, and refuses much."""
    output = run_command([sys.executable, "-c", _LOAD, str(folder / "DICOMDIR")])
    errors = output.failure("pydicom")
    errors += output.stderr.splitlines()[-1:] if errors else []
    return Verdict("pydicom", tuple(errors), frozenset(output.stdout.split()))


def gdcmdump(folder: Path) -> Verdict:
    """Check only the encoding."""
    output = run_tool("gdcmdump", folder / "DICOMDIR")
    return Verdict("gdcmdump", tuple(output.failure("gdcmdump") + output.stderr.splitlines()))


def links(folder: Path) -> Verdict:
    """Check links, flags, levels and files in the records that pydicom decodes. Needs no tool; ignores keys."""
    nodes = list(walk(folder / "DICOMDIR"))
    errors = [
        *_header_objections(folder / "DICOMDIR", nodes),
        *(text for node in nodes for text in _objections(node, folder)),
    ]
    found = frozenset(str(node.record.ReferencedSOPInstanceUIDInFile) for node in nodes if node.file_id)
    return Verdict("links", tuple(errors), found)


def _header_objections(dicomdir: Path, nodes: Sequence[Node]) -> Iterator[str]:
    dataset = read_directory(dicomdir)
    if dataset.file_meta.TransferSyntaxUID != ExplicitVRLittleEndian:
        yield "not in Explicit VR Little Endian"
    if dataset.FileSetConsistencyFlag != 0:
        yield f"File-set Consistency Flag is {dataset.FileSetConsistencyFlag}"
    roots = [node.record.seq_item_tell for node in nodes if node.parent is None]
    if dataset.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity != (roots[-1] if roots else 0):
        yield "the offset of the last root record is wrong"


_PARENTS: Final = {
    **dict.fromkeys(("PATIENT", *synthetic.ROOT_TYPES), ""),
    **dict.fromkeys(("STUDY", "HL7 STRUC DOC"), "PATIENT"),
    **dict.fromkeys(("SERIES", "VISIT", "RESULTS", "STUDY COMPONENT"), "STUDY"),
}
"""The type above each type (PS3.3 Table F.4-1 and former editions), "" for the root; all others are below SERIES."""


def _objections(node: Node, folder: Path) -> Iterator[str]:
    if node.record.RecordInUseFlag != 0xFFFF:
        yield f"{node.type} with Record In-use Flag {node.record.RecordInUseFlag}"
    above = node.parent.type if node.parent else ""
    if above != _PARENTS.get(node.type, "SERIES") and node.type != "PRIVATE":
        yield f"{node.type} under {above or 'the root'}"
    if node.file_id:
        yield from _file_objections(node.record, node.file_id, folder)


def _file_objections(record: Dataset, file_id: str, folder: Path) -> Iterator[str]:
    try:
        meta = read_file_meta_info(folder / file_id)
    except (InvalidDicomError, OSError) as error:
        yield f"references {file_id}: {error!r}"
        return
    if record.ReferencedTransferSyntaxUIDInFile != meta.TransferSyntaxUID:
        yield f"{file_id} is in another Transfer Syntax, {meta.TransferSyntaxUID}"
    if record.ReferencedSOPInstanceUIDInFile != meta.MediaStorageSOPInstanceUID:
        dataset = dcmread(folder / file_id, specific_tags=["SOPInstanceUID"], stop_before_pixels=True)
        if record.ReferencedSOPInstanceUIDInFile != dataset.get("SOPInstanceUID"):
            yield f"{file_id} holds another instance, {meta.MediaStorageSOPInstanceUID}"


def _caught(name: str, judge: Callable[[Path], Verdict]) -> Callable[[Path], Verdict]:
    """Return a judge that makes a failure to read the directory its verdict."""

    def judged(folder: Path) -> Verdict:
        try:
            return judge(folder)
        except ValueError as error:
            return Verdict(name, (str(error),))

    return judged


_ALWAYS: Final = {"pydicom": pydicom_file_set, "links": links}
_TOOLS: Final = {
    "dciodvfy": dciodvfy,
    "dcdirdmp": dcdirdmp,
    "dcmdump": dcmdump,
    "dcmftest": dcmftest,
    "dcmmkdir": dcmmkdir,
    "gdcmdump": gdcmdump,
}
JUDGES: Final[Mapping[str, Callable[[Path], Verdict]]] = {
    name: _caught(name, judge) for name, judge in (_TOOLS | _ALWAYS).items()
}
"""Every judge by the name of its tool; the last two need no tool."""


UNLOADABLE: Final[Mapping[str, frozenset[str]]] = {
    # aborts on VR UV, that of Total Number of Study Records
    "dciodvfy": frozenset(("INVENTORY",)),
    "dcdirdmp": frozenset(("INVENTORY",)),
    # KeyError for a record type that it does not know
    "pydicom": frozenset(("INVENTORY", "ANNOTATION", "WF PRESENTATION")),
}
"""Record types whose presence makes a judge (dicom3tools 20260927, pydicom 3.0.2) refuse the whole directory."""


def present() -> list[str]:
    """List the judges whose tools are installed."""
    return [name for name in JUDGES if name in _ALWAYS or find_tool(name)]


def judge_file_set(folder: Path, expected_uids: Iterable[str], inherited: str | None = None) -> None:
    """Assert that no installed judge objects, and that each judge that lists instances lists exactly these UIDs.

    Judges that cannot load a record type of the file-set are left out (`UNLOADABLE`). Errors that match the pattern
    `inherited` are faults of the instances, which a directory can only repeat.
    """
    able = [name for name in present() if not UNLOADABLE.get(name, frozenset()) & record_types(folder)]
    verdicts = [JUDGES[name](folder) for name in able]
    if inherited is not None:
        verdicts = [verdict.without(inherited) for verdict in verdicts]
    assert_clean(verdicts, frozenset(expected_uids))


def record_types(folder: Path) -> frozenset[str]:
    """Return the record types in a file-set; none if its directory is unreadable."""
    try:
        records = read_directory(folder / "DICOMDIR").DirectoryRecordSequence
    except ValueError:
        return frozenset()
    return frozenset(str(record.DirectoryRecordType) for record in records)


def assert_clean(verdicts: Iterable[Verdict], expected: frozenset[str]) -> None:
    """Assert that these verdicts have no error and agree on the instances."""
    problems = [problem for verdict in verdicts for problem in _problems(verdict, expected)]
    assert not problems, "\n".join(problems)


def _problems(verdict: Verdict, expected: frozenset[str]) -> Iterator[str]:
    yield from (f"{verdict.judge}: {error}" for error in verdict.errors)
    if verdict.ok and verdict.instances is not None and verdict.instances != expected:
        lost, new = sorted(expected - verdict.instances), sorted(verdict.instances - expected)
        yield f"{verdict.judge}: lacks {lost}, has beyond {new}"
