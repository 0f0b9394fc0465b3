"""More data than one medium holds: the plan by itself, then the volumes of a Creator."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fileset
from fileset.cli import main
from fileset.errors import MediumError, RefusedError, RuleError
from fileset.file_id import FileId
from fileset.media.base import FileSetInfo, Footprint
from fileset.plan import volumes
from fileset.plan.new_file_set import Recipe
from fileset.plan.split import Load, Packing, bytes_of, numbered, pack, too_large
from fileset.reader import Record
from tests.support import judges, synthetic

CAPACITY = 1000


def load(studies: list[list[list[int]]], study: int = 3, series: int = 2) -> Load:
    """The load of studies of series of instances, given as their weights."""
    flat = [(at, one) for at, several in enumerate(studies) for one in several]
    return Load(
        instances=[weight for _, one in flat for weight in one],
        series_of=[at for at, (_, one) in enumerate(flat) for _ in one],
        series=[series] * len(flat),
        study_of=[at for at, _ in flat],
        studies=[study] * len(studies),
    )


def weights(packing: Packing, what: Load) -> list[int]:
    """Compute the size of each volume independently."""
    total = [0] * len(packing.used)
    seen = set()
    for weight, volume, series in zip(what.instances, packing.volume_of, what.series_of, strict=True):
        study = what.study_of[series]
        total[volume] += weight
        for kind, number, own in (("series", series, what.series[series]), ("study", study, what.studies[study])):
            if (kind, number, volume) not in seen:
                total[volume] += own
                seen.add((kind, number, volume))
    return total


instances = st.lists(st.integers(1, CAPACITY - 5), min_size=1, max_size=6)
any_load = st.lists(st.lists(instances, min_size=1, max_size=5), min_size=1, max_size=12)


@given(any_load)
def test_every_instance_is_on_one_volume_and_no_volume_is_too_full(studies: list[list[list[int]]]) -> None:
    what = load(studies)
    packing = pack(what, CAPACITY)
    assert list(packing.used) == weights(packing, what)
    assert max(packing.used) <= CAPACITY
    assert min(packing.used) > 0
    firsts = [list(packing.volume_of).index(volume) for volume in range(len(packing.used))]
    assert firsts == sorted(firsts)


@given(any_load)
def test_only_a_study_that_is_too_large_or_saves_a_volume_is_divided(studies: list[list[list[int]]]) -> None:
    what = load(studies)
    packing = pack(what, CAPACITY)
    for series, one in enumerate(series for study in studies for series in study):
        volumes = {v for v, s in zip(packing.volume_of, what.series_of, strict=True) if s == series}
        assert (len(volumes) > 1) == (series in packing.split_series)
        assert len(volumes) == 1 or sum(one) + 5 > CAPACITY
    for study, several in enumerate(studies):
        volumes = {v for v, s in zip(packing.volume_of, what.series_of, strict=True) if what.study_of[s] == study}
        assert (len(volumes) > 1) == (study in packing.split_studies)
        large = sum(sum(one) + 2 for one in several) + 3 > CAPACITY
        assert len(volumes) == 1 or large or len(packing.used) < len(kept_whole(studies))


def kept_whole(studies: list[list[list[int]]]) -> list[int]:
    """Volumes that first-fit decreasing needs when no study is divided that fits on one."""
    volumes: list[int] = []
    bundles = []
    for several in studies:
        series = [parts for one in several for parts in chunks(one)]
        whole = sum(sum(one) + 2 for one in series) + 3
        bundles += [whole] if whole <= CAPACITY else [sum(one) + 5 for one in series]
    for weight in sorted(bundles, reverse=True):
        at = next((at for at, used in enumerate(volumes) if used + weight <= CAPACITY), None)
        if at is None:
            volumes.append(weight)
        else:
            volumes[at] += weight
    return volumes


def chunks(one: list[int]) -> list[list[int]]:
    parts = [[one[0]]]
    for weight in one[1:]:
        if sum(parts[-1]) + weight + 5 > CAPACITY:
            parts.append([])
        parts[-1].append(weight)
    return parts


@pytest.mark.parametrize("seed", range(40))
def test_few_volumes_are_needed(seed: int) -> None:
    dice = random.Random(seed)
    mean = dice.choice((5, 20, 80))
    studies = [
        [[dice.randint(1, mean) for _ in range(dice.randint(1, 12))] for _ in range(dice.randint(1, 8))]
        for _ in range(dice.randint(20, 200))
    ]
    what = load(studies)
    packing = pack(what, CAPACITY)
    least = -(-sum(map(sum, (one for study in studies for one in study))) // CAPACITY)
    assert len(packing.used) <= max(1.25 * least, least + 1)


@pytest.mark.slow
def test_planning_grows_with_the_number_of_studies_and_no_faster() -> None:
    def seconds(count: int) -> float:
        what = load([[[300, 200], [90]] for _ in range(count)])
        begin = time.process_time()
        pack(what, CAPACITY)
        return time.process_time() - begin

    seconds(100)
    assert seconds(20_000) < 100 * max(seconds(1000), 0.005)


def test_the_same_load_is_placed_alike() -> None:
    what = load([[[100, 200], [300]], [[400]], [[100] * 9], [[350], [360]]])
    assert pack(what, CAPACITY) == pack(what, CAPACITY)


def test_nothing_needs_no_volume() -> None:
    assert list(pack(load([]), CAPACITY).used) == []


def test_instances_that_fit_on_no_volume_are_found() -> None:
    assert list(too_large(load([[[995, 996, 10]], [[2000]]]), CAPACITY)) == [1, 3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("700MB", 700_000_000),
        ("700 mb", 700_000_000),
        ("700MiB", 734_003_200),
        ("4.7GB", 4_700_000_000),
        ("650KiB", 665_600),
        ("1.5TB", 1_500_000_000_000),
        ("12345B", 12345),
        (12345, 12345),
        ("12B", 12),
        ("cd", 737_280_000),
    ],
)
def test_sizes_mean_bytes(text: str | int, expected: int) -> None:
    assert bytes_of(text, {"CD": 737_280_000}) == expected


@pytest.mark.parametrize("text", ["", "MB", "-5", "0", "7 apples", "1e9", "\N{SUPERSCRIPT TWO}MB", 0, -1])
def test_a_text_that_is_not_a_size_is_refused(text: str | int) -> None:
    with pytest.raises(RuleError, match="volume size"):
        bytes_of(text, {"CD": 737_280_000})


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("ACME", 2, "ACME_2"),
        ("", 2, ""),
        ("SIXTEEN_LETTERS_", 3, "SIXTEEN_LETTER_3"),
        ("SIXTEEN_LETTERS_", 12, "SIXTEEN_LETTE_12"),
    ],
)
def test_file_set_ids_are_numbered_within_sixteen_characters(name: str, number: int, expected: str) -> None:
    assert numbered(name, number, 16) == expected


# --- file-sets ------------------------------------------------------------------------------------------------------


FORMATS = {"folder": "OUT", "iso": "OUT.iso", "bridge": "OUT.iso", "zip": "OUT.zip", "deflated": "OUT.zip"}
OPTIONS = {"bridge": ["joliet", "udf"], "deflated": ["compress"]}
SIZES = {"folder": 150_000, "iso": 480_000, "bridge": 1_000_000, "zip": 45_000, "deflated": 45_000}
"""Of volumes that take some of the instances, but not nearly all, whatever the format costs."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two studies of two series of six instances."""
    folder = tmp_path_factory.mktemp("source")
    synthetic.ct_series(folder, 2, 2, 2, 6)
    return folder


