"""The tests that Windows, or Windows under Wine, cannot run; pytest prints the reason of each."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
IS_WINDOWS: Final = os.name == "nt"

_POSIX: Final = "simulates calls, limits or devices of Linux"
_LINKS: Final = "Wine 8 makes symbolic links that it does not follow"
_PIPES: Final = "Windows has no named pipes in folders"
_NAMES: Final = "Windows has no such names: control characters, a full stop at the end"

MODULES: Final = {
    "benchmarks/test_run.py": "measures on Linux",
    "faults": _POSIX,
    "hostile/test_bytes.py": "measures on Linux",
    "media/test_darwin.py": _POSIX,
    "media/test_folder.py": _POSIX,
    "media/test_image_faults.py": _POSIX,
    "media/test_special.py": _POSIX,
    "media/test_volume.py": _POSIX,
    "plan/test_processes.py": _POSIX,
    "secure/test_faults.py": _POSIX,
    "transfer/test_send.py": "asks servers that are programs of Linux",
}
"""Files and folders of tests that are not loaded."""

LIBRARIES: Final = {
    "pages": "numpy",
    "pictures": "numpy",
    "plan/test_executor.py": "numpy",
    "secure": "cryptography",
    "tables": "pyarrow",
    "test_dependencies.py": "distributed",
    "test_main_job.py": "numpy",
    "transfer": "pynetdicom",
}
"""Files and folders of tests, and the library that they need: `.ci/windows all` installs it."""

NAMES: Final = {
    "link": _LINKS,
    "pipe": _PIPES,
    "control_c": "Windows sends no SIGINT to one process",
    "names_in_other_forms": _NAMES,
    "hostile_names_are_reported": _LINKS,
    "the_watch_sees_every": "watches opening without following links, which Windows does by other calls",
    "storescu_without_arguments": "a shell script of Linux",
    "examples_need_only_existing": "a shell script of Linux",
    "another_writer_has": "Wine 8 does not say why a lock was refused",
    "control_characters": _NAMES,
    "lead_back_to_themselves": "measures time, and Wine takes longer for each read",
    "keeps_its_permissions": "Windows has other permissions",
    "help_loads_only": "the set-up for Wine loads process pools beforehand",
}
"""Words in the names of tests that are skipped."""


def reason_for_module(path: Path) -> str:
    """Return why a file or folder of tests is left out on this system, "" if it is not."""
    if not IS_WINDOWS or not path.is_relative_to(TESTS):
        return ""
    below = path.relative_to(TESTS)
    for name in (place.as_posix() for place in (below, *below.parents)):
        library = LIBRARIES.get(name)
        if reason := f"needs {library}" if library and find_spec(library) is None else MODULES.get(name, ""):
            return reason
    return ""


OTHER_LINKS: Final = ("links_that_miss_a_record", "only_links_were", "links_between_documents", "links_of_rock_ridge")
"""Tests about links that are not those of a file system; all links in tests/dicomdir are between records."""


def reason_for_test(name: str, path: Path) -> str:
    """Return why a test is skipped on this system, "" if it is not."""
    if not IS_WINDOWS:
        return ""
    about_records = "dicomdir" in path.parts or any(word in name for word in OTHER_LINKS)
    found = (reason for word, reason in NAMES.items() if word in name and not (word == "link" and about_records))
    return next(found, "")
