"""The main job, only through the command line: create and index file-sets, and read those of other programs.

The expected values come from pydicom, the tables of the Standard and other tools, never from code of `fileset`.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

import pydicom.data
import pytest
from attrs import frozen
from pydicom import DataElement, Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage

from fileset.findings import RULES
from fileset.standard.record_types import RECORD_TYPES, Key
from tests.support import judges, peers, synthetic
from tests.support.command import Run, in_process

CORPUS: Final = Path(pydicom.data.__file__).parent / "test_files"
DIRECTORIES: Final = CORPUS / "dicomdirtests"


ANY: Final = None
"""Any exit code, where a test looks at it itself."""


def fileset(*arguments: str | Path, code: int | None = 0, cwd: Path | None = None) -> Run:
    """Run `fileset`, and assert its exit code."""
    done = in_process(*arguments, cwd=cwd)
    assert code in (ANY, done.code), f"exit code {done.code}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


# --- every file that pydicom ships ----------------------------------------------------------------------------------


@frozen(eq=False)
class Created:
    """The report of `create` about a folder, by the path of the source within that folder."""

    source: Path
    folder: Path
    added: Mapping[str, dict[str, str]]
    skipped: Mapping[str, dict[str, str]]
    findings: list[dict[str, str]]


def create(source: Path, folder: Path, *options: str, code: int = 0) -> Created:
    """Run `create` from one folder into another."""
    document = fileset("create", source, "-o", folder, "--json", *options, code=code).document
    assert document["schema"] == "fileset.create/1"
    added = {_within(row["source"], source): row for row in document["added"]}
    skipped = {_within(row["source"], source): row for row in document["skipped"]}
    assert len(added) == len(document["added"]), "a source was added twice"
    assert len(skipped) == len(document["skipped"]), "a source was skipped twice"
    return Created(source, folder, added, skipped, document["findings"])


def _within(source: str, folder: Path) -> str:
    """Return the path, within the folder that was given, of a source as the report names it.

    A member of a compressed file, such as zipMR.gz/zipMR, counts as that file.
    """
    places = (Path(source), folder / source, folder.parent / source)
    path = next(path for place in places for path in (place, place.parent) if path.is_file())
    return path.resolve().relative_to(folder.resolve()).as_posix()


def contents(path: Path) -> bytes:
    """Return the bytes of a DICOM file, unpacked if it is compressed."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Created:
    return create(CORPUS, tmp_path_factory.mktemp("corpus") / "SET", code=3)


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_file_is_added_or_skipped_once(corpus: Created) -> None:
    assert corpus.added.keys() | corpus.skipped.keys() == _files(CORPUS)
    assert not corpus.added.keys() & corpus.skipped.keys()


def test_every_skipped_file_has_a_reason_in_words(corpus: Created) -> None:
    for name, row in corpus.skipped.items():
        assert row["rule"] in RULES, name
        assert len(row["reason"].split()) > 1, name


def test_every_reason_is_true(corpus: Created) -> None:
    untrue = {
        name: row["rule"] for name, row in corpus.skipped.items() if row["rule"] not in true_rules(name, corpus.added)
    }
    assert not untrue


def test_file_with_nothing_against_it_is_added(corpus: Created) -> None:
    assert not {name: row["rule"] for name, row in corpus.skipped.items() if not true_rules(name, corpus.added)}


def test_every_dicomdir_is_skipped_as_such(corpus: Created) -> None:
    directories = {f"dicomdirtests/{path.name}" for path in DIRECTORIES.glob("DICOMDIR*")}
    directories.add("dicomdirtests/TINY_ALPHA/DICOMDIR")
    skipped = {name for name, row in corpus.skipped.items() if row["rule"] == "FS-FILE-IS-DICOMDIR"}
    assert skipped == directories


def test_every_instance_is_in_the_file_set_once(corpus: Created) -> None:
    uids = [row["sop_instance_uid"] for row in corpus.added.values()]
    assert len(uids) == len(set(uids))
    added = {facts(name).uid for name in corpus.added}
    assert added >= {facts(name).uid for name in _files(CORPUS) if sound(name)}
    assert added <= {facts(name).uid for name in _files(CORPUS) if bearable(name)}


