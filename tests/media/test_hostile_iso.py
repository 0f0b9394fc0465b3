"""Damaged and hostile images of discs: findings or FilesetErrors, never anything else, never for long."""

from __future__ import annotations

import random
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import pytest

import fileset
from fileset.check import check_file_set
from fileset.errors import FilesetError, FormatError, MediumError, RefusedError
from fileset.file_id import FileId
from fileset.media.iso.medium import IsoMedium
from fileset.media.iso.udf import Tag, tag_of, tagged
from tests.media.conftest import contents, uids
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.judges import need_tool, run_tool
from tests.support.long import LONG
from tests.support.tries import Tries

SECTOR = 2048
FLIPS = 3000 if LONG else 300
SECONDS = 2.0
VARIANTS = {"plain": (), "joliet": ("joliet",), "udf": ("udf",), "udf alone": ("udf",)}


def udf_alone(image: Path) -> Path:
    """Remove ISO 9660 from a bridge; the rest is UDF as in J and X of PS3.12."""
    data = bytearray(image.read_bytes())
    data[16 * SECTOR : 19 * SECTOR] = data[18 * SECTOR : 21 * SECTOR]
    data[19 * SECTOR : 21 * SECTOR] = bytes(2 * SECTOR)
    image.write_bytes(data)
    return image


