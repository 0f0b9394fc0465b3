"""The structure of the code: the imports of each room, the rooms that may use the system, and the modules of a fast start."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import fileset
from tests.support import synthetic, windows
from tests.support.command import environment
from tests.support.imports import imports

PACKAGE = Path(fileset.__file__).parent

VALUES = frozenset(["errors", "findings", "file_id"])
PURE_ROOMS = ("standard", "dicom", "part10", "records", "dicomdir", "profiles", "pictures")
"""The rooms that compute and never touch the operating system, lowest first."""
DIRECTORY = VALUES | {"standard", "dicom", "part10", "records", "dicomdir", "profiles"}
PLANNING = DIRECTORY | {"media", "secure", "report", "plan"}
ROLES = ("creator", "reader", "updater", "check", "repair", "extraction")

ROOMS = {
    "errors": frozenset[str](),
    "file_id": frozenset(["errors"]),
    "findings": frozenset[str](),
    "standard": frozenset[str](),
    "dicom": VALUES | {"standard"},
    "part10": VALUES | {"standard", "dicom"},
    "records": VALUES | {"standard", "dicom", "part10"},
    "dicomdir": VALUES | {"standard", "dicom", "part10", "records"},
    "pictures": VALUES | {"standard", "dicom", "part10"},
    "profiles": VALUES | {"standard", "dicom", "part10", "records"},
    "media": frozenset(["file_id", "errors"]),
    "secure": VALUES | {"standard", "dicom", "media"},
    "report": VALUES | {"media", "standard", "records"},
    "plan": DIRECTORY | {"media", "secure", "report", "pictures"},
    "tables": DIRECTORY | {"plan"},
    "creator": PLANNING | {"pages"},
    "reader": PLANNING | {"tables"},
    "updater": PLANNING,
    "check": PLANNING,
    "repair": PLANNING | {"check"},
    "extraction": PLANNING,
    "burn": PLANNING | {"check"},
    "pages": PLANNING | {"pictures"},
    "transfer": PLANNING,
    "cli": VALUES | {"standard", "burn", "secure", "pages", "report", "plan", "profiles", "tables", "transfer", *ROLES},
    "__main__": frozenset(["cli"]),
    "__init__": VALUES | {"burn", "secure", "report", "pages", "plan", "tables", "transfer", *ROLES},
}
"""The rooms that each room may import beside itself; a top-level module is a room of its own. A new room needs a line here."""

PURE = frozenset([*VALUES, *PURE_ROOMS])
"""The rooms that know no file system."""

SYSTEM_MODULES = frozenset(["glob", "mmap", "os", "pathlib", "shutil", "subprocess", "tempfile"])
SYSTEM_CALLS = frozenset(["open", "io.open", "io.open_code", "io.FileIO", "codecs.open"])

HEAVY = frozenset(["PIL", "imagecodecs", "numpy", "pycdlib", "pydicom", "rich"])
"""Libraries that take longer to load than a fast start takes."""


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
ROOM_NAMES = {room_of(path) for path in MODULES.values()}


def rooms_imported(tree: ast.Module, package: str) -> Iterator[str]:
    for name in imports(tree, package):
        first, _, rest = name.partition(".")
        # The version is a constant, not an arrow: an empty package gives it.
        if first == "fileset" and rest != "__version__":
            room = rest.partition(".")[0]
            yield room if room in ROOM_NAMES | set(ROOMS) else "__init__"


def system_uses(tree: ast.Module) -> Iterator[str]:
    for name in imports(tree, "fileset"):
        if name.partition(".")[0] in SYSTEM_MODULES or name in SYSTEM_CALLS:
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SYSTEM_CALLS:
            yield ast.unparse(node)


def faults(source: str, room: str, package: str) -> list[str]:
    """Everything in `source` that a module of `room` may not do."""
    tree = ast.parse(source)
    allowed = ROOMS[room] | {room}
    crossed = [f"{room} imports {other}" for other in rooms_imported(tree, package) if other not in allowed]
    touched = [f"{room} uses {name}" for name in system_uses(tree)] if room in PURE else []
    return crossed + touched


@pytest.mark.parametrize("module", MODULES)
def test_every_module_keeps_to_its_room(module: str) -> None:
    path = MODULES[module]
    room = room_of(path)
    assert room in ROOMS, f"{module} has no room: add a line to ROOMS with the rooms that it may import"
    package = ".".join(["fileset", *path.relative_to(PACKAGE).parent.parts])
    assert faults(path.read_text(encoding="utf-8"), room, package) == []


@pytest.mark.parametrize(
    ("source", "room", "package", "expected"),
    [
        ("from fileset.reader import Reader", "creator", "fileset", ["creator imports reader"]),
        ("from fileset import reader", "updater", "fileset", ["updater imports reader"]),
        ("import fileset.creator", "records", "fileset.records", ["records imports creator"]),
        ("from . import creator", "reader", "fileset", ["reader imports creator"]),
        ("from ..media import folder", "dicomdir", "fileset.dicomdir", ["dicomdir imports media"]),
        ("from .tables import KEYS", "records", "fileset.records", []),
        ("from fileset.findings import Finding", "media", "fileset.media", ["media imports findings"]),
        ("from fileset.file_id import FileId", "media", "fileset.media", []),
        ("from fileset import Creator", "cli", "fileset.cli", ["cli imports __init__"]),
        ("from fileset import __version__", "dicomdir", "fileset.dicomdir", []),
        (
            "if TYPE_CHECKING:\n    from fileset.media import Medium",
            "dicom",
            "fileset.dicom",
            ["dicom imports media"],
        ),
        ("def f():\n    import os.path", "dicom", "fileset.dicom", ["dicom uses os.path"]),
        ("from pathlib import PurePath", "file_id", "fileset", ["file_id uses pathlib.PurePath"]),
        ("from io import BytesIO", "records", "fileset.records", []),
        ("from io import open", "records", "fileset.records", ["records uses io.open"]),
        ("io.open(name)", "dicomdir", "fileset.dicomdir", ["dicomdir uses io.open(name)"]),
        ("open(name)", "records", "fileset.records", ["records uses open(name)"]),
        ("import os\nopen(name)", "media", "fileset.media", []),
    ],
)
def test_an_import_across_rooms_is_seen(source: str, room: str, package: str, expected: list[str]) -> None:
    assert faults(source, room, package) == expected


MENDS = {"repair": {"check"}}
"""A repair mends what a check finds: the one arrow between roles."""


@pytest.mark.parametrize("role", ROLES)
def test_roles_never_import_each_other(role: str) -> None:
    assert ROOMS[role] & set(ROLES) == MENDS.get(role, set())


def test_every_room_that_is_named_exists() -> None:
    named = set(ROOMS).union(*ROOMS.values(), PURE)
    assert named == ROOM_NAMES


NEW_ABILITIES = frozenset(
    ["burn", "media/remote", "media/tar", "pages", "pictures", "profiles", "secure", "tables", "transfer"]
)
"""The folders of abilities that came after the rooms were put in order. A new one needs a new ability, and a line here."""


def test_the_first_abilities_need_fewer_than_30_folders_and_top_level_modules() -> None:
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")} - {"."}
    modules = {path.name for path in PACKAGE.glob("*.py")}
    assert folders >= NEW_ABILITIES
    assert len(folders - NEW_ABILITIES) + len(modules) < 30
    assert len(modules) <= 12


def test_no_type_is_defined_twice() -> None:
    homes = defaultdict(list)
    for name, path in MODULES.items():
        for defined in re.findall(r"^ *class _*(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            homes[defined].append(name)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_the_arrows_make_no_circle() -> None:
    done: set[str] = set()
    for _ in ROOMS:
        done |= {room for room, allowed in ROOMS.items() if allowed <= done}
    assert done == set(ROOMS)


LATE = {
    "fileset.dicom.header": "fileset.dicom.header_by_pydicom",
    "fileset.tables.table": "fileset.tables.arrow",
    "fileset.cli": "fileset.cli.dispatch",
}
"""Modules that import another one when they first need it, although that one needs them: it loads a heavy library."""


PATHS = {
    ".".join(("fileset", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in MODULES.values()
}
"""The full name of each module, and its file."""


def modules_imported(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a module imports when it runs, not only for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [one for one in tree.body if not (isinstance(one, ast.If) and "TYPE_CHECKING" in ast.unparse(one.test))]
    for name in imports(tree):
        yield name if name in PATHS else name.rpartition(".")[0]


def test_no_modules_import_each_other() -> None:
    graph = {
        name: set(modules_imported(path)) & PATHS.keys() - {name, LATE.get(name), "fileset"}
        for name, path in PATHS.items()
    }
    assert {*TopologicalSorter(graph).static_order()} == PATHS.keys()


def run_python(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment(), check=True, capture_output=True, text=True).stdout


def modules_loaded_by(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter loads for `code`, whatever `code` prints."""
    lines = ["import sys", "before = set(sys.modules)", code, "print()", "print(*set(sys.modules) - before)"]
    return set(run_python("-c", "\n".join(lines)).splitlines()[-1].split())


