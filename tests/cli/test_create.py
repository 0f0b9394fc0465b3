"""`fileset create` and `fileset index`: options reach the library, and nothing that was left out is silent."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pydicom.data
import pytest
from pydicom.uid import UID

from fileset import Reader
from fileset.cli.output import escaped
from fileset.cli.shell import shown
from fileset.cli.verbs.create import SCHEMES as CLI_SCHEMES
from fileset.file_id import DICOMDIR
from fileset.plan.names import SCHEMES, Place, names
from tests.support import synthetic
from tests.support.command import Runs, command, environment, words_of

ODD = "esc" if sys.platform == "win32" else "esc\x1b[31m"
"""The name of a file that would colour a terminal, where names may have such signs."""
SHIPPED = Path(pydicom.data.__file__).parent / "test_files"


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    """Three images, and two files that are not DICOM."""
    folder = tmp_path / "IN"
    synthetic.ct_series(folder, 1, 1, 1, 3)
    (folder / "README.txt").write_text("hello")
    (folder / ODD).write_text("hello")
    return folder


@pytest.mark.parametrize("name", ["DISC", "DISC.iso"])
def test_create_names_the_folder_above_the_medium_that_it_makes(
    name: str, run: Runs, incoming: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "nostick" / "discs"
    said = run("create", incoming, "-o", folder / name, "--dry-run").stderr
    assert f"the folder {folder} does not exist and would be made\n" in said
    assert not folder.parent.exists()
    assert f"made the folder {folder}, which did not exist\n" in run("create", incoming, "-o", folder / name).stderr
    assert "made the folder" not in run("create", incoming, "-o", folder / "NEXT").stderr
    assert "made the folder" not in run("create", incoming, "-o", f"{folder / 'LAST'}/").stderr


def test_the_help_knows_the_schemes_of_the_library() -> None:
    assert list(CLI_SCHEMES) == list(SCHEMES)
    place = Place((0, 0, 0), 0, record_type="IMAGE", sop_instance_uid="1.2.3", source="A")
    given = {scheme: next(iter(names(scheme, [place]))).path for scheme in SCHEMES}
    assert {scheme: given[scheme] for scheme in ("counter", "flat")} == {
        scheme: CLI_SCHEMES[scheme] for scheme in ("counter", "flat")
    }
    shown = CLI_SCHEMES["uid"].partition(",")[0]
    assert [len(part) for part in given["uid"].split("/")] == [len(part) for part in shown.split("/")]


def test_a_summary_goes_to_standard_error_and_nothing_to_standard_output(
    run: Runs, incoming: Path, tmp_path: Path
) -> None:
    done = run("create", incoming / "P001", "-o", tmp_path / "OUT")
    assert done.stdout == ""
    assert done.stderr.startswith(f"3 instances of 1 patient written to {tmp_path / 'OUT'}, ")
    assert re.search(r" in 4 files, \d+\.\d s\n$", done.stderr)


def test_files_that_are_not_dicom_are_counted_in_one_line(run: Runs, incoming: Path, tmp_path: Path) -> None:
    lines = run("create", incoming, "-o", tmp_path / "OUT").stderr.splitlines()
    assert lines[0] == "left out 2 files that are not DICOM: README.txt, " + escaped(ODD)
    assert len(lines) == 2
    assert "skipped" not in lines[1]


def test_files_that_are_not_dicom_are_named_with_their_folders(run: Runs, incoming: Path, tmp_path: Path) -> None:
    (incoming / ODD).unlink()
    (incoming / "P001" / "README.txt").write_text("hello")
    lines = run("create", incoming, "-o", tmp_path / "OUT").stderr.splitlines()
    assert lines[0] == "left out 2 files that are not DICOM: P001/README.txt, README.txt"


def test_a_source_that_is_the_medium_itself_is_called_so(run: Runs, disc: Path) -> None:
    said = run("create", disc, "-o", disc, "--replace", code=6).stderr
    assert f"{disc}: is the place where the file-set is to be written" in said
    said = run("create", disc / "P001", "-o", disc, "--replace", code=6).stderr
    assert f"{disc / 'P001'}: is inside {disc}, where the file-set is to be written" in said


def test_files_that_are_not_dicom_change_the_exit_code_on_request(run: Runs, incoming: Path, tmp_path: Path) -> None:
    run("create", incoming, "-o", tmp_path / "OUT", "--strict-sources", code=3)
    run("index", incoming, "--strict-sources", code=3)
    run("add", tmp_path / "OUT", incoming, "--strict-sources", code=3)
    run("add", tmp_path / "OUT", incoming)


def test_many_skipped_files_are_grouped_by_their_reason(run: Runs, incoming: Path, tmp_path: Path) -> None:
    for number in range(60):
        (incoming / f"X{number}.dcm").write_text("hello")
    for number in range(2):
        (incoming / f"E{number}.dcm").touch()
    words = ("create", incoming, "-o", tmp_path / "OUT", "--dry-run")
    lines = run(*words, code=3).stderr.splitlines()
    start = lines.index("62 files skipped:")
    assert lines[start + 1].split("[")[1] == "FS-FILE-EMPTY]"
    assert lines[start + 4] == "     60 x not a DICOM file [FS-FILE-NOT-DICOM]"
    assert lines[start + 9] == "  (-v or --json names every one)"
    assert sum("X" in line for line in run(*words, "-v", code=3).stderr.splitlines()) == 60
    assert len(run(*words, "--json", code=3).document["skipped"]) == 64


@pytest.mark.parametrize(("name", "content"), [("IM1.dcm", "hello"), ("IM1", ""), ("IM1.DCM", "")])
def test_a_damaged_dicom_file_counts(name: str, content: str, run: Runs, incoming: Path, tmp_path: Path) -> None:
    (incoming / name).write_text(content)
    lines = run("create", incoming, "-o", tmp_path / "OUT", code=3).stderr.splitlines()
    assert lines[1] == "1 file skipped:"
    assert lines[2].startswith(f"  {name}: ")


def test_a_listed_file_that_is_not_dicom_counts(run: Runs, indexed: Path, tmp_path: Path) -> None:
    disc = Path(shutil.copytree(indexed, tmp_path / "DISC"))
    (disc / "P001/T001/S001/I000001").write_text("not DICOM")
    assert "1 file skipped:\n" in run("create", disc, "-o", tmp_path / "OUT", code=3).stderr
    run("create", disc, tmp_path / "DISC/P002", "-o", tmp_path / "TWO", code=3)
    run("refresh", disc, code=3)


def test_quiet_is_silent_unless_something_is_missing(run: Runs, incoming: Path, tmp_path: Path) -> None:
    assert run("create", "-q", incoming, "-o", tmp_path / "ONE").stderr == ""
    (incoming / "IM1.dcm").write_text("damaged")
    heading, name, line = run("create", "-q", incoming, "-o", tmp_path / "TWO", code=3).stderr.splitlines()
    assert heading == "1 file skipped:"
    assert name.startswith("  IM1.dcm: ")
    assert line.endswith("1 file skipped")
    twice = run("create", "-q", incoming / "P001", incoming / "P001", "-o", tmp_path / "THREE")
    assert twice.stderr == ""


def test_quiet_calls_a_finding_what_it_is_called_without_it(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "IN").mkdir()
    (tmp_path / "IN" / "note.txt").write_text("hello")
    for number, more in enumerate(((), ("-q",))):
        said = run("create", tmp_path / "IN", "-o", tmp_path / f"OUT{number}", *more, code=3).stderr.splitlines()
        assert "1 warning:" in said
        assert said[-1].endswith(", 1 warning")


def test_a_cut_off_image_among_the_sources_names_its_dicomdir_once(run: Runs, incoming: Path, tmp_path: Path) -> None:
    image = tmp_path / "DISC.iso"
    run("create", incoming, "-o", image)
    with Reader(image) as reader:
        start = reader.medium.position(DICOMDIR)
    os.truncate(image, start)
    for number, source in enumerate((image, tmp_path)):
        said = run("create", source, "-o", tmp_path.parent / f"{tmp_path.name}_{number}", code=3).stderr
        [line] = [line for line in said.splitlines() if "DICOMDIR: " in line]
        assert line.count("DICOMDIR") == 1
        assert "DISC.iso" in line


def test_verbose_shows_the_new_name_of_every_file(run: Runs, incoming: Path, tmp_path: Path) -> None:
    assert run("create", "-v", incoming / "P001", "-o", tmp_path / "OUT").stdout.splitlines() == [
        f"T001/S001/I00000{number} -> PT000000/ST000000/SE000000/IM00000{number - 1}" for number in (1, 2, 3)
    ]


def test_a_source_without_any_dicom_file_is_not_done(run: Runs, tmp_path: Path) -> None:
    source = tmp_path / "IN"
    source.mkdir()
    for number in range(160):
        (source / f"{number:02d}.txt").write_text("hello")
    short = run("create", source, "-o", tmp_path / "A", code=3).stderr
    assert short.startswith("left out 160 files that are not DICOM: ")
    assert len(short.splitlines()) < 5
    long = run("create", source, "-v", "-o", tmp_path / "B", code=3).stderr
    assert all(f"  {number:02d}.txt\n" in long for number in range(160))


def test_dry_run_shows_the_names_and_writes_nothing(run: Runs, incoming: Path, tmp_path: Path) -> None:
    assert run("create", "--dry-run", incoming / "P001", "-o", tmp_path / "OUT").stdout == ""
    done = run("create", "--dry-run", "-v", "--naming", "flat", incoming / "P001", "-o", tmp_path / "OUT")
    assert "T001/S001/I000001 -> DICOM/D0000000/I0000000\n" in done.stdout
    assert "3 instances of 1 patient would be written to" in done.stderr
    assert " in 4 files" not in done.stderr
    assert not (tmp_path / "OUT").exists()


def test_json_shows_everything(run: Runs, incoming: Path, tmp_path: Path) -> None:
    out = tmp_path / "OUT"
    options = ("--json", "--file-set-id", "ACME_CD1", "--file-set-uid", "2.25.7")
    document = run("create", incoming, "-o", out, *options).document
    assert document["schema"] == "fileset.create/1"
    assert document["file_set"] == {"id": "ACME_CD1", "uid": "2.25.7", "path": str(out)}
    assert document["added"][0] == {
        "source": "P001/T001/S001/I000001",
        "file_id": "PT000000/ST000000/SE000000/IM000000",
        "record_type": "IMAGE",
        "sop_instance_uid": synthetic.ct_uid(),
    }
    assert [row["source"] for row in document["skipped"]] == ["README.txt", ODD]
    assert {"source", "rule", "reason"} == document["skipped"][0].keys()
    files = [path for path in out.rglob("*") if path.is_file()]
    assert document["written"] == {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
    assert (document["complete"], document["dry_run"]) == (True, False)


def test_json_of_findings_shows_their_places(run: Runs, tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    del dataset.InstanceNumber
    synthetic.write(dataset, tmp_path / "IN" / "IM1")
    document = run("create", tmp_path / "IN", "-o", tmp_path / "OUT", "--json").document
    [finding] = [row for row in document["findings"] if row["rule"] == "FS-KEY-INVENTED"]
    assert finding["severity"] == "warning"
    assert finding["where"].keys() == {"file", "record", "offset", "tag"}
    assert finding["where"]["file"] == "IM1"
    refused = run("create", tmp_path / "IN", "-o", tmp_path / "NO", "--json", "--missing", "refuse", code=3).document
    assert [row["rule"] for row in refused["skipped"]] == ["FS-KEY-TYPE1-MISSING"]


def test_every_option_reaches_the_library(run: Runs, tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.StudyInstanceUID = "1.20.3"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.3.4")
    synthetic.write(dataset, tmp_path / "IN" / "IM1").write_bytes(
        synthetic.encode(dataset).replace(b"1.20.3", b"1.02.3")
    )
    base = ("create", tmp_path / "IN", "--json", "--jobs", "1", "--undefined-lengths", "-o")
    refused = run(*base, tmp_path / "A", "--invalid-uid", "refuse", code=3).document["skipped"]
    assert [row["rule"] for row in refused] == ["FS-UID-FORM"]
    document = run(*base, tmp_path / "B", "--invalid-uid", "accept", "--unknown-sop-class", "private").document
    assert document["added"][0]["record_type"] == "PRIVATE"
    rules = ("--invalid-uid", "accept", "--unknown-sop-class", "refuse")
    assert run(*base, tmp_path / "C", *rules, code=3).document["added"] == []
    (tmp_path / "B" / "README").write_text("hello")
    described = ("--descriptor", "README", "--descriptor-charset", "ISO_IR 100", "--replace")
    run(*base, tmp_path / "B", *described, "--invalid-uid", "accept")
    assert run("info", tmp_path / "B", "--json").document["file_set"]["descriptor_file_id"] == "README"


def test_sources_and_options_may_be_mixed(run: Runs, incoming: Path, tmp_path: Path) -> None:
    series = incoming / "P001" / "T001" / "S001"
    done = run("create", series / "I000001", "-o", tmp_path / "OUT", series / "I000002", "--json", series / "I000003")
    assert len(done.document["added"]) == 3


def test_index_reports_as_create_does(run: Runs, incoming: Path) -> None:
    document = run("index", incoming, "--json", "--file-set-id", "HERE").document
    assert document["schema"] == "fileset.index/1"
    assert document["file_set"]["id"] == "HERE"
    assert document["added"][0]["file_id"] == document["added"][0]["source"] == "P001/T001/S001/I000001"
    assert document["written"]["files"] == 1


def test_index_dry_run_writes_nothing(run: Runs, incoming: Path) -> None:
    done = run("index", incoming, "--dry-run", "-v")
    assert "P001/T001/S001/I000001 would be listed\n" in done.stdout
    assert not (incoming / "DICOMDIR").exists()


@pytest.mark.parametrize("here", [False, True])
def test_index_names_the_command_that_takes_files_without_a_legal_name(
    here: bool,  # noqa: FBT001  # a parameter of the test
    run: Runs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "my files"
    shutil.copytree(SHIPPED / "dicomdirtests" / "98892003", folder)
    (folder / "MR1" / "15820").rename(folder / "MR1" / "image.dcm")
    if here:
        monkeypatch.chdir(folder)
    hint = run("index", "." if here else folder, "--file-set-id", "MINE", code=3).stderr.splitlines()[-2]
    program, *arguments = words_of(hint)
    assert program == "fileset"
    run(*arguments, code=0)  # the DICOMDIR that the index wrote is listed as skipped, but nothing is lost
    created = Path(arguments[arguments.index("-o") + 1])
    assert created.resolve() == tmp_path / "my files_NEW"
    assert run("info", created, "--json").document["records"]["IMAGE"] == 17


def test_index_of_a_path_that_is_not_a_folder_is_wrong_usage(run: Runs, incoming: Path, tmp_path: Path) -> None:
    run("create", incoming / "P001", "-o", tmp_path / "I.iso")
    assert "I.iso: not a folder" in run("index", tmp_path / "I.iso", code=2).stderr
    assert "NOWHERE: no such file or folder" in run("index", tmp_path / "NOWHERE", code=2).stderr


def test_an_existing_file_set_is_refused(run: Runs, indexed: Path, incoming: Path) -> None:
    assert "--replace" in run("create", incoming, "-o", indexed, code=6).stderr
    assert "--replace" in run("index", indexed, code=6).stderr


@pytest.mark.parametrize("name", ["OUT", "OUT.iso", "OUT.zip"])
def test_the_fate_of_a_replaced_file_set_is_reported(
    name: str, run: Runs, indexed: Path, incoming: Path, tmp_path: Path
) -> None:
    out, was = tmp_path / name, f"the file-set that was in {tmp_path / name} "
    run("create", indexed, "-o", out, "--naming", "counter")
    more = ("-o", out, "--naming", "counter", "--replace")
    kept = ", except 3 that stay" if name == "OUT" else ""
    done = run("create", incoming / "P001", *more, "--dry-run")
    assert f"{was}had 12 instances: its files would be deleted{kept}\n" in done.stderr
    done = run("create", incoming / "P001", *more)
    assert f"{was}had 12 instances: its files were deleted{kept}\n" in done.stderr
    document = run("create", indexed, *more, "--json").document
    assert document["replaced"] == [{"path": str(out), "instances": 3, "kept_files": 3 if kept else 0}]
    fate = "all its files stay" if kept else "its files were deleted"
    assert f"{was}had 12 instances: {fate}\n" in run("create", indexed, *more).stderr
    damaged = out / "DICOMDIR" if kept else out
    damaged.write_bytes(b"nothing" if kept else out.read_bytes()[: out.stat().st_size // 8])
    stayed = "its files stayed" if kept else "its files were deleted"
    assert f"{was}could not be read: {stayed}\n" in run("create", indexed, *more).stderr
    assert "replaced" not in run("create", indexed, "-o", tmp_path / "NEW", "--json").document


@pytest.mark.parametrize("replace", [(), ("--replace",)])
@pytest.mark.parametrize(
    ("name", "content"),
    [("A.iso", b"a text"), ("B.iso", bytes(100_000)), ("C.zip", None), ("D.zip", b"x"), ("E.zip", b""), ("F.iso", b"")],
)
def test_a_file_that_is_no_file_set_is_never_replaced(
    name: str, content: bytes | None, replace: tuple[str, ...], run: Runs, incoming: Path, tmp_path: Path
) -> None:
    out = tmp_path / name
    if content is None:
        with ZipFile(out, "w") as archive:
            archive.writestr("docs/letter.txt", "a letter")
    else:
        out.write_bytes(content)
    before = out.read_bytes()
    said = run("create", incoming, "-o", out, *replace, code=6).stderr
    assert f"{out}: exists, and is not a file-set" in said
    assert "--replace" not in said
    assert out.read_bytes() == before


def test_the_advice_about_a_conflict_works(run: Runs, tmp_path: Path) -> None:
    [one] = synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 1)
    other = one.with_name("OTHER")
    other.write_bytes(one.read_bytes().replace(b"ACME", b"ACNE"))
    disc = tmp_path / "MY DISC"
    said = "1 file skipped because another file has the same SOP Instance UID. To take a skipped file instead, "
    leave = "leave the other file out of the sources"
    create = ("create", tmp_path / "IN", "-o", disc)
    assert f"{said}{leave}\n" in run(*create, "--dry-run", code=3).stderr
    assert f"{said}{leave}\n" in run(*create, "--volume-size", "CD", code=3).stderr
    assert said not in run("create", tmp_path / "IN", "-o", tmp_path / "QUIET", "-q", code=3).stderr
    told = run(*create, code=3).stderr
    assert f"{said}{leave}, or add it afterwards: {shown(['fileset', 'add', str(disc), 'FILE', '--replace'])}\n" in told
    run("add", disc, other, "--replace")
    [path] = run("list", disc, "--paths").stdout.splitlines()
    assert (disc / path).read_bytes() == other.read_bytes()
    move = "move the other file out of the folder, and index it again with --replace\n"
    assert said + move in run("index", tmp_path / "IN", code=3).stderr
    one.unlink()
    run("index", tmp_path / "IN", "--replace")


def test_quiet_names_files_that_are_cut_off(run: Runs, indexed: Path, tmp_path: Path) -> None:
    whole = next(path for path in indexed.rglob("I*") if path.is_file())
    (tmp_path / "CUT").write_bytes(whole.read_bytes()[:-4])
    done = run("create", tmp_path / "CUT", "-o", tmp_path / "OUT", "-q", code=3)
    assert "CUT, IMAGE: the last element should end at" in done.stderr
    assert "FS-FILE-TRUNCATED" in done.stderr


def test_missing_files_and_a_broken_dicomdir_of_a_source_are_named_once(run: Runs, disc: Path, tmp_path: Path) -> None:
    gone = "P001/T001/S001/I000001"
    (disc / gone).unlink()
    assert f"  {gone}: not on the medium" in run("create", disc, "-o", tmp_path / "A", code=3).stderr
    (disc / "DICOMDIR").write_bytes(b"")
    assert f"  {disc}/DICOMDIR: not a DICOMDIR" in run("create", disc, "-o", tmp_path / "B", code=3).stderr


def test_an_image_that_cannot_be_written_is_called_by_its_own_name(
    run: Runs, indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr("fileset.media.image.transaction.open_locked", refuse)
    said = run("create", indexed, "-o", tmp_path / "X.iso", code=5).stderr
    assert said == f"fileset: error: {tmp_path / 'X.iso'}: {os.strerror(errno.EROFS)}\n"


@pytest.mark.parametrize("name", ["OUT", "OUT.iso", "OUT.zip"])
def test_folders_above_a_medium_are_made_with_it(name: str, run: Runs, indexed: Path, tmp_path: Path) -> None:
    place = tmp_path / "missing" / "folders" / name
    run("create", indexed, "-o", place, "--dry-run")
    run("create", indexed, "-o", place, "--include", tmp_path / "nothing", code=2)
    assert os.listdir(tmp_path) == []
    run("create", indexed, "-o", place)
    run("check", place)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the open files of a process in /proc")
def test_an_image_among_the_sources_is_closed_at_the_end(indexed: Path, tmp_path: Path, run: Runs) -> None:
    run("create", indexed, "-o", tmp_path / "IN.iso")
    run("create", tmp_path / "IN.iso", "-o", tmp_path / "OUT")
    assert str(tmp_path / "IN.iso") not in map(os.path.realpath, Path("/proc/self/fd").iterdir())


@pytest.fixture
def unprivileged() -> list[str]:
    """Return the words before a command with which permissions apply to it."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("permissions do not hold for root, and there is no setpriv to change that")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.slow
