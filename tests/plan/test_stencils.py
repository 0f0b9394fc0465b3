"""Stencils change no outcome of a scan, and save the work of the other caches."""

from __future__ import annotations

from functools import cache

import pytest

from fileset.dicom.header import Reading
from fileset.dicom.header_cache import Layouts
from fileset.plan.scan import Outcome, Refused, Scanner
from fileset.plan.stencils import ADVANCE, COST, Stencil
from fileset.records.describe import Policy
from fileset.records.key_choice import MINIMAL, USUAL, KeyChoice, key_set
from tests.support import synthetic
from tests.support.faulty import FAULTS, File


@cache
def _file(number: int) -> bytes:
    """Return a correct file; the lengths of its values depend on the number of digits of `number`."""
    return synthetic.encode(synthetic.instance(synthetic.CT_IMAGE, number=number))


def _reading(data: bytes) -> Reading:
    return lambda at, size: data[at : at + size]


def _outcome(scanner: Scanner, data: bytes) -> Outcome:
    return scanner.outcome(_reading(data), len(data))


def _practised(keys: KeyChoice = MINIMAL) -> Scanner:
    """Return a scanner that has a stencil for `_file(9)`."""
    scanner = Scanner(Policy(keys=keys))
    for number in range(1, 9):
        assert not isinstance(_outcome(scanner, _file(number)), Refused)
    return scanner


@pytest.mark.parametrize("keys", [MINIMAL, USUAL])
def test_a_stencil_is_enough_to_recognise_a_file_of_a_known_series(
    keys: KeyChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner = _practised(keys)
    expected = _outcome(Scanner(Policy(keys=keys)), _file(9))
    monkeypatch.delattr(Layouts, "find")
    assert _outcome(scanner, _file(9)) == expected


@pytest.mark.parametrize("title", FAULTS)
def test_a_fault_is_found_in_spite_of_a_stencil(title: str) -> None:
    data = FAULTS[title](File(_file(9)))
    assert _outcome(_practised(), data) == _outcome(Scanner(Policy()), data)


@pytest.mark.parametrize("keys", [MINIMAL, USUAL])
def test_a_change_of_any_byte_has_the_same_outcome_with_a_stencil_as_without(keys: KeyChoice) -> None:
    scanner, data = _practised(keys), _file(9)
    noticed = 0
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        found = scanner._stencils.instance(changed, len(changed))  # noqa: SLF001  # the outcome teaches the caches
        if found is not None:
            assert tuple(found) == _outcome(Scanner(Policy(keys=keys)), changed)
        noticed += found is None
    assert len(data) // 4 < noticed < len(data)


def _with_reference(number: int) -> bytes:
    """Return a file with a sequence of explicit length that is different in each file of one size."""
    data = _file(1)
    at = data.index(b"\x10\0\x10\0PN")
    item = b"\xfe\xff\0\xe0\x0e\0\0\0\x08\0\x50\x11UI\x06\x001.%04d" % number
    return data[:at] + b"\x08\0\x10\x11SQ\0\0" + len(item).to_bytes(4, "little") + item + data[at:]


def test_stencils_are_no_longer_made_where_no_two_files_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    cut = Stencil.cut

    def counted(*args: object) -> Stencil | None:
        nonlocal made
        made += 1
        return cut(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Stencil, "cut", counted)
    key_set.cache_clear()  # the layouts of this process: those of other tests may fill them
    scanner = Scanner(Policy())
    for number in range(1000, 1000 + 4 * ADVANCE // COST):
        assert not isinstance(_outcome(scanner, _with_reference(number)), Refused)
    assert made == ADVANCE // COST


def test_an_invalid_uid_of_file_meta_information_is_found_after_files_that_are_alike_otherwise() -> None:
    at = _file(9).index(b"UI", _file(9).index(b"\2\0\3\0")) + 6
    data = _file(9)[:at] + b"A" + _file(9)[at + 1 :]
    outcome = _outcome(_practised(), data)
    assert outcome == _outcome(Scanner(Policy()), data)
    assert "FS-UID-INVALID" in str(outcome)