HELP = "from fileset.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"


@pytest.mark.parametrize("code", ["import fileset", "import fileset.plan.names", "import fileset.findings", HELP])
def test_a_fast_start_loads_nothing_heavy(code: str) -> None:
    assert not HEAVY & modules_loaded_by(code)


@pytest.mark.parametrize(
    "words", ["list IN", "list IN PatientSex=O --paths", "check IN", "repair IN", "refresh IN", "extract IN -o OUT"]
)
def test_everyday_work_on_conformant_files_loads_nothing_heavy(words: str, tmp_path: Path) -> None:
    synthetic.write(synthetic.instance(synthetic.CT_IMAGE), tmp_path / "IN" / "IM1")
    fileset.index(tmp_path / "IN")
    arguments = words.replace("IN", str(tmp_path / "IN")).replace("OUT", str(tmp_path / "OUT")).split()
    assert not HEAVY & modules_loaded_by(f"from fileset.cli import main\nassert main({arguments!r}) == 0")


def test_a_new_folder_loads_no_code_for_images(tmp_path: Path) -> None:
    loaded = modules_loaded_by(f"import fileset; fileset.Creator({str(tmp_path / 'NEW')!r})")
    assert "fileset.media.folder.medium" in loaded
    assert not [name for name in loaded if name.startswith(("fileset.media.iso", "fileset.media.zip"))]


