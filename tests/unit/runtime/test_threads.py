from __future__ import annotations

import pytest

from mien.cores import usable_cores
from mien.errors import UsageError
from mien.runtime import quiet_libraries, workers


def test_workers_are_one_a_core_or_one() -> None:
    assert workers("throughput") == usable_cores()
    assert workers("latency") == 1


def test_another_profile_is_refused() -> None:
    with pytest.raises(UsageError, match="threads must be 'throughput' or 'latency', got 'fast'"):
        workers("fast")


def test_libraries_are_quiet_within_the_block_and_as_before_after_it() -> None:
    import cv2
    import numpy  # noqa: F401  its BLAS must be loaded to be counted
    from threadpoolctl import threadpool_info

    def blas() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = cv2.getNumThreads(), blas()
    with quiet_libraries():
        assert cv2.getNumThreads() == 1
        assert set(blas()) == {1}
    assert (cv2.getNumThreads(), blas()) == before