def create(source: Path, path: Path, kind: str = "zip", size: int | str | None = None, **more: Any) -> fileset.Report:
    # Records of the smallest size, so that `SIZES` does not depend on which optional keys are usual.
    more = {"keys": "minimal", **more}
    creator = fileset.Creator(path, medium_options=OPTIONS.get(kind, ()), volume_size=size or SIZES[kind], **more)
    creator.add(source)
    return creator.commit()


def held(path: Path) -> list[Record]:
    with fileset.Reader(path) as reader:
        assert reader.findings == []
        return list(reader.instances)


def taken(path: Path) -> int:
    """The bytes of an image, or of the files in a folder in clusters."""
    if path.is_file():
        return path.stat().st_size
    return sum(-(-file.stat().st_size // 4096) * 4096 for file in path.rglob("*") if file.is_file())


@pytest.mark.parametrize("kind", FORMATS)
def test_every_instance_is_on_one_volume_and_every_volume_fits(kind: str, source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / FORMATS[kind], kind, file_set_id="ACME")
    stem, dot, ending = FORMATS[kind].partition(".")
    paths = [tmp_path / f"{stem}_{at}{dot}{ending}" for at in range(1, len(report.volumes) + 1)]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert len(paths) >= 2
    assert report.complete
    uids = [record.sop_instance_uid for path in paths for record in held(path)]
    assert sorted(uids) == sorted(one.sop_instance_uid for one in report.added)
    assert len(set(uids)) == 48
    for path, volume in zip(paths, report.volumes, strict=True):
        assert volume.used is not None
        assert taken(path) <= volume.used <= volume.planned <= volume.capacity == SIZES[kind]


@pytest.mark.parametrize("kind", FORMATS)
def test_each_volume_is_a_separate_file_set(kind: str, source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / FORMATS[kind], kind, file_set_id="SIXTEEN_LETTERS_")
    readers = [fileset.Reader(volume.report.medium) for volume in report.volumes]
    assert len({reader.file_set_uid for reader in readers}) == len(readers)
    assert [reader.file_set_id for reader in readers] == [f"SIXTEEN_LETTER_{at + 1}" for at in range(len(readers))]
    for reader, volume in zip(readers, report.volumes, strict=True):
        assert reader.file_set_uid == volume.report.file_set_uid
        assert next(reader.instances).file_id == FileId(r"PT000000\ST000000\SE000000\IM000000")
        reader.close()


@pytest.mark.judges
def test_no_judge_objects_to_any_volume(source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / "OUT", "folder")
    for volume in report.volumes:
        judges.judge_file_set(Path(volume.report.medium), [one.sop_instance_uid for one in volume.report.added])


def test_studies_and_series_stay_together_where_they_can(source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / "OUT.zip")
    studies = [{record["StudyInstanceUID"] for record in _studies(volume.report.medium)} for volume in report.volumes]
    assert len(studies) < sum(map(len, studies)) == len(set().union(*studies)) == 4
    assert report.findings == []


def _studies(medium: str) -> list[Record]:
    with fileset.Reader(medium) as reader:
        return list(reader.studies)


def test_a_series_larger_than_a_volume_is_divided_with_a_warning(source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / "OUT.zip", size=9000)
    rules = {finding.rule for finding in report.findings}
    assert rules == {"FS-VOLUME-SERIES-SPLIT", "FS-VOLUME-STUDY-SPLIT"}
    assert any("volumes 1 and 2" in finding.message for finding in report.warnings)
    assert report.complete


def test_an_instance_larger_than_a_volume_is_refused_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"I000001 has \d+ bytes.*nor do 47 others.* takes \d+ bytes for itself"):
        create(source, tmp_path / "OUT.zip", size=2000)
    assert list(tmp_path.iterdir()) == []


def test_files_that_fit_on_one_volume_make_one_volume(source: Path, tmp_path: Path) -> None:
    report = create(source, tmp_path / "OUT.iso", "iso", "CD")
    assert [(Path(one.report.medium).name, one.capacity) for one in report.volumes] == [("OUT_1.iso", 737_280_000)]


def test_nothing_is_one_empty_volume(tmp_path: Path) -> None:
    report = fileset.Creator(tmp_path / "OUT.zip", volume_size="CD").commit()
    assert [len(held(Path(volume.report.medium))) for volume in report.volumes] == [0]


def test_a_dry_run_plans_the_same_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    creator = fileset.Creator(tmp_path / "OUT.zip", volume_size=SIZES["zip"], keys="minimal")
    creator.add(source)
    plan = creator.commit(dry_run=True)
    assert list(tmp_path.iterdir()) == []
    done = create(source, tmp_path / "OUT.zip")
    assert [volume.planned for volume in plan.volumes] == [volume.planned for volume in done.volumes]
    assert list(plan.added) == list(done.added)
    assert {volume.used for volume in plan.volumes} == {None}


def test_a_volume_that_is_there_is_not_replaced_unless_asked(source: Path, tmp_path: Path) -> None:
    create(source, tmp_path / "OUT.zip")
    (tmp_path / "OUT_1.zip").unlink()
    before = (tmp_path / "OUT_2.zip").read_bytes()
    with pytest.raises(RefusedError, match=r"OUT_2\.zip"):
        create(source, tmp_path / "OUT.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["OUT_2.zip"]
    create(source, tmp_path / "OUT.zip", replace=True)
    assert held(tmp_path / "OUT_2.zip")
    assert (tmp_path / "OUT_2.zip").read_bytes() != before
    (tmp_path / "OUT_2.zip").write_bytes(b"mine")
    with pytest.raises(RefusedError, match=r"OUT_2\.zip: exists, and is not a file-set"):
        create(source, tmp_path / "OUT.zip", replace=True)


@pytest.mark.parametrize("problem", [KeyboardInterrupt, MediumError("no more")])
def test_volumes_that_were_complete_when_it_ended_are_named(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    write_volume = volumes.write_volume
    calls: list[str] = []

    def write(recipe: Recipe, report: fileset.Report, *rest: Any) -> None:
        calls.append(report.medium)
        if len(calls) == 2:
            raise problem
        write_volume(recipe, report, *rest)

    monkeypatch.setattr("fileset.plan.volumes.write_volume", write)
    with pytest.raises((KeyboardInterrupt, MediumError)) as caught:
        create(source, tmp_path / "OUT.zip")
    assert caught.value.__notes__ == [f"complete volumes, which stay: {tmp_path / 'OUT_1.zip'}"]
    assert [path.name for path in tmp_path.iterdir()] == ["OUT_1.zip"]


def test_nothing_is_written_without_room_for_all_volumes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.media.image.medium.inquire_volume", lambda _: FileSetInfo(SIZES["zip"], 10**9))
    with pytest.raises(MediumError, match=r"2 volumes need \d+ bytes, 45000 are free"):
        create(source, tmp_path / "OUT.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_turns_out_too_large_is_an_error(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileset.media.zip.medium.Zip.footprint", Footprint(fixed=0, folder=0, entry=-900))
    with pytest.raises(MediumError, match=r"takes \d+ bytes, more than the 30000"):
        create(source, tmp_path / "OUT.zip", size=30_000)


def test_other_files_are_on_each_volume_and_count(source: Path, tmp_path: Path) -> None:
    (tmp_path / "VIEWER").write_bytes(bytes(20_000))
    creator = fileset.Creator(tmp_path / "OUT.zip", volume_size=SIZES["zip"])
    creator.add(source)
    creator.include(tmp_path / "VIEWER")
    report = creator.commit()
    assert len(report.volumes) > 2
    for volume in report.volumes:
        assert len(held(Path(volume.report.medium))) == len(volume.report.added)
        with zipfile.ZipFile(volume.report.medium) as archive:
            assert archive.getinfo("VIEWER").file_size == 20_000
        assert Path(volume.report.medium).stat().st_size <= volume.planned <= SIZES["zip"]


def test_volumes_that_are_there_are_no_sources(source: Path, tmp_path: Path) -> None:
    shutil.copytree(source, tmp_path / "work")
    for _ in range(2):
        report = create(tmp_path / "work", tmp_path / "work" / "OUT", "folder", replace=True)
        assert (len(report.added), report.skipped) == (48, [])
    with pytest.raises(RefusedError, match="OUT_1"):
        create(tmp_path / "work" / "OUT_1", tmp_path / "work" / "OUT", "folder", replace=True)


def test_progress_goes_once_through_all_volumes(source: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    create(source, tmp_path / "OUT.zip", progress=lambda *what: told.append(what))
    assert [what for what in told if what[0] == "write"] == [("write", at, 48) for at in range(1, 49)]


def test_options_that_contradict_volumes_are_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="needs its own File-set UID"):
        create(source, tmp_path / "OUT.zip", file_set_uid="1.2.3")
    with pytest.raises(RuleError, match="standard output"):
        create(source, Path("-"))


def test_the_command_line_reports_each_volume(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    common = [
        "create",
        str(source),
        "-o",
        "OUT.zip",
        "--volume-size",
        "45KB",
        "--file-set-id",
        "ACME",
        "--keys",
        "minimal",
    ]
    assert main([*common, "--dry-run", "-v", "--plan", "plan.json"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("OUT_") for line in shown) == 2
    assert sum(" -> " in line for line in shown) == 48
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert plan["schema"] == "fileset.plan/1"
    assert [volume["file_set"]["id"] for volume in plan["volumes"]] == ["ACME_1", "ACME_2"]
    assert [volume["used"] for volume in plan["volumes"]] == [None, None]
    assert main([*common, "--json", "--manifest", "SUMS.txt"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [Path(volume["file_set"]["path"]).name for volume in document["volumes"]] == ["OUT_1.zip", "OUT_2.zip"]
    assert [row["volume"] for row in document["added"]].count(1) == document["volumes"][0]["instances"]
    planned = [(at, one["source"]) for at, volume in enumerate(plan["volumes"], 1) for one in volume["instances"]]
    assert [(row["volume"], row["source"]) for row in document["added"]] == planned
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "OUT_1.zip",
        "OUT_2.zip",
        "SUMS_1.txt",
        "SUMS_2.txt",
        "plan.json",
    ]


def test_a_plan_without_volumes_is_wrong_usage(source: Path, tmp_path: Path) -> None:
    assert main(["create", str(source), "-o", str(tmp_path / "OUT"), "--plan", str(tmp_path / "plan.json")]) == 2


def test_a_plan_that_cannot_be_written_is_reported(source: Path, tmp_path: Path) -> None:
    plan = tmp_path / "none" / "plan.json"
    common = ["create", str(source), "-o", str(tmp_path / "OUT.zip"), "--volume-size", "45KB", "--dry-run"]
    assert main([*common, "--plan", str(plan)]) == 5


@pytest.fixture
def images(tmp_path: Path) -> Path:
    synthetic.ct_series(tmp_path / "IN", 2, 2, 2, 10)
    return tmp_path / "IN"


def test_volumes_of_the_current_folder_get_its_name(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "HERE").mkdir()
    monkeypatch.chdir(tmp_path / "HERE")
    creator = fileset.Creator(".", volume_size="400KB")
    creator.add(images)
    creator.commit()
    assert {path.name for path in tmp_path.glob("HERE*")} >= {"HERE", "HERE_1", "HERE_2"}
    assert not list(Path().iterdir())


def test_the_root_of_a_drive_takes_no_volumes(images: Path) -> None:
    with pytest.raises(RuleError, match="the root of a drive takes one file-set"):
        fileset.Creator(os.path.abspath(os.sep), volume_size="400KB").add(images)