def test_files_are_copied_byte_for_byte(corpus: Created) -> None:
    for name, row in corpus.added.items():
        assert (corpus.folder / row["file_id"]).read_bytes() == (CORPUS / name).read_bytes(), name


def test_reported_instance_is_the_one_in_the_file(corpus: Created) -> None:
    for name, row in corpus.added.items():
        assert row["sop_instance_uid"] in (facts(name).uid, facts(name).meta_uid), name


@pytest.mark.judges
def test_no_judge_objects_to_the_file_set_of_the_corpus(corpus: Created) -> None:
    uids = [row["sop_instance_uid"] for row in corpus.added.values()]
    judges.judge_file_set(corpus.folder, uids, inherited="Illegal root for UID uses non-existent")


def test_invented_values_are_reported(corpus: Created) -> None:
    """The corpus lacks many Type 1 keys: none may be invented silently."""
    named = {_where(finding["where"]) for finding in corpus.findings if finding["rule"] == "FS-KEY-INVENTED"}
    lacking = {name for name in corpus.added if not facts(name).has_instance_number}
    assert lacking
    assert not {name for name in lacking if not any(name in where for where in named)}


def _where(where: object) -> str:
    return json.dumps(where)


# The values of a corpus file by pydicom


@frozen
class Facts:
    """The facts about one file, by pydicom."""

    rules: frozenset[str]
    uid: str = ""
    meta_uid: str = ""
    has_instance_number: bool = False


_FACTS: Final[dict[str, Facts]] = {}
_UIDS: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


_ARC: Final = re.compile(r"0\.[0-59]|1\.[0-3]\.|2\.")
"""The beginnings of a UID that ISO/IEC 9834-1 has given away; PS3.5 9.1 rests on it."""


def facts(name: str) -> Facts:
    """The facts about the file of the corpus, with the rules that it breaks whatever other files there are."""
    if name not in _FACTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _FACTS[name] = _inspect(CORPUS / name)
    return _FACTS[name]


def sound(name: str) -> bool:
    """Whether nothing at all speaks against the file."""
    return not facts(name).rules


def bearable(name: str) -> bool:
    """Whether the file has only faults that need not keep it out: damage after the header, odd UIDs."""
    return facts(name).rules <= _BEARABLE


_DAMAGED: Final = frozenset(("FS-FILE-TRUNCATED", "FS-FILE-BAD-HEADER"))
_BEARABLE: Final = _DAMAGED | {"FS-UID-INVALID"}


def _inspect(path: Path) -> Facts:
    try:
        dataset = dcmread(BytesIO(contents(path)))
    except InvalidDicomError:
        return Facts(_without_prefix(path))
    except (EOFError, ValueError, NotImplementedError):
        return Facts(_DAMAGED)
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        return Facts(frozenset(("FS-FILE-IS-DICOMDIR",)))
    return Facts(
        frozenset(_objections(dataset, path)),
        str(dataset.get("SOPInstanceUID", "")),
        str(dataset.file_meta.get("MediaStorageSOPInstanceUID", "")),
        dataset.get("InstanceNumber") is not None,
    )


def _without_prefix(path: Path) -> frozenset[str]:
    """A file without prefix may still be a data set; for an incomplete one (`no_meta.dcm`), both rules are right."""
    if "SOPClassUID" in dcmread(path, force=True):
        return frozenset(("FS-FILE-NO-META",))
    return frozenset(("FS-FILE-NOT-DICOM", "FS-FILE-NO-META") if path.suffix == ".dcm" else ("FS-FILE-NOT-DICOM",))


def _objections(dataset: Dataset, path: Path) -> Iterator[str]:
    if not all(dataset.get(keyword) for keyword in _UIDS):
        yield "FS-KEY-UID-MISSING"
    if not all(_ARC.match(str(dataset.get(keyword) or "1.2")) for keyword in _UIDS):
        yield "FS-UID-INVALID"
    if not dataset.file_meta.get("TransferSyntaxUID"):
        yield from ("FS-FILE-NO-META", "FS-FILE-BAD-HEADER")
    if "truncated" in path.name:
        yield "FS-FILE-TRUNCATED"
    if not _all_decode(dataset):
        yield "FS-FILE-BAD-HEADER"


def _all_decode(dataset: Dataset) -> bool:
    try:
        for _ in dataset:
            pass
    except (ValueError, NotImplementedError, TypeError):
        return False
    return True


