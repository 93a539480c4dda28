"""Work in threads: results in order, never more of it begun than fits, and the first error ends it."""

from __future__ import annotations

import threading
import time

import pytest

from risk_pipeline.pipeline.in_threads import in_threads


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))  # later items are done before earlier ones
        return item * item

    assert list(in_threads(work, range(20), threads)) == [item * item for item in range(20)]


def test_two_threads_work_at_once() -> None:
    both = threading.Barrier(2, timeout=10)
    assert list(in_threads(lambda _: both.wait() >= 0, range(2), 2)) == [True, True]


def test_no_more_is_begun_than_one_item_per_thread_and_those_that_wait() -> None:
    begun: list[int] = []
    results = in_threads(lambda item: begun.append(item), iter(range(100)), 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 3
    del results
    assert len(begun) <= 3


def test_an_error_is_raised_in_its_turn_and_what_has_not_begun_is_not_begun() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise ValueError("three")
        return item

    results = in_threads(work, range(100), 2)
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert max(begun) <= 5