def test_the_package_itself_loads_nothing() -> None:
    assert modules_loaded_by("import fileset") <= {"fileset", "__future__"}


def test_every_exported_name_exists() -> None:
    assert {name for name in fileset.__all__ if getattr(fileset, name, None) is None} == set()
    assert set(fileset.__all__) <= set(dir(fileset))


def test_a_name_that_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Burner'"):
        fileset.Burner  # noqa: B018  # the look-up is the test


def test_no_exported_name_hides_a_builtin_or_a_module() -> None:
    assert not set(fileset.__all__) & (set(dir(builtins)) - {"__version__"} | ROOM_NAMES)


def test_help_answers_at_once() -> None:
    resource = pytest.importorskip("resource", reason="no getrusage on this system")

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run_python("-m", "fileset", "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return float(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert min(seconds() for _ in range(5)) < 0.1


def test_no_exported_function_has_the_name_of_a_room() -> None:
    """Importing a room binds its name in the package: `fileset.extract(...)` would call a module then."""
    assert not set(fileset.__all__) & (set(ROOMS) - {"__init__", "__main__"})


def test_each_reason_to_leave_out_tests_on_windows_applies_to_one() -> None:
    titles = [
        name for path in windows.TESTS.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    ]
    assert [word for word in windows.NAMES if not any(word in title for title in titles)] == []
    assert [path for path in windows.MODULES if not (windows.TESTS / path).exists()] == []