def true_rules(name: str, added: Iterable[str]) -> set[str]:
    """Return every rule that the file really breaks, in addition to `added`."""
    rules = set(facts(name).rules)
    for other in added:
        if facts(name).uid and facts(other).uid == facts(name).uid and other < name:
            same = contents(CORPUS / other) == contents(CORPUS / name)
            rules.add("FS-INSTANCE-DUPLICATE" if same else "FS-INSTANCE-CONFLICT")
    return rules


# --- every SOP class ------------------------------------------------------------------------------------------------

UPPER_LEVELS: Final = ("PATIENT", "STUDY", "SERIES")
CLASSES: Final = [
    sop_class
    for sop_class in synthetic.storage_classes()
    if RECORD_TYPES[synthetic.record_type(sop_class)].status == "current"
    and synthetic.record_type(sop_class) not in UPPER_LEVELS
]
RETIRED: Final = [sop_class for sop_class in synthetic.storage_classes() if sop_class not in CLASSES]


@frozen(eq=False)
class Every:
    """One instance of every SOP class of a current record type, created into a file-set."""

    created: Created
    nodes: Mapping[str, judges.Node]
    sources: Mapping[str, Dataset]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Every:
    return _every(tmp_path_factory.mktemp("every"), CLASSES)


def _every(folder: Path, sop_classes: Iterable[str]) -> Every:
    for path, sop_class in synthetic.write_every_sop_class(folder / "IN").items():
        if sop_class not in sop_classes:
            path.unlink()
    created = create(folder / "IN", folder / "OUT", "--file-set-uid", "2.25.1", "--keys", "minimal")
    leaves = [node for node in judges.walk(folder / "OUT" / "DICOMDIR") if node.file_id]
    sources = [dcmread(folder / "IN" / name) for name in _files(folder / "IN")]
    return Every(
        created,
        {node.record.ReferencedSOPClassUIDInFile: node for node in leaves},
        {source.SOPClassUID: source for source in sources},
    )


def test_every_sop_class_gets_a_record(every: Every) -> None:
    assert not every.created.skipped
    assert every.nodes.keys() == set(CLASSES)


@pytest.mark.parametrize("sop_class", CLASSES)
def test_record_has_its_type_its_parents_and_exactly_its_keys(sop_class: str, every: Every) -> None:
    source, node = every.sources[sop_class], every.nodes[sop_class]
    assert node.type == synthetic.record_type(sop_class)
    chain = list(_ancestors(node))
    assert [above.type for above in chain] == (
        [] if node.type in synthetic.ROOT_TYPES else ["SERIES", "STUDY", "PATIENT"]
    )
    for each in (node, *chain):
        assert keys_of(each.record) == expected_keys(source, each.type), each.type
    assert node.record.ReferencedSOPInstanceUIDInFile == source.SOPInstanceUID
    assert node.record.ReferencedTransferSyntaxUIDInFile == source.file_meta.TransferSyntaxUID
    assert (every.created.folder / node.file_id).read_bytes() == synthetic.encode(source)


