"""How many cores there are to use, and how to keep thread pools from fighting over them.

Two profiles. ``throughput``: one worker a core, each call on one thread; over many pictures 2.5 times as fast as
calls that share the cores. ``latency``: one call at a time on all cores, for a single picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from mien.cores import usable_cores
from mien.errors import UsageError

Threads: TypeAlias = Literal["throughput", "latency"]


def workers(threads: Threads) -> int:
    """How many calls should run at once."""
    return usable_cores() if check_threads(threads) == "throughput" else 1


def check_threads(threads: str) -> Threads:
    """The profile's name.

    Raises:
        UsageError: there is no such profile.
    """
    if threads not in ("throughput", "latency"):
        raise UsageError(f"threads must be 'throughput' or 'latency', got '{threads}'")
    return "throughput" if threads == "throughput" else "latency"


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """BLAS and OpenCV keep to one thread within the block.

    A pool of workers has the cores already; with the libraries' own threads on top it ran at two thirds of the speed.
    """
    import cv2
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        cv2.setNumThreads(before)