def test_a_dry_run_ends_as_the_run_where_nothing_may_be_written(
    unprivileged: list[str], indexed: Path, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    shutil.copytree(indexed, locked / "OUT", ignore=shutil.ignore_patterns("DICOMDIR"))
    shutil.copytree(indexed, locked / "SET")
    for folder in (locked, *filter(Path.is_dir, locked.rglob("*"))):
        folder.chmod(0o555)
    called: dict[Path, list[str | Path]] = {
        locked / "NEW": ["create", indexed, "-o", locked / "NEW"],
        locked / "NEW.iso": ["create", indexed, "-o", locked / "NEW.iso"],
        locked / "folder": ["create", indexed, "-o", locked / "folder" / "NEW.zip"],
        locked / "OUT": ["index", locked / "OUT"],
        locked / "SET": ["remove", locked / "SET", "PatientID=P1"],
    }
    for what, arguments in called.items():
        for more in ([], ["--dry-run"]):
            done = subprocess.run(
                [*unprivileged, *command(*arguments, *more)],
                capture_output=True,
                text=True,
                check=False,
                env=environment(),
            )
            assert (done.returncode, done.stderr) == (5, f"fileset: error: {what}: {os.strerror(errno.EACCES)}\n")


def test_a_dry_run_asks_whether_anything_may_be_written(
    run: Runs, indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.media.system.files.os.access", lambda *_: False)
    for name in ("OUT", "OUT.iso", "OUT.zip"):
        said = run("create", indexed, "-o", tmp_path / name, "--dry-run", code=5).stderr
        assert said == f"fileset: error: {tmp_path / name}: {os.strerror(errno.EACCES)}\n"


def test_the_name_of_an_image_that_is_not_written_is_wrong_usage(run: Runs, incoming: Path, tmp_path: Path) -> None:
    for more in ((), ("--volume-size", "CD"), ("--dry-run",)):
        done = run("create", incoming, "-o", tmp_path / "CD.img", *more, code=2)
        assert ".iso or .zip" in done.stderr
        assert "--format" in done.stderr
    assert not (tmp_path / "CD.img").exists()
    run("create", incoming, "-o", tmp_path / "CD.img", "--format", "iso")
    assert (tmp_path / "CD.img").is_file()


def test_a_source_that_does_not_exist_is_wrong_usage(run: Runs, tmp_path: Path) -> None:
    assert "NOWHERE" in run("create", tmp_path / "NOWHERE", "-o", tmp_path / "OUT", code=2).stderr


@pytest.mark.parametrize("more", [(), ("--volume-size", "CD"), ("--replace",)])
def test_sources_without_any_file_are_named_and_nothing_is_written(
    more: tuple[str, ...], run: Runs, disc: Path, tmp_path: Path
) -> None:
    (tmp_path / "EMPTY" / "BELOW").mkdir(parents=True)
    out = disc if "--replace" in more else tmp_path / "OUT"
    before = sorted(tmp_path.rglob("*"))
    done = run("create", tmp_path / "EMPTY", "-o", out, *more, code=3)
    assert f"  {tmp_path / 'EMPTY'}: no files were found there [FS-SOURCE-EMPTY]\n" in done.stderr
    [skipped] = run("create", tmp_path / "EMPTY", "-o", out, *more, "--json", code=3).document["skipped"]
    assert (skipped["source"], skipped["rule"]) == (str(tmp_path / "EMPTY"), "FS-SOURCE-EMPTY")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="names of bytes are POSIX")
def test_a_name_that_is_no_text_is_reported(run: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "IN"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/\xff\xfe.dcm", "wb") as file:
        file.write(synthetic.ct())
    done = run("create", folder, "-o", tmp_path / "A", "-v")
    assert done.stdout.startswith("\\udcff\\udcfe.dcm -> ")
    assert run("create", folder, "-o", tmp_path / "B", "--json").document["added"][0]["source"] == "\udcff\udcfe.dcm"


@pytest.mark.skipif(os.name != "posix", reason="names of bytes are POSIX")
@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("A", (), 0),
        ("V", ("--volume-size", "100MB"), 0),
        ("A.zip", (), 2),
        ("A.iso", ("--joliet",), 2),
        ("A.iso", ("--udf",), 2),
    ],
)
def test_only_a_folder_holds_an_included_name_that_is_no_text(
    run: Runs, incoming: Path, tmp_path: Path, name: str, options: tuple[str, ...], code: int
) -> None:
    viewer = tmp_path / "programs"
    viewer.mkdir()
    (viewer / os.fsdecode(b"Anl\xe4itung.txt")).write_bytes(b"Anleitung")
    out, manifest = tmp_path / name, tmp_path / "manifest"
    done = run("create", incoming, "-o", out, "--include", viewer, "--manifest", manifest, *options, code=code)
    if code:
        assert (
            "Anl\\udce4itung.txt: its name is not text in UTF-8, and only a folder can hold it. Rename the file"
            in done.stderr
        )
        assert not out.exists()
    else:
        [copy] = tmp_path.glob(f"{name}*/Anl*.txt")
        assert copy.read_bytes() == b"Anleitung"
        assert b"  Anl\xe4itung.txt\n" in next(tmp_path.glob("manifest*")).read_bytes()