def _ancestors(node: judges.Node) -> Iterator[judges.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


Plain = str | list["Plain"] | dict[str, "Plain"]


def keys_of(record: Dataset) -> dict[str, Plain]:
    """The keys of a record, without the elements of the directory itself."""
    return {name: value for name, value in plain(record).items() if not name.startswith("0004")}


def plain(dataset: Dataset) -> dict[str, Plain]:
    """A data set as tag and VR -> text, or list of items: to compare and to print."""
    return {f"{element.tag:08X} {element.keyword} {element.VR}": _plain_value(element) for element in dataset}


def _plain_value(element: DataElement) -> Plain:
    if element.VR == "SQ":
        return [plain(item) for item in element.value]
    return str(element.value) if element.value is not None else ""


def expected_keys(source: Dataset, record_type: str) -> dict[str, Plain]:
    """The keys that PS3.3 F.5 wants in a record of the type for the instance; icons are made by profiles only."""
    keys = [key for key in RECORD_TYPES[record_type].keys if key.keyword != "IconImageSequence"]
    record = pick(_derived(source), keys)
    return plain(record)


CONTENT_SEQUENCE: Final = 0x0040A730


def _derived(source: Dataset) -> Dataset:
    """The instance with the two keys of documents as the record has them (PS3.3 F.5.25, F.5.26)."""
    derived = Dataset()
    derived.update({tag: source[tag] for tag in source.keys() - {CONTENT_SEQUENCE}})
    observers = source.get("VerifyingObserverSequence")
    if observers:
        derived.VerificationDateTime = max(item.VerificationDateTime for item in observers)
    if "ContentSequence" in source:
        derived.ContentSequence = [
            item for item in source.ContentSequence if item.RelationshipType == "HAS CONCEPT MOD"
        ]
    return derived


def pick(source: Dataset, keys: Iterable[Key]) -> Dataset:
    """Return the attributes of the keys, in items too; those of Type 2 are empty if the source has none."""
    picked = Dataset()
    for key in keys:
        if key.tag not in source:
            if key.type == "2":
                picked.add_new(key.tag, key.vr, [] if key.vr == "SQ" else None)
        elif key.items and not key.others:
            picked.add_new(key.tag, "SQ", [pick(item, key.items) for item in source[key.tag].value])
        else:
            picked.add(source[key.tag])
    return picked


# The same again by hand for the difficult ones, so that an error in the tables is seen

CODE: Final = {"CodeValue", "CodingSchemeDesignator", "CodeMeaning"}
BY_HAND: Final[Mapping[str, str]] = {
    synthetic.CT_IMAGE: "InstanceNumber",
    synthetic.COMPREHENSIVE_SR: (
        "ContentDate ContentTime InstanceNumber VerificationDateTime ConceptNameCodeSequence CompletionFlag"
        " VerificationFlag ContentSequence"
    ),
    synthetic.KEY_OBJECT: "ContentDate ContentTime InstanceNumber ConceptNameCodeSequence ContentSequence",
    synthetic.ENCAPSULATED_CDA: (
        "ContentDate ContentTime InstanceNumber DocumentTitle HL7InstanceIdentifier ConceptNameCodeSequence"
        " MIMETypeOfEncapsulatedDocument"
    ),
    synthetic.SPECTROSCOPY: (
        "ImageType ContentDate ContentTime InstanceNumber ReferencedImageEvidenceSequence NumberOfFrames Rows Columns"
        " DataPointRows DataPointColumns"
    ),
    synthetic.BLENDING_STATE: (
        "PresentationCreationDate PresentationCreationTime InstanceNumber ContentLabel ContentDescription"
        " ConceptNameCodeSequence AlternateContentDescriptionSequence ContentCreatorName"
        " ContentCreatorIdentificationCodeSequence BlendingSequence"
    ),
    synthetic.HANGING_PROTOCOL: (
        "HangingProtocolName HangingProtocolDescription HangingProtocolLevel HangingProtocolCreator"
        " HangingProtocolCreationDateTime HangingProtocolDefinitionSequence NumberOfPriorsReferenced"
        " HangingProtocolUserIdentificationCodeSequence"
    ),
    "1.2.840.10008.5.1.4.1.1.201.1": (
        "ContentDate ContentTime InventoryPurpose InventoryLevel ScopeOfInventorySequence InventoryCompletionStatus"
        " TotalNumberOfStudyRecords"
    ),
    "1.2.840.10008.5.1.4.43.1": "Manufacturer ImplantName ImplantSize ImplantPartNumber",
}


@pytest.mark.parametrize("sop_class", BY_HAND)
def test_difficult_record_has_the_keys_written_down_by_hand(sop_class: str, every: Every) -> None:
    keywords = {element.keyword for element in every.nodes[sop_class].record if element.tag.group != 4}
    assert keywords == set(BY_HAND[sop_class].split())


def test_nested_keys_equal_the_list_written_by_hand(every: Every) -> None:
    def keywords(item: Dataset) -> set[str]:
        return {element.keyword for element in item}

    report = every.nodes[synthetic.COMPREHENSIVE_SR].record
    assert report.VerificationDateTime == synthetic.LATEST_VERIFICATION
    assert keywords(report.ConceptNameCodeSequence[0]) == CODE
    assert [item.RelationshipType for item in report.ContentSequence] == ["HAS CONCEPT MOD", "HAS CONCEPT MOD"]
    assert report.ContentSequence[1].ContentSequence[0].Date == "20240101"
    blended = every.nodes[synthetic.BLENDING_STATE].record.BlendingSequence
    assert [keywords(item) for item in blended] == [{"StudyInstanceUID", "ReferencedSeriesSequence"}] * 2
    series = blended[0].ReferencedSeriesSequence[0]
    assert keywords(series) == {"SeriesInstanceUID", "ReferencedImageSequence"}
    assert keywords(series.ReferencedImageSequence[0]) == {"ReferencedSOPClassUID", "ReferencedSOPInstanceUID"}
    chest, plain_mr = every.nodes[synthetic.HANGING_PROTOCOL].record.HangingProtocolDefinitionSequence
    assert keywords(chest) - keywords(plain_mr) == {"AnatomicRegionSequence", "Laterality"}
    assert keywords(plain_mr) == {"Modality", "ProcedureCodeSequence", "ReasonForRequestedProcedureCodeSequence"}
    assert keywords(chest.AnatomicRegionSequence[0]) == CODE


@pytest.mark.slow
@pytest.mark.judges
def test_no_judge_objects_to_every_sop_class(tmp_path: Path) -> None:
    """Without the three newest record types, which some judges cannot load: so all of them judge the rest."""
    newest = set().union(*judges.UNLOADABLE.values())
    known = [sop_class for sop_class in CLASSES if synthetic.record_type(sop_class) not in newest]
    file_set = _every(tmp_path, known)
    judges.judge_file_set(file_set.created.folder, (source.SOPInstanceUID for source in file_set.sources.values()))


@pytest.mark.judges
def test_no_judge_that_can_load_them_objects_to_the_newest(every: Every) -> None:
    judges.judge_file_set(every.created.folder, (source.SOPInstanceUID for source in every.sources.values()))


@pytest.mark.judges
def test_instances_of_retired_kinds_are_added_or_skipped_for_that(tmp_path: Path) -> None:
    for path, sop_class in synthetic.write_every_sop_class(tmp_path / "IN").items():
        if sop_class not in RETIRED:
            path.unlink()
    document = fileset("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--json", code=ANY).document
    assert len(document["added"]) + len(document["skipped"]) == len(RETIRED)
    assert {row["rule"] for row in document["skipped"]} <= {"FS-SOP-CLASS-RETIRED", "FS-SOP-CLASS-NO-RECORD"}
    if document["added"]:
        uids = frozenset(row["sop_instance_uid"] for row in document["added"])
        assert judges.dcmdump(tmp_path / "OUT").ok
        assert frozenset(judges.instances(tmp_path / "OUT" / "DICOMDIR").values()) == uids


def test_synthetic_instances_hold_every_key_of_their_record_type() -> None:
    """The tests above prove nothing about keys that no instance has."""
    absent: dict[str, set[str]] = defaultdict(set)
    for sop_class in CLASSES:
        source = _derived(synthetic.instance(sop_class))
        kind = synthetic.record_type(sop_class)
        absent[kind].update(_keywords(RECORD_TYPES[kind].keys) if kind not in absent else ())
        absent[kind] -= set(_present(source, RECORD_TYPES[kind].keys))
    forgiven = {"SpecificCharacterSet", "LongCodeValue", "URNCodeValue", "CodingSchemeVersion", "IconImageSequence"}
    lacking = {kind: keywords - forgiven for kind, keywords in absent.items() if keywords - forgiven}
    assert not lacking


def _keywords(keys: Iterable[Key]) -> Iterator[str]:
    for key in keys:
        if key.keyword != "IconImageSequence":
            yield key.keyword
            yield from _keywords(key.items)


def _present(source: Dataset, keys: Iterable[Key]) -> Iterator[str]:
    for key in keys:
        if key.tag in source:
            yield key.keyword
            for item in source[key.tag].value if key.items else ():
                yield from _present(item, key.items)


# --- character sets and transfer syntaxes ---------------------------------------------------------------------------


@pytest.mark.parametrize("charset", [charset for charset in synthetic.NAMES if charset])
def test_names_beyond_ascii_are_carried_and_declared(charset: str, tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE, charset=charset), tmp_path / "IN" / "A")
    created = create(tmp_path / "IN", tmp_path / "OUT")
    nodes = {node.type: node.record for node in judges.walk(created.folder / "DICOMDIR")}
    assert str(nodes["PATIENT"].PatientName) == synthetic.NAMES[charset]
    assert nodes["STUDY"].StudyDescription == f"Study of {synthetic.NAMES[charset].replace('^', ' ')}"
    assert "SpecificCharacterSet" in nodes["PATIENT"]
    assert "SpecificCharacterSet" not in nodes["IMAGE"]
    listed = fileset("list", tmp_path / "OUT", "--json").document["instances"]
    assert listed[0]["patient"]["PatientName"] == synthetic.NAMES[charset]


