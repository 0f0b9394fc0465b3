"""The frame around the verbs: help, exit codes, and streams that end early."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from pkgutil import iter_modules

import pytest

import fileset
from fileset.cli import main
from fileset.cli.verbs import SHORTHAND, VERBS
from fileset.errors import FilesetError, FormatError, MediumError, RefusedError, RuleError
from tests.support.command import Runs, command, environment, process

MODULES = [verb for verb in VERBS if verb not in SHORTHAND]


def test_help_names_every_verb_and_exit_code(run: Runs) -> None:
    text = run("--help").stdout
    for verb, does in VERBS.items():
        assert re.search(rf"^  {verb} +{re.escape(does)}$", text, re.MULTILINE)
    for code in (0, 2, 3, 4, 5, 6, 130):
        assert f" {code} " in text


def test_version_is_that_of_the_package(run: Runs) -> None:
    for words in (["--version"], ["-V"], ["version"]):
        assert run(*words).stdout == f"fileset {fileset.__version__}\n"


def test_the_program_without_a_verb_shows_its_help(run: Runs) -> None:
    assert run().stdout == run("help").stdout == run("--help").stdout
    assert run("help", "help").stdout == run("help", "version").stdout == run("--help").stdout


@pytest.mark.parametrize("verb", MODULES)
@pytest.mark.parametrize("columns", [70, 80, 120])
def test_every_verb_has_help_that_fits_the_terminal_and_ends_with_two_examples(
    verb: str, columns: int, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = run(verb, "--help").stdout
    assert text.startswith(f"usage: fileset {verb} ")
    about, _, examples = text.partition("\nexamples:\n")
    assert max(map(len, about.splitlines())) <= columns
    lines = [line for line in examples.splitlines() if line]
    assert len(lines) >= 2
    assert lines[0].startswith(f"  fileset {verb}")
    assert columns < 80 or [line for line in lines if not line.startswith(f"  fileset {verb}")] == []  # none is broken
    assert run("help", verb).stdout == text


def test_every_verb_has_a_module() -> None:
    folder = Path(fileset.__file__).parent / "cli" / "verbs"
    assert {found.name for found in iter_modules([str(folder)])} == set(MODULES)


@pytest.mark.parametrize("verb", sorted(set(MODULES) - {"completion"}))
def test_every_verb_takes_the_options_of_all(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--json", "-q", "--no-progress", "/there/is/no/such/medium"]) == 2
    assert "there is no option" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["lst"], ["create", "--help"], ["list", "--help"]], ids=" ".join
)
def test_help_loads_only_the_modules_that_it_needs(arguments: list[str]) -> None:
    code = f"import sys; from fileset.cli import main; main({arguments}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    modules = set(done.stdout.splitlines()[-1].split())
    ours = {name for name in modules if name.startswith("fileset") and not name.startswith("fileset.cli")}
    assert ours == {"fileset", "fileset.errors"}
    assert not modules & {
        "attr",
        "attrs",
        "pydicom",
        "rich",
        "pycdlib",
        "json",
        "concurrent.futures",
        "multiprocessing",
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["burn-a-disc"], "there is no verb 'burn-a-disc'\n"),
        (["lst"], "there is no verb 'lst'. Did you mean list?"),
        (["Extract"], "Did you mean extract?"),
        (["--fast"], "--fast"),
        (["list", "DISC", "--josn"], "there is no option --josn. Did you mean --json?"),
        (["create", "IN", "-o", "OUT", "--naming", "count"], "Did you mean counter?"),
        (["index", "IN", "OUT"], "too many arguments: OUT"),
        (["create"], "missing SOURCE (a file, folder, image or archive to copy) and -o MEDIUM (the folder"),
        (["create", "IN"], "missing -o MEDIUM (the folder, NAME.iso or NAME.zip to write). Example: fileset create "),
        (
            ["create", "-o", "OUT"],
            "missing SOURCE (a file, folder, image or archive to copy). Example: fileset create ",
        ),
        (["list"], "required: MEDIUM\nExample: fileset list DISC.iso; `fileset list --help` shows the options\n"),
        (["create", "IN", "-o", "OUT", "--naming", "poetic"], "poetic"),
        (["create", "IN", "-o", "OUT", "--jobs", "0"], "1 or more"),
        (["create", "IN", "-o", "OUT", "--jobs", "many"], "1 or more"),
        (["list", "DISC", "-q", "-v"], "not allowed"),
        (["list", "DISC", "--json", "--paths"], "exclude each other"),
        (["list", "DISC", "PatientID"], "KEY=VALUE"),
        (["list", "DISC", "PatientID=1", "PatientID=2"], "given twice"),
        (["list", "DISC", "level=PATIENT"], "KEY=VALUE"),
        (["list", "DISC", "modality=CT"], "Did you mean Modality=CT?"),
        (["extract", "DISC", "-o", "OUT", "folder=X"], "KEY=VALUE"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_one_sentence(arguments: list[str], says: str, run: Runs) -> None:
    done = run(*arguments, code=2)
    assert bool(done.stdout) is ("--json" in arguments)
    assert done.stderr.startswith("fileset: error: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize(
    ("error", "code"), [(RuleError, 2), (FormatError, 4), (MediumError, 5), (RefusedError, 6), (FilesetError, 5)]
)
def test_errors_end_with_their_exit_code(
    error: type[FilesetError], code: int, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise error("a disc with \x1b[31m in its name")

    monkeypatch.setattr("fileset.cli.verbs.list.run", fail)
    assert run("list", "DISC", code=code).stderr == "fileset: error: a disc with \\x1b[31m in its name\n"


def test_a_bug_is_shown_as_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("fileset.cli.verbs.list.run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["list", "DISC"])


def test_interruption_ends_with_130(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("fileset.cli.verbs.list.run", interrupt)
    assert run("list", "DISC", code=130).stderr == "fileset: interrupted\n"


def test_control_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    """A named pipe as source would wait for ever: a process that is surely busy."""
    code = "import time, sys; import fileset.cli.verbs.list as verb; verb.run = lambda _: time.sleep(60)\n"
    code += "from fileset.cli import main; print('ready', flush=True); sys.exit(main(['list', 'DISC']))"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as busy:
        assert busy.stdout
        assert busy.stderr
        busy.stdout.readline()
        time.sleep(0.3)
        busy.send_signal(signal.SIGINT)
        assert busy.wait(20) == 130
        assert busy.stderr.read() == "fileset: interrupted\n"


INTERRUPTED_AT = """
import sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.modules.pop({module!r}, None)
sys.meta_path.insert(0, Finder)
sys.argv = ["fileset", "list", "DISC"]
{entry}
"""
ENTRIES = (
    "from fileset.cli import main; sys.exit(main())",
    "import runpy; runpy.run_module('fileset', run_name='__main__')",
)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    "module", ["argparse", "fileset.cli.dispatch", "fileset.errors", "fileset.cli.verbs.list", "fileset.reader"]
)
def test_control_c_while_it_is_being_loaded_ends_with_130_and_no_traceback(module: str, entry: str) -> None:
    code = INTERRUPTED_AT.format(module=module, entry=entry)
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr in ("", "fileset: interrupted\n")


def test_the_entry_points_load_nothing_that_could_be_interrupted() -> None:
    code = (
        "import sys; before = set(sys.modules); import fileset.cli, fileset.__main__; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"__future__", "fileset", "fileset.cli", "fileset.__main__"}


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="no SIGPIPE here")
@pytest.mark.parametrize("option", ["--paths", "--jsonl", "--json", "-v"])
def test_a_reader_that_has_seen_enough_ends_it_quietly(option: str, indexed: Path) -> None:
    ends, pipe = os.pipe()
    os.close(ends)
    try:
        done = process("list", indexed, option, stdout=pipe, stderr=subprocess.PIPE, capture_output=False)
    finally:
        os.close(pipe)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="no SIGPIPE here")
def test_a_reader_that_wants_no_more_of_an_archive_ends_it_quietly(indexed: Path) -> None:
    ends, pipe = os.pipe()
    os.close(ends)
    try:
        done = process("create", indexed, "-o", "-", stdout=pipe, stderr=subprocess.PIPE, capture_output=False)
    finally:
        os.close(pipe)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    ["list --paths MEDIUM", "info MEDIUM", "--version", "--help", "create --help", "help list", "completion bash"],
)
def test_standard_output_that_cannot_be_written_is_an_io_error(arguments: str, indexed: Path) -> None:
    words = (indexed if word == "MEDIUM" else word for word in arguments.split())
    with open("/dev/full", "wb") as full:
        done = process(*words, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 5
    assert done.stderr.startswith("fileset: error: standard output: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        ("create DISC -o NEW --json", "NEW: the change was complete by then"),
        ("create DISC -o NEW -v", "NEW: the change was complete by then"),
        ("create DISC -o NEW --json --dry-run", ""),
        ("remove DISC InstanceNumber=1 --json", "DISC: the change was complete by then"),
        ("extract DISC -o NEW --json", "the copies in NEW stay"),
        ("pages DISC -o NEW --json", "the pages in NEW are complete"),
    ],
)
def test_work_that_was_done_is_named_if_its_report_cannot_be_written(arguments: str, note: str, disc: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = process(*arguments.split(), stdout=full, stderr=subprocess.PIPE, capture_output=False, cwd=disc.parent)
    assert done.returncode == 5
    error = f"fileset: error: standard output: No space left on device{'; ' if note else ''}{note}"
    assert error in done.stderr.splitlines()  # after the summary, if the output was buffered
    assert disc.with_name("NEW").exists() == ("NEW" in note)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_closed_standard_streams_are_no_bug(indexed: Path, tmp_path: Path) -> None:
    """But output to a closed stream is lost, and that is not a success."""
    for words, closing, code in (
        (("list", indexed), ">&-", 5),
        (("list", indexed), "2>&-", 0),
        (("list", indexed), ">&- 2>&-", 5),
        (("create", indexed, "-o", "-"), ">&-", 5),
        (("create", indexed, "-o", tmp_path / "OUT", "-q"), ">&- 2>&-", 0),
    ):
        shell = ["sh", "-c", f'exec "$@" {closing}', "sh", *command(*words)]
        done = subprocess.run(shell, env=environment(), check=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert done.returncode == code, (words, closing)
        assert (b"standard output" in done.stderr) == (code == 5 and "2>" not in closing)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_for_messages_changes_no_exit_code(indexed: Path, tmp_path: Path) -> None:
    for words, code in ((("list", indexed), 0), (("list", tmp_path / "NONE"), 2), (("nothing",), 2)):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command(*words), env=environment(), check=False, stdout=subprocess.PIPE, stderr=full)
        assert done.returncode == code, words


def test_an_encoding_without_the_characters_is_no_bug(indexed: Path) -> None:
    ascii_only = environment(PYTHONIOENCODING="ascii")
    done = subprocess.run(command("list", indexed), env=ascii_only, capture_output=True, check=True)
    assert b"|-- Doe^Jane" in done.stdout


def test_json_after_an_error_is_one_document(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"nothing")
    document = run("list", tmp_path, "--json", code=4).document
    assert document["schema"] == "fileset.error/1"
    assert document["exit_code"] == 4
    error = document["error"]
    assert (error["kind"], error["rule"]) == ("format", "FS-DICOMDIR-UNREADABLE")
    assert error["path"] == str(tmp_path / "DICOMDIR")
    assert error["path"] not in error["message"]
    assert error["advice"].startswith("`fileset repair` rebuilds it")


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["list", "--json"], "usage"),
        (["lst", "--json"], "usage"),
        (["list", "NOWHERE", "--json"], "not-found"),
        (["remove", "NOWHERE", "--json"], "rule"),
    ],
    ids=" ".join,
)
def test_json_after_wrong_usage_is_one_document(arguments: list[str], kind: str, run: Runs) -> None:
    document = run(*arguments, code=2).document
    assert (document["schema"], document["error"]["kind"], document["exit_code"]) == ("fileset.error/1", kind, 2)


def test_json_after_an_interruption_is_one_document(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("fileset.cli.verbs.create.run", stop)
    done = run("create", "IN", "-o", "OUT", "--json", code=130)
    assert done.stderr == "fileset: interrupted; nothing was written\n"
    assert done.document["error"]["kind"] == "interrupted"
    assert done.document["error"]["notes"] == ["nothing was written"]


def test_a_misspelt_path_is_answered_with_a_similar_one(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "PATIENTS").mkdir()
    wrong = tmp_path / "PATINETS"
    said = run("list", wrong, code=2).stderr
    assert said == f"fileset: error: {wrong}: no such file or folder. Did you mean {tmp_path / 'PATIENTS'}?\n"
    assert run("list", tmp_path / "x", code=2).stderr.endswith("no such file or folder\n")


@pytest.mark.parametrize(
    ("shell", "expected"),
    [("bash", "complete"), ("zsh", "#compdef"), ("fish", "complete -c"), ("powershell", "Register-ArgumentCompleter")],
)
def test_completion_knows_verbs_and_options(shell: str, expected: str, run: Runs) -> None:
    script = run("completion", shell).stdout
    assert expected in script
    assert "extract" in script
    assert "keep-files" in script
