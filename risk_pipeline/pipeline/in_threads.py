"""Work on many items in threads, with the results in the order of the items.

Put here: that, and nothing else. Keep out: the work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """work(item) for each item, in order. At most one result per thread waits to be taken: memory does not grow with the items.

    What the work raises is raised here, when its turn comes; work that has not begun by then is not begun.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="batch")
    try:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