@pytest.mark.parametrize(
    "transfer_syntax",
    [
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.4.50",
    ],
)
def test_transfer_syntax_of_the_file_makes_no_difference_to_the_keys(transfer_syntax: str, tmp_path: Path) -> None:
    for number, sop_class in enumerate((synthetic.CT_IMAGE, synthetic.COMPREHENSIVE_SR, synthetic.HANGING_PROTOCOL)):
        dataset = synthetic.instance(sop_class, series=1 + number, transfer_syntax=transfer_syntax)
        synthetic.write(dataset, tmp_path / "IN" / str(number))
    created = create(tmp_path / "IN", tmp_path / "OUT", "--keys", "minimal")
    for node in judges.walk(created.folder / "DICOMDIR"):
        if node.file_id:
            sop_class = node.record.ReferencedSOPClassUIDInFile
            assert keys_of(node.record) == expected_keys(synthetic.instance(sop_class), node.type)
            assert node.record.ReferencedTransferSyntaxUIDInFile == transfer_syntax


# --- reading file-sets of other programs ----------------------------------------------------------------------------


def listed_instances(medium: Path, code: int | None = 0) -> frozenset[tuple[str, str]]:
    """Return File ID and SOP Instance UID of the instances that `list` shows."""
    document = fileset("list", medium, "--json", code=code).document
    assert document["schema"] == "fileset.list/1"
    return frozenset((row["file_id"], row["sop_instance_uid"]) for row in document["instances"])