def test_an_archive_goes_to_standard_output(incoming: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command("create", incoming, "-o", "-"), capture_output=True, check=False, env=environment(), timeout=60
    )
    assert done.returncode == 0
    assert b"left out 2 files" in done.stderr
    (tmp_path / "X.zip").write_bytes(done.stdout)
    with Reader(tmp_path / "X.zip") as reader:
        assert {record.sop_instance_uid for record in reader.instances} == {
            synthetic.ct_uid(number=n) for n in (1, 2, 3)
        }


def test_output_that_standard_output_cannot_take_is_wrong_usage(run: Runs, incoming: Path) -> None:
    for options, says in (
        (["--json"], "Leave out --json"),
        (["-v"], "and -v"),
        (["--volume-size", "CD"], "one archive"),
    ):
        assert says in run("create", incoming, "-o", "-", *options, code=2).stderr
    assert len(run("create", incoming, "-o", "-", "--dry-run", "-v").stdout.splitlines()) == 3


@pytest.mark.parametrize("option", ["--manifest", "--plan"])
def test_no_file_is_called_as_standard_output_is(
    option: str, run: Runs, incoming: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("create", incoming, "-o", "OUT", "--volume-size", "CD", option, "-", code=2).stderr
    assert f"argument {option}: '-': standard output takes the report: give the name of a file\n" in said
    said = run("create", incoming, "-o", "OUT", "--volume-size", "CD", option, "", code=2).stderr
    assert f"argument {option}: the name of the file is empty\n" in said
    assert [path.name for path in tmp_path.iterdir()] == ["IN"]


def test_a_skipped_file_is_named_with_the_option_that_includes_it(run: Runs, tmp_path: Path) -> None:
    dataset = synthetic.instance(synthetic.CT_IMAGE)
    dataset.StudyInstanceUID = "1.20.3"
    synthetic.write(dataset, tmp_path / "IN" / "IM1").write_bytes(
        synthetic.encode(dataset).replace(b"1.20.3", b"1.02.3")
    )
    create = ("create", tmp_path / "IN", "-o")
    said = run(*create, tmp_path / "A", "--invalid-uid", "refuse", code=3).stderr
    assert "--invalid-uid accept may include 1 file skipped for FS-UID-FORM\n" in said
    assert "1 instance of 1 patient written" in run(*create, tmp_path / "B", "--invalid-uid", "accept").stderr


@pytest.mark.parametrize(("size", "question"), [("4.7", "Did you mean 4.7GB?"), ("700", "Did you mean 700MB?")])
def test_a_size_without_a_unit_is_questioned(size: str, question: str, run: Runs, incoming: Path) -> None:
    assert question in run("create", incoming, "-o", "X.iso", "--volume-size", size, code=2).stderr


def test_a_legal_file_set_id_is_offered(run: Runs, incoming: Path) -> None:
    said = run("create", incoming, "-o", "X.iso", "--file-set-id", "Müller CD 1", code=2).stderr
    assert "For example MUELLER_CD_1\n" in said


def test_what_systems_leave_in_folders_is_no_loss(run: Runs, tmp_path: Path) -> None:
    image = synthetic.ct_series(tmp_path / "IN", 1, 1, 1, 1)[0]
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", f"._{image.name}", "._IM1.dcm"):
        (image.parent / name).write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(200))
    assert "left out 5 files that are not DICOM" in run("create", tmp_path / "IN", "-o", tmp_path / "SET").stderr


def test_a_file_in_the_place_of_the_new_folder_is_refused(
    indexed: Path, run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes").write_text("text")
    for more in ((), ("--replace",), ("--dry-run",)):
        said = run("create", indexed, "-o", "notes", *more, code=6).stderr
        assert said.startswith("fileset: error: notes: exists, and is not a file-set. Choose another name")
    assert Path("notes").read_text() == "text"


def test_the_path_of_a_dicomdir_is_no_place_for_a_new_file_set(
    run: Runs, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(incoming.parent)
    for words, folder in (("create IN -o OUT/DICOMDIR", "OUT"), ("create IN -o DICOMDIR --format iso", ".")):
        assert run(*words.split(), code=2).stderr.endswith(f"Name its folder: {folder}\n")
    run("index", "IN")
    assert run("index", "IN/DICOMDIR", "--replace", code=2).stderr.endswith("Name its folder: IN\n")
    assert os.listdir() == ["IN"]
