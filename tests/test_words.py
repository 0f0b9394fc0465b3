"""The package speaks plain English: idioms that a reader must decode are as rare as in the code bases that it learns from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fileset
from tests.support.words import IDIOMS, count, return_rate, texts

PACKAGE = Path(fileset.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "standard" not in path.parts)
"""All modules except the tables of the Standard, whose words are not ours."""
TESTS = [path for path in sorted(Path(__file__).parent.rglob("*.py")) if path.name not in ("words.py", "test_words.py")]
"""All modules of tests, except those that name the idioms."""
NOT_VERBS = frozenset(
    ("A", "An", "The", "Whether", "Why", "How", "What", "Where", "One", "All", "Each", "Those", "Nothing")
)
"""First words of docstrings that say what a function returns instead of what it does."""

MOST = {
    "nobody": 0.2,
    "told of": 0.1,
    "stands": 0.2,
    "lies": 0.2,
    "anew": 0.1,
    "behind": 0.2,
    "what": 1.1,
    "those that": 0.8,
    "tell, say": 1.2,
    "who": 0.3,
}
"""Occurrences per 1,000 words of docstrings, comments and messages, at most."""


def test_idioms_are_as_rare_as_in_the_code_bases_that_this_one_learns_from() -> None:
    words, found = count(MODULES)
    rates = {name: 1000 * number / words for name, number in found.items()}
    assert {idiom: rates[idiom] for idiom in MOST if rates[idiom] > MOST[idiom]} == {}


def test_docstrings_use_return_as_often_as_in_the_code_bases_that_this_one_learns_from() -> None:
    assert 3 <= return_rate(MODULES) <= 13


def test_tests_avoid_the_same_idioms() -> None:
    words, found = count(TESTS)
    rates = {name: 1000 * number / words for name, number in found.items()}
    assert {idiom: rates[idiom] for idiom in MOST if rates[idiom] > MOST[idiom]} == {}


def first_words(source: str) -> Iterator[str]:
    """Yield the first word of the docstring of each function that is not a property."""
    before, is_function = "", False
    for line in map(str.strip, source.splitlines()):
        if line.startswith(("def ", "class ")):
            is_function = line.startswith("def ") and "property" not in before
        if line.startswith('"""') and before.partition("  #")[0].endswith(":") and is_function:
            yield line.strip('"').split(" ", 1)[0].rstrip(",.:")
        before = line


def test_the_docstring_of_a_function_begins_with_a_verb() -> None:
    found = [(path.name, word) for path in MODULES for word in first_words(path.read_text(encoding="utf-8"))]
    assert len(found) > 1000
    assert [one for one in found if one[1] in NOT_VERBS] == []


def test_every_idiom_has_a_limit_and_is_seen() -> None:
    assert MOST.keys() == IDIOMS.keys()
    riddle = '"""Nobody is told of what lies behind those that stand anew, and who says what it is."""'
    assert list(texts(riddle)) == [riddle.strip('"')]


def test_each_idiom_is_counted(tmp_path: Path) -> None:
    (tmp_path / "riddle.py").write_text(
        '"""Nobody is told of what lies behind those that stand anew, and who says what it is."""\n', encoding="utf-8"
    )
    words, found = count([tmp_path / "riddle.py"])
    assert words == 17
    assert {idiom for idiom in IDIOMS if not found[idiom]} == set()