@pytest.mark.judges
@pytest.mark.parametrize("peer", peers.PEERS)
def test_file_set_of_a_peer_is_listed_as_it_is(peer: str, tmp_path: Path) -> None:
    folder = peers.PEERS[peer](tmp_path)
    assert listed_instances(folder) == peers.truth(folder)


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-reordered", "DICOMDIR-implicit", "DICOMDIR-bigEnd"])
def test_dicomdir_that_pydicom_ships_is_listed_as_pydicom_lists_it(name: str, tmp_path: Path) -> None:
    folder = _shipped(name, tmp_path)
    assert listed_instances(folder) == frozenset(judges.instances(folder / "DICOMDIR").items())


@pytest.mark.parametrize("name", ["DICOMDIR-nooffset", "DICOMDIR-nopatient"])
def test_broken_dicomdir_that_pydicom_ships_loses_no_instance(name: str, tmp_path: Path) -> None:
    """A record without offsets; patients of an unknown type and a root offset into the depth. pydicom drops all 31."""
    folder = _shipped(name, tmp_path)
    expected = frozenset(judges.instances(folder / "DICOMDIR").items())
    assert len(expected) == 31
    assert listed_instances(folder, code=ANY) == expected


def test_empty_dicomdir_that_pydicom_ships_lists_nothing(tmp_path: Path) -> None:
    assert (
        listed_instances(_shipped("DICOMDIR-empty.dcm", tmp_path), code=3) == frozenset()
    )  # there are files beside it


@pytest.mark.judges
def test_file_set_in_the_corpus_is_listed_as_it_is() -> None:
    folder = DIRECTORIES / "TINY_ALPHA"
    images = [path for path in folder.rglob("IM*") if path.is_file()]
    truth = {(path.relative_to(folder).as_posix(), peers.sop_instance_uid(path)) for path in images}
    assert listed_instances(folder) == truth


def _shipped(name: str, folder: Path) -> Path:
    """A copy of the file-set that pydicom ships, with one of its DICOMDIRs."""
    copy = folder / "SET"
    shutil.copytree(DIRECTORIES, copy, ignore=shutil.ignore_patterns("DICOMDIR*", "TINY_ALPHA"))
    shutil.copyfile(DIRECTORIES / name, copy / "DICOMDIR")
    return copy


