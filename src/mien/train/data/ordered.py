"""Work for several threads, its results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered(work: Callable[[T], R], items: Iterable[T], *, threads: int, ahead: int) -> Iterator[R]:
    """The results for all items, in their order.

    Args:
        work: called in a thread; the first error ends everything and is raised in its turn.
        items: taken one by one, in the caller's thread.
        threads: how many work.
        ahead: items under way, or done and waiting for their turn, at most.
    """
    pending = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        try:
            waiting = deque(pool.submit(work, item) for item in islice(pending, ahead))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(pending, 1))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
