"""Threads for searches in faiss: one a core, each of them searching a part of the rows alone.

faiss splits a search by probes, so that a single probe would use a single core; and its OpenMP threads are kept out,
for they spin: against numpy's BLAS in a search, and against other processes at the barriers of a build.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.cores import usable_cores
from mien.types.arrays import Embeddings

T = TypeVar("T")
U = TypeVar("U")


@functools.cache
def cores() -> int:
    """How many cores this process may use."""
    return usable_cores()


def in_parallel(work: Callable[[T], U], parts: Sequence[T]) -> list[U]:
    """The work done for each part, in order; the caller does the first itself, which saves waking a thread."""
    with faiss_threads(1):
        others = [_pool().submit(work, part) for part in parts[1:]]
        return [work(parts[0]), *(other.result() for other in others)]


def encoded(encode: Callable[[Embeddings], NDArray[np.uint8]], vectors: Embeddings) -> NDArray[np.uint8]:
    """(n, bytes) codes of (n, d) vectors, a share of the rows on each core."""
    return np.concatenate(in_parallel(encode, np.array_split(vectors, cores())))


@contextmanager
def faiss_threads(count: int) -> Iterator[None]:
    """What this thread asks of faiss within the block is done by so many threads; 1: by this one alone."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, cores() - 1), "mien-search", _one_thread)


def _one_thread() -> None:
    import faiss

    faiss.omp_set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