# --- list -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two studies of one series of three instances each, indexed in place."""
    folder = tmp_path_factory.mktemp("small")
    synthetic.ct_series(folder, patients=2, studies=2, series=1, instances=3)
    fileset("index", folder)
    return folder


@pytest.mark.judges
def test_index_pleases_every_judge(small: Path) -> None:
    judges.judge_file_set(small, (uid for _, uid in peers.truth(small)))


def test_list_as_json_shows_every_level(small: Path) -> None:
    document = fileset("list", small, "--json").document
    assert {"id", "uid"} <= document["file_set"].keys()
    row = document["instances"][0]
    assert row["record_type"] == "IMAGE"
    assert row["sop_class_uid"] == synthetic.CT_IMAGE
    assert row["sop_instance_uid"] == synthetic.ct_uid()
    assert row["transfer_syntax_uid"] == "1.2.840.10008.1.2.1"
    assert row["file_id"] == "P001/T001/S001/I000001"
    assert row["patient"]["PatientID"] == "P1"
    assert row["patient"]["PatientName"] == "Doe^Jane"
    assert row["study"]["StudyDate"] == "20240102"
    assert row["series"]["Modality"] == "CT"
    assert int(row["keys"]["InstanceNumber"]) == 1


def test_list_is_in_order_of_numbers(small: Path) -> None:
    names = [row["file_id"] for row in fileset("list", small, "--json").document["instances"]]
    assert names == sorted(names)


def test_list_as_json_lines_shows_the_same(small: Path) -> None:
    rows = [json.loads(line) for line in fileset("list", small, "--jsonl").stdout.splitlines()]
    listed = [row for row in rows if "sop_instance_uid" in row]
    assert listed == fileset("list", small, "--json").document["instances"]


def test_list_of_paths_is_one_existing_file_a_line(small: Path) -> None:
    lines = fileset("list", small, "--paths").stdout.splitlines()
    paths = {path.resolve() for line in lines for path in (Path(line), small / line) if path.is_file()}
    assert len(lines) == len(paths) == 12
    assert paths == {path.resolve() for path in small.rglob("I*") if path.is_file()}


MATCHES: Final[Mapping[tuple[str, ...], int]] = {
    (): 12,
    ("PatientID=P1",): 6,
    ("PatientID=P?",): 12,
    ("PatientID=*2",): 6,
    ("PatientName=Doe*",): 12,
    ("PatientID=P",): 0,
    ("Modality=MR",): 0,
    ("StudyDate=20240102",): 6,
    ("StudyDate=20240102-20240103",): 12,
    ("StudyDate=20240103-",): 6,
    ("StudyDate=-20240102",): 6,
    ("StudyDate=20240104-",): 0,
    ("PatientID=P1", "StudyDate=20240103"): 3,
    ("PatientID=P1", "InstanceNumber=2"): 2,
    (f"StudyInstanceUID={synthetic.uid('study', 1, 1)}",): 3,
    (f"SOPInstanceUID={synthetic.ct_uid()}",): 1,
}


@pytest.mark.parametrize("keys", MATCHES)
def test_list_matches_values_wildcards_and_ranges(keys: tuple[str, ...], small: Path) -> None:
    assert len(fileset("list", small, *keys, "--json").document["instances"]) == MATCHES[keys]


def test_list_for_people_shows_the_tree(small: Path) -> None:
    assert "Doe" in fileset("list", small).stdout


def test_info_counts(small: Path) -> None:
    document = fileset("info", small, "--json").document
    assert document["schema"] == "fileset.info/1"
    assert document["records"] == {"PATIENT": 2, "STUDY": 4, "SERIES": 4, "IMAGE": 12}


def test_extract_copies_matching_instances(small: Path, tmp_path: Path) -> None:
    fileset("extract", small, "-o", tmp_path / "OUT", "PatientID=P1")
    extracted = {path.read_bytes() for path in (tmp_path / "OUT").rglob("*") if path.is_file()}
    wanted = {synthetic.ct(1, study, 1, number) for study in (1, 2) for number in (1, 2, 3)}
    assert wanted <= extracted


