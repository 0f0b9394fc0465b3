"""A helper thread: it does everything in order, and the caller gets its first exception."""

from __future__ import annotations

import threading

import pytest

from fileset.plan.helper import Helper


def test_actions_are_carried_out_in_order_in_another_thread() -> None:
    helper, done, threads = Helper(), list[int](), set[int]()
    for number in range(100):
        helper.do(lambda number=number: done.append(number))  # type: ignore[misc]
    helper.do(lambda: threads.add(threading.get_ident()))
    helper.finish()
    assert done == list(range(100))
    assert threads.isdisjoint({threading.get_ident()})


def test_a_helper_begins_again_after_its_end_and_leaves_no_thread() -> None:
    helper, done = Helper(), list[int]()
    before = threading.active_count()
    for number in (1, 2):
        helper.do(lambda number=number: done.append(number))  # type: ignore[misc]
        helper.finish()
    helper.finish()
    assert done == [1, 2]
    assert threading.active_count() == before


@pytest.mark.parametrize("problem", [OSError("the disk is full"), KeyboardInterrupt()])
def test_the_first_exception_reaches_the_caller_after_all_actions(problem: BaseException) -> None:
    def fail(with_: BaseException) -> None:
        raise with_

    helper, done = Helper(), list[int]()
    helper.do(lambda: fail(problem))
    helper.do(lambda: fail(ValueError("later")))
    helper.do(lambda: done.append(1))
    with pytest.raises(type(problem)) as found:
        helper.finish()
    assert found.value is problem
    assert done == [1]
    helper.finish()
