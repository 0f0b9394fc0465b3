"""ISO 9660 images: written so that others read them, read without mounting, changed as a whole."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import fileset
from fileset.cli import main
from fileset.errors import FormatError, MediumError, RefusedError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import FileSetInfo
from fileset.media.iso.medium import IsoMedium
from fileset.media.open import format_for, readable, updatable
from tests.media.conftest import UID, below, contents, listed, uids
from tests.support import synthetic
from tests.support.judges import judge_file_set, need_tool, run_tool

VARIANTS = {"plain": (), "joliet": ("joliet",), "udf": ("udf",), "all": ("joliet", "udf")}


def create(sources: Path, path: Path, *options: str, **more: Any) -> Path:
    creator = fileset.Creator(
        path, medium_options=options, file_set_id="ACME_CD1", file_set_uid=UID, replace=True, **more
    )
    creator.add(sources)
    creator.commit()
    return path


@pytest.fixture(scope="module", params=VARIANTS)
def image(request: pytest.FixtureRequest, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of `sources`, of each variant; not to be changed."""
    return create(sources, tmp_path_factory.mktemp("image") / "DISC.iso", *VARIANTS[request.param])


@pytest.fixture(scope="module")
def folder(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a folder; not to be changed."""
    return create(sources, tmp_path_factory.mktemp("folder") / "DISC")


# --- the same file-set as a folder ----------------------------------------------------------------------------------


def test_an_image_holds_the_same_as_the_folder(image: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contents(image) == contents(folder) == below(folder)
    assert listed(image, capsys) == listed(folder, capsys)


def test_records_read_their_files_at_random(image: Path) -> None:
    with fileset.Reader(image) as reader:
        records = list(reader.instances)
        for record in (records[-1], records[0]):
            assert record.dataset().SOPInstanceUID == record.sop_instance_uid
            with record.open() as file:
                file.seek(-4, 2)
                end = file.read()
                assert file.read() == b""
                file.seek(128)
                assert file.read(4) == b"DICM"
            assert len(end) == 4
        opened = records[0].open()
    with opened:  # stays open when the medium is closed
        assert opened.read(132)[128:] == b"DICM"


# --- the opinion of other programs ----------------------------------------------------------------------------------


def extracted_by_7zz(image: Path, target: Path) -> None:
    assert run_tool("7zz", "x", "-y", f"-o{target}", image).code == 0


def extracted_by_xorriso(image: Path, target: Path) -> None:
    assert run_tool("xorriso", "-osirrox", "on", "-indev", image, "-extract", "/", target).code == 0
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def extracted_by_pycdlib(image: Path, target: Path) -> None:
    pycdlib = pytest.importorskip("pycdlib")
    iso = pycdlib.PyCdlib()
    iso.open(str(image))
    for folder, _, names in iso.walk(iso_path="/"):
        (target / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for name in names:
            assert name.endswith(".;1")
            iso.get_file_from_iso(
                str(target / folder.lstrip("/") / name.removesuffix(".;1")), iso_path=f"{folder.rstrip('/')}/{name}"
            )
    iso.close()


@pytest.mark.judges
@pytest.mark.parametrize("extract", [extracted_by_7zz, extracted_by_xorriso, extracted_by_pycdlib])
def test_other_programs_extract_the_written_files(image: Path, folder: Path, tmp_path: Path, extract: Any) -> None:
    extract(image, tmp_path / "out")
    assert below(tmp_path / "out") == below(folder)


@pytest.mark.slow
@pytest.mark.judges
def test_files_extracted_by_other_programs_are_a_clean_file_set(image: Path, tmp_path: Path) -> None:
    extracted_by_7zz(image, tmp_path / "out")
    judge_file_set(tmp_path / "out", uids())


@pytest.mark.judges
def test_others_test_it_and_object_to_nothing(image: Path) -> None:
    tested = run_tool("7zz", "t", image)
    assert (tested.code, "Everything is Ok" in tested.stdout) == (0, True)
    assert "WARNING" not in tested.stdout.upper().replace("WARNINGS: 0", "")
    checked = run_tool("xorriso", "-indev", image, "-check_media", "--", "-find", "/", "-exec", "report_lba")
    assert checked.code == 0
    assert not [line for line in checked.lines if "SORRY" in line or "FAILURE" in line or "WARNING" in line]


@pytest.mark.judges
def test_volume_descriptor_and_names_follow_ps3_12_f(image: Path) -> None:
    described = run_tool("isoinfo", "-d", "-i", image).stdout
    assert "Volume id: ACME_CD1\n" in described
    assert "System id: \n" in described
    names = [line for line in run_tool("isoinfo", "-f", "-i", image).stdout.splitlines() if line.count("/") in (1, 4)]
    assert "/DICOMDIR.;1" in names
    assert "/PT000000/ST000000/SE000000/IM000000.;1" in names


@pytest.mark.judges
def test_joliet_names_have_no_version(sources: Path, tmp_path: Path) -> None:
    image = create(sources, tmp_path / "J.iso", "joliet")
    names = run_tool("isoinfo", "-J", "-f", "-i", image).stdout.splitlines()
    assert {"/DICOMDIR", "/PT000000/ST000000/SE000000/IM000000"} <= set(names)


# --- PS3.12 F, sentence by sentence ---------------------------------------------------------------------------------


def test_an_empty_file_set_id_is_a_volume_identifier_of_spaces(sources: Path, tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "X.iso") as creator:
        creator.add(sources)
    assert (tmp_path / "X.iso").read_bytes()[16 * 2048 + 40 :][:32] == b" " * 32


def test_directory_records_have_no_attributes_and_clear_flags(image: Path) -> None:
    iso = pytest.importorskip("pycdlib").PyCdlib()
    iso.open(str(image))
    records = [record for folder, _, _ in iso.walk(iso_path="/") for record in iso.list_children(iso_path=folder)]
    assert len(records) > 50
    for record in records:
        assert record.xattr_len == 0
        assert record.file_flags & ~0x02 == 0
        assert (record.file_unit_size, record.interleave_gap_size, record.seqnum) == (0, 0, 1)
    iso.close()


@pytest.mark.judges
def test_files_in_a_directory_are_sorted(image: Path) -> None:
    named = [line.split()[-1] for line in run_tool("isoinfo", "-l", "-i", image).stdout.splitlines() if "[" in line]
    in_root = [name for name in named[2:] if name.startswith(("DICOMDIR", "PT"))]
    assert in_root == sorted(in_root)


@pytest.mark.judges
def test_eight_components_fit(tmp_path: Path) -> None:
    deep = tmp_path / "deep" / "A1" / "B2" / "C3" / "D4" / "E5" / "F6" / "G7"
    deep.mkdir(parents=True)
    (deep / "IMAGE8").write_bytes(synthetic.ct())
    image = create(tmp_path / "deep", tmp_path / "deep.iso", naming="keep")
    with fileset.Reader(image) as reader:
        (record,) = reader.instances
        assert str(record.file_id) == "A1/B2/C3/D4/E5/F6/G7/IMAGE8"
        assert record.dataset().SOPInstanceUID == synthetic.ct_uid()
    extracted_by_xorriso(image, tmp_path / "out")
    judge_file_set(tmp_path / "out", [synthetic.ct_uid()])


# --- the same input, the same bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_source_date_epoch_makes_the_same_bytes(
    sources: Path, tmp_path: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    first, second = (create(sources, tmp_path / name, *options) for name in ("1.iso", "2.iso"))
    assert first.read_bytes() == second.read_bytes()
    with fileset.Reader(first) as reader:
        info = next(reader.instances).inquire()
    assert info.modified
    assert info.modified.timestamp() == 1500000000


def test_a_source_date_epoch_that_is_none_is_refused(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(RuleError, match="SOURCE_DATE_EPOCH"):
        create(sources, tmp_path / "x.iso")


# --- an image that is there -----------------------------------------------------------------------------------------


def test_an_existing_image_is_not_replaced_unasked(image: Path, sources: Path) -> None:
    before = image.read_bytes()
    with pytest.raises(RefusedError):
        fileset.Creator(image).add(sources)
    assert image.read_bytes() == before


def test_a_file_that_is_not_an_image_is_not_replaced_without_the_option(tmp_path: Path) -> None:
    path = tmp_path / "thesis.iso"
    path.write_bytes(b"three years of work")
    with pytest.raises(RefusedError):
        fileset.Creator(path)


def test_a_change_carries_files_label_joliet_and_dates_over(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    path = create(sources, tmp_path / "x.iso", "joliet")
    before = contents(path)
    gone = FileId("PT000001\\ST000000\\SE000001\\IM000009")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    medium = updatable(path)
    with medium.open(DICOMDIR) as file:
        dicomdir = file.read()
    with medium.transaction() as transaction:
        transaction.announce([FileId("NEW")], [gone])
        transaction.write(FileId("NEW"), iter([b"new"]))
        transaction.settle()
        transaction.publish(iter([dicomdir]), lambda _: None)
        transaction.delete(gone)
    medium.close()
    after = contents(path)
    assert set(after) == set(before) - {gone.path} | {"NEW"}
    assert all(after[name] == before[name] for name in set(before) - {gone.path})
    with closing(IsoMedium(str(path))) as changed:
        assert (changed.label, changed.kinds) == ("ACME_CD1", ("ISO 9660", "Joliet"))
        old = changed.inquire_file(FileId("PT000000\\ST000000\\SE000000\\IM000000")).modified
        assert old
        assert old.timestamp() == 1000000000


def test_a_new_file_set_id_is_a_new_volume_identifier(sources: Path, tmp_path: Path) -> None:
    path = create(sources, tmp_path / "x.iso", "joliet")
    with fileset.Updater(path) as updater:
        updater.file_set_id = "OTHER"
    with closing(IsoMedium(str(path))) as changed:
        assert changed.label == "OTHER"


def test_the_medium_is_recognised_by_its_content(image: Path, tmp_path: Path) -> None:
    disguised = tmp_path / "disc.img"
    disguised.write_bytes(image.read_bytes())
    with fileset.Reader(disguised) as reader:
        assert reader.file_set_id == "ACME_CD1"
    assert isinstance(readable(image)[0], IsoMedium)


def test_the_format_can_be_named(sources: Path, tmp_path: Path) -> None:
    create(sources, tmp_path / "disc.img", medium_format="iso")
    with fileset.Reader(tmp_path / "disc.img", medium_format="iso") as reader:
        assert reader.file_set_id == "ACME_CD1"
    with pytest.raises(RuleError, match="no format 'tape'"):
        format_for(tmp_path / "x", "tape")
    with pytest.raises(FormatError):
        fileset.Reader(tmp_path / "disc.img", medium_format="folder")


@pytest.mark.parametrize("name", ["DISC.img", "DISC.IMG", "SET.tar", "SET.tar.gz", "SET.7z", "DISC.nrg", "DISC.udf"])
def test_no_folder_is_made_under_the_name_of_another_image_or_archive(name: str, tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"ends in \.iso or \.zip, or give the format .*folder, iso, zip"):
        fileset.Creator(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("chosen", ["format", "there already", "closing separator"])
def test_a_folder_has_any_name_where_a_folder_is_wanted(chosen: str, sources: Path, tmp_path: Path) -> None:
    path = tmp_path / "DISC.img"
    if chosen == "there already":
        path.mkdir()
    creator = fileset.Creator(
        f"{path}{os.sep}" if chosen == "closing separator" else path,
        medium_format="folder" if chosen == "format" else None,
    )
    creator.add(sources)
    creator.commit()
    assert (path / "DICOMDIR").is_file()


def test_an_option_that_the_format_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="'folder' has no option 'joliet'"):
        fileset.Creator(tmp_path / "x", medium_options=["joliet"])


def test_a_file_that_is_not_an_image_is_a_format_error(tmp_path: Path) -> None:
    path = tmp_path / "x.iso"
    path.write_bytes(bytes(100_000))
    with pytest.raises(FormatError, match="not an image of a disc"):
        fileset.Reader(path, medium_format="iso")


# --- images by others -----------------------------------------------------------------------------------------------


@pytest.mark.judges
@pytest.mark.parametrize("options", [(), ("-J",), ("-J", "-R"), ("-R", "-l")], ids=" ".join)
def test_images_by_genisoimage_are_read(folder: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "theirs.iso"
    command = [need_tool("genisoimage"), "-quiet", *options, "-o", str(path), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    assert contents(path) == below(folder)


@pytest.mark.judges
@pytest.mark.parametrize("level", [1, 3])
def test_images_by_xorriso_are_read(folder: Path, tmp_path: Path, level: int) -> None:
    path = tmp_path / "theirs.iso"
    command = [need_tool("xorriso"), "-as", "mkisofs", "-iso-level", str(level), "-o", str(path), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    assert contents(path) == below(folder)


@pytest.mark.judges
def test_a_file_set_below_the_root_of_an_image_is_found(folder: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.iso"
    (tmp_path / "discs" / "ONE").mkdir(parents=True)
    (tmp_path / "discs" / "ONE" / "DISC").symlink_to(folder)
    (tmp_path / "discs" / "README").touch()
    command = [need_tool("genisoimage"), "-quiet", "-f", "-o", str(theirs), str(tmp_path / "discs")]
    subprocess.run(command, check=True, capture_output=True)
    assert contents(theirs) == below(folder)
    with fileset.Reader(theirs) as reader:
        assert reader.medium.name == f"{theirs}/ONE/DISC"


@pytest.mark.judges
def test_an_image_without_a_dicomdir_is_a_format_error(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.iso"
    (tmp_path / "source").mkdir()
    command = [need_tool("genisoimage"), "-quiet", "-o", str(theirs), str(tmp_path / "source")]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(FormatError, match="no DICOMDIR"):
        fileset.Reader(theirs)


# --- M-INQUIRE ------------------------------------------------------------------------------------------------------


def test_inquiry_shows_the_size_of_the_image_and_its_disc(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with fileset.Reader(image) as reader:
        info = reader.medium_info()
    assert info.used == image.stat().st_size
    assert (info.disc, info.disc_capacity) == ("CD 650 MB", 681_984_000)
    assert info.format.startswith("ISO 9660")
    assert info.largest_file == 2**32 - 1
    assert info.free
    assert main(["info", str(image)]) == 0
    shown = capsys.readouterr().out
    assert ", fits a CD 650 MB, which holds 682 MB\n" in shown
    assert "Free space" in shown


def test_a_file_too_large_for_one_extent_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    big = tmp_path / "source" / "BIG"
    big.parent.mkdir()
    big.write_bytes(synthetic.ct(number=77))
    with big.open("r+b") as file:
        file.truncate(2**32)
    with pytest.raises(MediumError, match="takes 4294967295 at most"):
        create(tmp_path / "source", tmp_path / "big.iso")
    assert not (tmp_path / "big.iso").exists()


def test_an_image_is_read_although_the_system_has_no_status_of_it_as_windows_of_raw_drives(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(22, "Incorrect function")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", refuse)
        with closing(IsoMedium(str(image))) as medium:
            names = list(medium.names())
    assert names
    with pytest.raises(FormatError, match="is a folder"):
        IsoMedium(str(image.parent))


def test_an_image_that_its_file_system_cannot_hold_is_refused_before_it_is_written(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_stick = FileSetInfo(10**9, 10**9, "FAT32", largest_file=100_000)
    monkeypatch.setattr("fileset.media.image.medium.inquire_volume", lambda _: of_stick)
    with pytest.raises(MediumError, match="its file system takes files of 100000 at most; nothing was written"):
        create(sources, tmp_path / "DISC.iso")
    assert not list(tmp_path.iterdir())


def test_a_file_larger_than_one_call_of_the_system_is_read_whole(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(IsoMedium(str(image))) as medium:
        file_id = FileId.tolerant(max(medium.names(), key=lambda name: medium.inquire_file(FileId.tolerant(name)).size))
        with medium.open(file_id) as file:
            whole = file.read()
        monkeypatch.setattr("fileset.media.image.bytes.LARGEST_READ", len(whole) // 3)
        with medium.open(file_id) as file:
            assert file.read() == whole
            file.seek(5)
            assert file.read() == whole[5:]
