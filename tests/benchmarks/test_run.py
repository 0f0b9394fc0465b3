"""The benchmarks run, clean up and report: with a substitute for our program, a few files, and no check of times."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .bench import Bench, Options, Result
from .jobs import JOBS, OURS, TARGETS, Contender, Job, Target
from .measure import run
from .report import Results, document, table
from .run import main, workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measuring needs Linux's /proc and pidfd")

STAND_IN = """
import shutil, sys
from pathlib import Path
verb, corpus = sys.argv[1], Path(sys.argv[-1] if sys.argv[1] == "--help" else sys.argv[2])
if verb == "create":
    corpus = Path(shutil.copytree(corpus, sys.argv[4]))
if verb in {"create", "index"}:
    (corpus / "DICOMDIR").write_bytes(bytes(5000))
if verb == "list":
    print(*corpus.rglob("I*"), sep="\\n")
"""

SUCCEED = ("{python}", "-c", "pass")
FAIL = ("{python}", "-c", "raise SystemExit('no, thank you')")


@pytest.fixture
def ours(tmp_path: Path) -> str:
    script = tmp_path / "ours.py"
    script.write_text(STAND_IN)
    return f"{sys.executable} {script}"


def contest(tmp_path: Path, *contenders: Contender, options: Options | None = None) -> dict[str, Result]:
    """Run the contenders at a job with two files."""
    job = Job("job", "a job", contenders, {"quick": (2,)})
    bench = Bench(tmp_path, options or Options("quick", runs=2), lambda _: None)
    [results] = bench.results([job])
    return {each.contender: each for each in results}


@pytest.mark.slow
def test_a_run_prints_the_table_writes_json_and_leaves_nothing(
    tmp_path: Path, ours: str, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    jobs = ["index-one-series", "list", "create", "help"]
    output = tmp_path / "figures.json"
    words = ["--jobs", *jobs, "--sizes", "3", "--runs", "1", "--ours", ours, "--json", output, "--work-dir", work]
    assert main(list(map(str, words))) == 0
    assert not list(work.iterdir())
    figures = json.loads(output.read_text())
    assert figures["schema"] == "fileset.benchmark/1"
    of_ours = [each for each in figures["results"] if each["contender"] == OURS]
    assert [each["job"] for each in of_ours] == jobs
    assert all(each["median"] > 0 and each["times_ours"] == 1 and not each["skipped"] for each in of_ours)
    assert {each["met"] for each in figures["targets"] if each["job"] != "help"} == {None}
    printed = capsys.readouterr().out
    assert "target" in printed
    assert "not measured" in printed


def test_every_contender_is_warmed_up_once_and_timed_as_often_as_asked(tmp_path: Path) -> None:
    results = contest(tmp_path, Contender("a", SUCCEED), Contender("b", SUCCEED))
    assert [len(each.seconds) for each in results.values()] == [2, 2]


def test_a_slow_contender_is_timed_once(tmp_path: Path) -> None:
    options = Options("quick", runs=3, patience=0)
    assert len(contest(tmp_path, Contender("a", SUCCEED), options=options)["a"].seconds) == 1


@pytest.mark.parametrize(
    ("contender", "reason"),
    [
        (Contender("it", ("no-such-program",)), "no-such-program is not installed"),
        (Contender("it", SUCCEED, needs="no_such_module"), "no_such_module is not installed"),
        (Contender("it", SUCCEED, limit=1, why="quadratic"), "quadratic (limit 1 files)"),
        (Contender("it", FAIL), "failed: exit code 1. no, thank you"),
        (Contender("it", SUCCEED, proof=lambda _: "did nothing"), "failed: did nothing"),
        (Contender("it", SUCCEED, prints_seconds=True), "failed: could not convert string to float: b''"),
    ],
)
def test_a_program_that_cannot_do_the_job_is_skipped_with_the_reason(
    tmp_path: Path, contender: Contender, reason: str
) -> None:
    results = contest(tmp_path, contender, Contender("other", SUCCEED))
    assert results["it"].skipped == reason
    assert len(results["other"].seconds) == 2


def test_the_output_of_a_run_is_emptied_and_put_aside_before_the_next_one(tmp_path: Path) -> None:
    writing = "import os, sys; os.mkdir(sys.argv[1]); open(sys.argv[1] + '/FILE', 'wb').write(b'data')"
    contest(tmp_path, Contender("it", ("{python}", "-c", writing, "{out}")))
    assert (tmp_path / "out" / "FILE").stat().st_size == 4
    assert [path.stat().st_size for path in (tmp_path / "aside").rglob("FILE")] == [0, 0]


def test_a_contender_that_times_itself_is_believed(tmp_path: Path) -> None:
    printing = Contender("it", ("{python}", "-c", "print(1.5)"), prints_seconds=True)
    assert contest(tmp_path, printing)["it"].seconds == (1.5, 1.5)


def test_a_job_is_skipped_if_no_program_can_write_the_directory_that_it_reads(tmp_path: Path) -> None:
    job = Job("job", "a job", (Contender("it", SUCCEED),), {"quick": (2,)}, needs_directory=True)
    options = Options("quick", ours=(sys.executable, "-c", "pass"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.benchmarks.bench.INDEXERS", (Contender(OURS, ("{ours}",), proof=lambda _: "nothing"),))
        [[result]] = Bench(tmp_path, options, lambda _: None).results([job])
    assert result.skipped == "no program wrote the DICOMDIR to read"


def test_memory_is_that_of_all_processes(tmp_path: Path) -> None:
    allocate = "import time; room = b'x' * 40_000_000; time.sleep(0.5)"
    parent = f"import subprocess, sys; {allocate}; subprocess.run([sys.executable, '-c', {allocate!r}])"
    with (tmp_path / "output").open("wb") as output:
        found = run([sys.executable, "-c", parent], env={}, stdout=output, stderr=output, sampled=True)
    assert found.exit_code == 0
    assert found.pss > 80_000_000
    # Of only one process, and never below that of the process that runs this test.
    assert found.max_rss > 40_000_000


def test_whatever_ends_a_run_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("tests.benchmarks.measure.watch", interrupt)
    with (tmp_path / "output").open("wb") as output, pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", "import time; time.sleep(60)"], env={}, stdout=output, stderr=output, sampled=True)


def test_an_interrupted_benchmark_cleans_up_and_shows_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> list[Result]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bench, "contest", interrupt)
    assert main(["--jobs", "help", "--work-dir", str(tmp_path)]) == 130
    assert not list(tmp_path.iterdir())
    assert "target" in capsys.readouterr().out


def test_the_work_folder_stays_if_asked(tmp_path: Path) -> None:
    with workspace(tmp_path, keep=True) as root:
        pass
    assert list(tmp_path.iterdir()) == [root]


RESULTS = Results(
    (
        Result("index", 10, OURS, (1.0, 3.0, 2.0), pss=50_000_000),
        Result("index", 10, "floor", (0.5,)),
        Result("index", 10, "absent", skipped="absent is not installed"),
        Result("index", 100, OURS, (18.0,), pss=60_000_000),
        Result("index", 100, "floor", (5.0,)),
    )
)


def test_figures_are_medians_ratios_and_growth() -> None:
    small, large = RESULTS.figure(RESULTS.all[0]), RESULTS.figure(RESULTS.all[3])
    assert (small.median, small.times_floor, small.growth) == (2.0, 4.0, None)
    assert (large.growth, large.growth_of_files) == (9.0, 10.0)
    assert large.microseconds_a_file == pytest.approx(180_000)
    assert RESULTS.figure(RESULTS.all[1]).times_ours == 0.25


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (Target("index", 100, "seconds", 4, peer="floor"), 3.6),
        (Target("index", 100, "seconds", 11, since=10), 9.0),
        (Target("index", 100, "memory", 160), 60.0),
        (Target("index", 10, "seconds", 1), 2.0),
        (Target("index", 10, "seconds", 1, peer="absent"), None),
        (Target("index", 10, "memory", 1, peer="floor"), None),
        (Target("index", 1000, "seconds", 1), None),
    ],
)
def test_targets_are_held_against_medians_and_peak_memory(target: Target, reached: float | None) -> None:
    assert RESULTS.reached(target) == reached


def test_the_table_and_the_json_have_the_same_figures() -> None:
    targets = [Target("index", 10, "seconds", 1), Target("index", 100, "memory", 160), Target("list", 1, "seconds", 1)]
    text = table(RESULTS, targets)
    assert "absent is not installed" in text
    assert [line.split()[-1] for line in text.splitlines() if "<=" in line] == ["missed", "reached"]
    values = json.loads(json.dumps(document(RESULTS, targets)))
    assert [each["met"] for each in values["targets"]] == [False, True]
    assert len(values["results"]) == len(RESULTS.all)


def test_every_target_is_measured_by_a_job() -> None:
    jobs = {job.name: job for job in JOBS}
    for target in TARGETS:
        job = jobs[target.job]
        names = {each.name: each for each in job.contenders}
        assert OURS in names
        assert target.files in job.sizes["full"]
        assert not target.since or target.since in job.sizes["full"]
        assert not target.peer or names[target.peer].limit >= target.files


def test_job_names_and_contenders_are_unique() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert all(len({each.name for each in job.contenders}) == len(job.contenders) for job in JOBS)