# --- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["list", "info"])
def test_folder_without_a_dicomdir_is_not_a_file_set(verb: str, tmp_path: Path) -> None:
    run = fileset(verb, tmp_path, code=4)
    assert run.stderr
    assert not run.stdout


@pytest.mark.parametrize("content", [b"", b"no DICOMDIR", bytes(128) + b"DICM"])
def test_file_that_is_no_dicomdir_is_not_a_file_set(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(content)
    assert fileset("list", tmp_path, code=4).stderr


@pytest.mark.judges
def test_existing_dicomdir_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    source, folder = tmp_path / "IN", tmp_path / "OUT"
    synthetic.ct_series(source, 1, 1, 1, 2)
    create(source, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    fileset("create", source, "-o", folder, code=6)
    fileset("index", folder, code=6)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    fileset("index", folder, "--replace")
    judges.judge_file_set(folder, (uid for _, uid in peers.truth(folder)))


@pytest.mark.parametrize(
    "arguments",
    [
        ("burn-a-disc",),
        ("create",),
        ("create", "IN"),
        ("create", "IN", "-o", "OUT", "--naming", "poetic"),
        ("create", "IN", "-o", "OUT", "--file-set-id", "not a CS"),
        ("create", "IN", "-o", "OUT", "--file-set-uid", "1.02"),
        ("list",),
        ("list", "IN", "PatientID"),
        ("list", "IN", "NoSuchKeyword=1"),
    ],
    ids=" ".join,
)
def test_wrong_usage_and_trouble_have_different_exit_codes(arguments: tuple[str, ...], tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 1)
    if arguments[:1] == ("list",):
        fileset("index", tmp_path / "IN")
    assert fileset(*arguments, code=2, cwd=tmp_path).stderr
    assert not (tmp_path / "OUT" / "DICOMDIR").exists()


def test_missing_source_is_reported(tmp_path: Path) -> None:
    run = fileset("create", tmp_path / "NOWHERE", "-o", tmp_path / "OUT", code=ANY)
    assert run.code in (2, 5)
    assert "NOWHERE" in run.stderr


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 2)
    document = fileset("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--dry-run", "--json").document
    assert len(document["added"]) == 2
    assert not (tmp_path / "OUT").exists() or not list((tmp_path / "OUT").iterdir())


# --- same input, same output ----------------------------------------------------------------------------------------


def test_order_of_the_disk_makes_no_difference(tmp_path: Path) -> None:
    """The same files, made in opposite order: the same names, the same DICOMDIR."""
    paths = synthetic.ct_series(tmp_path / "A", patients=2, studies=2, series=2, instances=3)
    for path in reversed(paths):
        target = tmp_path / "B" / path.relative_to(tmp_path / "A")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for folder in ("A", "B"):
        create(tmp_path / folder, tmp_path / f"OUT_{folder}", "--file-set-uid", "2.25.7", "--file-set-id", "SAME")
    assert _contents(tmp_path / "OUT_A") == _contents(tmp_path / "OUT_B")


def test_number_of_jobs_makes_no_difference(tmp_path: Path) -> None:
    synthetic.write_every_sop_class(tmp_path / "IN")
    for jobs in ("1", "2"):
        fileset("create", tmp_path / "IN", "-o", tmp_path / jobs, "--file-set-uid", "2.25.7", "--jobs", jobs, code=ANY)
    assert _contents(tmp_path / "1") == _contents(tmp_path / "2")


def test_index_with_the_same_uid_gives_the_same_bytes(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "A", 1, 1, 2, 3)
    shutil.copytree(tmp_path / "A", tmp_path / "B")
    for folder in ("A", "B"):
        fileset("index", tmp_path / folder, "--file-set-uid", "2.25.7")
    assert _contents(tmp_path / "A") == _contents(tmp_path / "B")


def test_file_set_uid_is_the_one_given_or_new(tmp_path: Path) -> None:
    synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 1)
    uids = set()
    for name, options in (("A", ("--file-set-uid", "2.25.7")), ("B", ()), ("C", ())):
        create(tmp_path / "IN", tmp_path / name, *options)
        uids.add(str(judges.read_directory(tmp_path / name / "DICOMDIR").file_meta.MediaStorageSOPInstanceUID))
    assert "2.25.7" in uids
    assert len(uids) == 3


def _contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in _files(folder)}