@pytest.fixture(scope="module", params=VARIANTS)
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with a series of two instances each, on each kind of image; not to be changed."""
    folder = tmp_path_factory.mktemp("hostile")
    synthetic.ct_series(folder / "source", patients=2, studies=1, series=1, instances=2)
    path = folder / "DISC.iso"
    creator = fileset.Creator(
        path, medium_options=VARIANTS[request.param], file_set_id="HOSTILE", file_set_uid="2.25.12"
    )
    creator.add(folder / "source")
    creator.commit()
    return udf_alone(path) if request.param == "udf alone" else path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """One such image, of the plain kind, to be changed."""
    synthetic.ct_series(tmp_path / "source", patients=2, studies=1, series=1, instances=2)
    with fileset.Creator(tmp_path / "DISC.iso") as creator:
        creator.add(tmp_path / "source")
    return tmp_path / "DISC.iso"


def use(path: Path) -> list[str]:
    """Read an image in every way; return the results. Only a `FilesetError` is caught."""
    told: list[str] = []
    try:
        with fileset.Reader(path) as reader:
            reader.medium_info()
            for record in reader.instances:
                try:
                    record.inquire()
                    with record.open() as file:
                        file.read(1 << 20)
                except FilesetError as problem:
                    told.append(str(problem))
            told += islice(reader.medium.names(), 1000)
            told += (str(finding) for finding in reader.findings)
        told += (str(finding) for finding in check_file_set(path, jobs=1).findings)
    except FilesetError as problem:
        told.append(str(problem))
    with suppress(FilesetError), closing(IsoMedium(str(path))) as medium:
        told += islice(medium.names(), 1000)
        told += medium.damage()
    return told


def timed(path: Path) -> list[str]:
    started = time.process_time()
    told = use(path)
    assert time.process_time() - started < SECONDS
    return told


# --- anything at all ------------------------------------------------------------------------------------------------


def test_it_is_whole_before_it_is_damaged(image: Path) -> None:
    with fileset.Reader(image) as reader:
        assert {record.sop_instance_uid for record in reader.instances} == uids(2, 1, 1, 2)
        assert reader.findings == []
    assert len(contents(image)) == 5
    assert check_file_set(image).findings == []


def interesting(data: bytes) -> list[int]:
    """Where a flip may do harm: bytes that are not zero, and those before and after them."""
    return [at for at in range(16 * SECTOR, len(data) - 1) if any(data[at - 1 : at + 2])]


@pytest.mark.slow
def test_random_flips(image: Path, tmp_path: Path, tries: Tries) -> None:
    whole = image.read_bytes()
    places = interesting(whole)
    chance = random.Random(9660)
    for number in range(FLIPS):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.choice(places)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        path = tmp_path / f"{number}.iso"
        path.write_bytes(data)
        timed(path)
        path.unlink()
    tries("images with random flips", FLIPS)


@pytest.mark.slow
def test_truncations(image: Path, tmp_path: Path, tries: Tries) -> None:
    data = image.read_bytes()
    path = tmp_path / "cut.iso"
    cuts = {*range(0, len(data), 7919), *range(16 * SECTOR, 30 * SECTOR, SECTOR), len(data) - 1}
    for length in sorted(cuts):
        path.write_bytes(data[:length])
        assert timed(path), length
    tries("images cut off", len(cuts))


def test_a_truncated_image_is_reported_and_gives_the_files_before_the_cut(plain: Path) -> None:
    data = plain.read_bytes()
    with fileset.Reader(plain) as reader:
        ids = [record.file_id for record in reader.instances]
    with closing(IsoMedium(str(plain))) as medium:
        # The DICOMDIR is the last file; one before it goes with it.
        assert ids[-1]
        end = data.index(b"DICM", data.index(synthetic.ct_uid(2, 1, 1, 1).encode()) + 1)
        assert medium.damage() == ()
    plain.write_bytes(data[:end])
    with pytest.raises(FormatError, match=r"are missing: the image is cut off: \d+ of \d+ bytes are there"):
        fileset.Reader(plain)
    with closing(IsoMedium(str(plain))) as medium:
        assert "cut off" in medium.damage()[0]
        assert ids[0]
        with medium.open(ids[0]) as file:
            assert file.read(132).endswith(b"DICM")
        with pytest.raises(FormatError, match=r"are missing: the image is cut off: \d+ of \d+ bytes are there"):
            medium.open(ids[-1])


def test_a_damaged_image_is_not_updated(plain: Path) -> None:
    data = plain.read_bytes()
    plain.write_bytes(data[: -100 * SECTOR])  # nothing but padding is missing
    assert "cut off" in str(fileset.Reader(plain).findings[0])
    before = plain.read_bytes()
    with pytest.raises((FormatError, RefusedError)), fileset.Updater(plain) as updater:
        updater.remove(PatientID="P1")
    assert plain.read_bytes() == before


# --- false values, one by one ---------------------------------------------------------------------------------------


def record(data: bytes, identifier: bytes) -> int:
    """The position of the Directory Record with this identifier."""
    for at in range(20 * SECTOR, len(data)):
        if data[at + 32 : at + 33 + len(identifier)] == bytes((len(identifier),)) + identifier and data[at] >= 33:
            return at
    raise AssertionError(identifier)


def extent(sector: int) -> bytes:
    return struct.pack("<I", sector) + struct.pack(">I", sector)


def patched(path: Path, at: int, new: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[at : at + len(new)] = new
    path.write_bytes(data)


@pytest.mark.parametrize("name", [b"../../etc", b"..\\..\\et", b"/etc/pas", b"C:\\WINDO", b"A\0BCDEFG", b"\x1b[2JABCD"])
def test_names_that_could_do_harm_are_noted_and_not_given(plain: Path, name: bytes) -> None:
    patched(plain, record(plain.read_bytes(), b"PT000001") + 33, name[:8])
    with closing(IsoMedium(str(plain))) as medium:
        names = list(medium.names())
        assert names == ["DICOMDIR", *(f"PT000000/ST000000/SE000000/IM00000{n}" for n in range(2))]
        assert "can do harm" in "".join(medium.damage())
    with fileset.Reader(plain) as reader:
        lost = [one for one in reader.instances if one.patient and one.patient["PatientID"] == "P2"]
        assert len(lost) == 2
        for one in lost:
            with pytest.raises(MediumError, match="not on the medium"):
                one.open()


def test_a_dot_dot_file_is_not_read(plain: Path) -> None:
    at = record(plain.read_bytes(), b"DICOMDIR.;1")
    patched(plain, at + 33, b"../../../;1")
    assert any("can do harm" in line for line in use(plain))


def test_a_folder_that_is_its_own_parent_is_entered_once(plain: Path) -> None:
    data = plain.read_bytes()
    root = struct.unpack_from("<I", data, 16 * SECTOR + 156 + 2)[0]
    patched(plain, record(data, b"ST000000") + 2, extent(root))
    with closing(IsoMedium(str(plain))) as medium:
        names = list(medium.names())
        assert len(names) == len(set(names)) < 20
        assert "already read under another name" in "".join(medium.damage())


def test_two_folders_that_are_one_are_noted(plain: Path) -> None:
    data = plain.read_bytes()
    place = data[record(data, b"PT000000") + 2 :][:16]
    patched(plain, record(data, b"PT000001") + 2, place)
    with closing(IsoMedium(str(plain))) as medium:
        assert len(list(medium.names())) == 3
        assert "already read under another name" in "".join(medium.damage())


def test_a_folder_of_gigabytes_is_not_read(plain: Path) -> None:
    patched(plain, record(plain.read_bytes(), b"PT000001") + 10, extent(0xFFFFF000))
    told = timed(plain)
    assert any("more directories than" in line or "was cut off" in line for line in told)


def test_a_file_after_the_end_is_a_format_error(plain: Path) -> None:
    patched(plain, record(plain.read_bytes(), b"IM000001.;1") + 2, extent(0x7FFFFFFF))
    with fileset.Reader(plain) as reader:
        first, second, *_ = reader.instances
        first.inquire()
        with pytest.raises(FormatError, match="cut off"):
            second.inquire()
        with pytest.raises(FormatError, match="cut off"):
            second.open()
    (finding,) = check_file_set(plain).findings
    assert (finding.rule, finding.where.file) == ("FS-FILE-UNREADABLE", "PT000000/ST000000/SE000000/IM000001")


@pytest.mark.parametrize(("offset", "lie"), [(0, b"\x21"), (32, b"\xf0")], ids=["length", "length of the name"])
def test_a_record_whose_lengths_cannot_be_is_noted(plain: Path, offset: int, lie: bytes) -> None:
    patched(plain, record(plain.read_bytes(), b"PT000001") + offset, lie)
    with closing(IsoMedium(str(plain))) as medium:
        assert len(list(medium.names())) == 3
        assert "damaged at byte" in "".join(medium.damage())


def test_an_interleaved_file_is_noted(plain: Path) -> None:
    patched(plain, record(plain.read_bytes(), b"IM000001.;1") + 26, b"\1\1")
    assert any("interleaved" in line for line in use(plain))


def test_two_files_of_one_name_are_noted_and_the_first_is_read(plain: Path) -> None:
    patched(plain, record(plain.read_bytes(), b"IM000001.;1") + 33, b"IM000000.;1")
    with fileset.Reader(plain) as reader:
        first = next(reader.instances)
        assert first.dataset().SOPInstanceUID == first.sop_instance_uid
    assert any("two files or folders have this name" in line for line in use(plain))


@pytest.mark.parametrize("size", [0, 1, 513, 4096, 65535])
def test_a_block_size_that_cannot_be_is_a_format_error(plain: Path, size: int) -> None:
    patched(plain, 16 * SECTOR + 128, struct.pack("<H", size))
    with pytest.raises(FormatError, match="blocks of"):
        fileset.Reader(plain)


@pytest.mark.parametrize("broken", ["ISO 9660", "Joliet", "UDF"])
def test_a_hierarchy_that_is_broken_is_noted_and_the_others_serve(tmp_path: Path, broken: str) -> None:
    synthetic.ct_series(tmp_path / "source", patients=2, studies=1, series=1, instances=2)
    path = tmp_path / "DISC.iso"
    creator = fileset.Creator(path, medium_options=["joliet", "udf"])
    creator.add(tmp_path / "source")
    creator.commit()
    before = contents(path)
    data = path.read_bytes()
    end = len(data) - SECTOR
    places = {"ISO 9660": [16 * SECTOR + 128], "Joliet": [17 * SECTOR + 128], "UDF": [256 * SECTOR, end]}
    for at in places[broken]:
        patched(path, at, b"\7\7")
    assert contents(path) == before
    with fileset.Reader(path) as reader:
        assert broken not in reader.medium_info().format
        (finding,) = reader.findings
        assert finding.rule == "FS-MEDIUM-DAMAGED"
        assert finding.message.startswith(f"{broken}: ")


@pytest.mark.judges
def test_symbolic_links_of_rock_ridge_lead_nowhere(tmp_path: Path) -> None:
    """Whatever others put into an image: a link is no file, and nothing outside is read for it."""
    synthetic.ct_series(tmp_path / "DISC", patients=1, studies=1, series=1, instances=2)
    fileset.index(tmp_path / "DISC")
    (tmp_path / "BAIT").write_bytes(synthetic.ct(number=9))
    path = tmp_path / "DISC" / "P001" / "T001" / "S001" / "I000001"
    path.unlink()
    path.symlink_to(tmp_path / "BAIT")
    command = [need_tool("genisoimage"), "-quiet", "-R", "-o", str(tmp_path / "X.iso"), str(tmp_path / "DISC")]
    subprocess.run(command, check=True, capture_output=True)
    with fileset.Reader(tmp_path / "X.iso") as reader:
        first, second = reader.instances
        with first.open() as file:
            assert file.read() == b""
        assert second.dataset().SOPInstanceUID == second.sop_instance_uid
    rules = {finding.rule for finding in check_file_set(tmp_path / "X.iso").findings}
    assert rules & {"FS-FILE-MISSING", "FS-REFERENCE-NOT-DICOM", "FS-FILE-UNREADABLE"}


# --- UDF ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def udf(tmp_path: Path) -> Path:
    """Return an image with only UDF, to be changed."""
    synthetic.ct_series(tmp_path / "source", patients=2, studies=1, series=1, instances=2)
    creator = fileset.Creator(tmp_path / "DISC.iso", medium_options=["udf"])
    creator.add(tmp_path / "source")
    creator.commit()
    return udf_alone(tmp_path / "DISC.iso")


def entries(path: Path) -> Iterator[tuple[int, bytes]]:
    """Sector and contents of the File Entries, in the order of the names in the tree: the root, then as added."""
    data = path.read_bytes()
    for sector in range(257, len(data) // SECTOR - 1):
        found = data[sector * SECTOR : (sector + 1) * SECTOR]
        with suppress(FormatError):
            if tag_of(found) == Tag.FILE:
                yield sector, found


def rewritten(path: Path, sector: int, entry: bytes) -> None:
    """Put a File Entry back with a tag that fits it."""
    length = struct.unpack_from("<H", entry, 10)[0]
    patched(path, sector * SECTOR, tagged(Tag.FILE, entry[16 : 16 + length], sector - 257))


def test_an_update_of_a_pure_udf_image_names_a_partition_table_that_it_would_lose(udf: Path, run: Runs) -> None:
    patched(udf, 510, b"\x55\xaa")
    assert "partition table" in run("remove", udf, "InstanceNumber=1", code=6).stderr
    assert "partition table" in run("remove", udf, "InstanceNumber=1", "--force").stderr


@pytest.mark.judges
def test_a_pure_udf_image_is_read_and_other_programs_read_it_too(udf: Path) -> None:
    assert run_tool("7zz", "t", "-tUdf", udf).code == 0
    with fileset.Reader(udf) as reader:
        assert reader.medium_info().format == "UDF 1.02"
        assert {one.dataset().SOPInstanceUID for one in reader.instances} == uids(2, 1, 1, 2)


def test_a_udf_folder_that_is_its_own_parent_is_entered_once(udf: Path) -> None:
    found = list(entries(udf))
    folders = [(sector, data) for sector, data in found if data[27] == 4]
    root, (sector, entry) = folders[0][1], folders[2]
    rewritten(udf, sector, entry[:56] + root[56:64] + entry[64:176] + root[176:])
    with closing(IsoMedium(str(udf))) as medium:
        names = list(medium.names())
        assert len(names) == len(set(names)) < 20
        assert "already read under another name" in "".join(medium.damage())


def test_a_udf_file_that_claims_to_be_larger_than_its_pieces_is_reported(udf: Path) -> None:
    sector, entry = next((sector, data) for sector, data in entries(udf) if data[27] == 5)
    rewritten(udf, sector, entry[:56] + struct.pack("<Q", 1 << 60) + entry[64:])
    assert any("have no place" in line for line in timed(udf))


def test_allocation_descriptors_that_lead_back_to_themselves_end(udf: Path) -> None:
    sector, entry = next((sector, data) for sector, data in entries(udf) if data[27] == 5)
    # A continuation (type 3) at a block whose own descriptors continue there again.
    block = struct.unpack_from("<I", entry, 180)[0]
    rewritten(udf, sector, entry[:176] + struct.pack("<II", 0xC0000000 | SECTOR, block) + entry[184:])
    patched(udf, (257 + block) * SECTOR + 20, struct.pack("<III", 8, 0xC0000000 | SECTOR, block))
    assert any("more pieces than can be true" in line for line in timed(udf))


def test_a_virtual_allocation_table_is_refused_with_advice(udf: Path) -> None:
    data = udf.read_bytes()
    for at in (32 * SECTOR, 48 * SECTOR):
        for number in range(16):
            if data[at + number * SECTOR] == 6:
                name = b"\2\x40\0\0\0*UDF Virtual Partition".ljust(64, b"\0")
                patched(udf, at + number * SECTOR + 440, name)
    with pytest.raises(FormatError, match="Mount it"):
        fileset.Reader(udf)


def test_without_the_first_anchor_and_main_sequence_the_others_serve(udf: Path) -> None:
    before = contents(udf)
    patched(udf, 256 * SECTOR, bytes(SECTOR))
    patched(udf, 32 * SECTOR, bytes(16 * SECTOR))
    assert contents(udf) == before


def test_hostile_udf_names_are_not_given(udf: Path) -> None:
    data = udf.read_bytes()
    at = data.index(b"\x08PT000001")
    patched(udf, at + 1, b"../../xx")
    told = timed(udf)
    assert not any(line.startswith("..") for line in told)


def test_file_ids_that_lead_out_are_not_followed(plain: Path) -> None:
    with closing(IsoMedium(str(plain))) as medium, pytest.raises(FormatError):
        medium.open(FileId.tolerant("..\\..\\etc\\passwd"))
