"""Many pictures: one worker a core, faces embedded in batches, order kept, memory bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeAlias

from mien.cores import usable_cores
from mien.image import Limits, Photo, PhotoSource
from mien.pipeline.acquire import Policy
from mien.pipeline.batch import acquire, batches, open_all
from mien.pipeline.outcome import Outcome, Seen
from mien.pipeline.pipeline import Pipeline
from mien.pipeline.profile import STARVED, Recorder, span, working
from mien.runtime.threads import quiet_libraries
from mien.types.outcome import Failure

AHEAD: Final = 3
"""Batches a worker under way or finished and waiting for their turn."""

Skip: TypeAlias = Callable[[Seen], bool]
"""Called with each picture before it is decoded, from several threads; True = do not."""
Work: TypeAlias = Callable[[list[PhotoSource]], list[Outcome]]
"""What a worker does with a batch."""


def stream(
    pipeline: Pipeline,
    sources: Iterable[PhotoSource],
    *,
    policy: Policy = Policy.ALL,
    skip: Skip | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
    recorder: Recorder | None = None,
) -> Iterator[Outcome]:
    """Outcomes of the sources, in their order.

    At any time at most three batches of eight pictures a worker are under way, whatever the number of sources.

    Args:
        pipeline: detector and embedder, opened for throughput.
        sources: paths, bytes or files.
        policy: which faces to take; under ``all`` a picture without a face gives an empty Acquired, not a Failure.
        skip: called in a worker with each picture before it is decoded; True = answer Seen.
        workers: threads; three for every two cores by default.
        limits: what a picture may be.
        recorder: told where the time goes.
    """
    workers = workers or worker_threads(usable_cores())

    def work(batch: list[PhotoSource]) -> list[Outcome]:
        with working(recorder):
            opened = open_all(batch, limits or Limits(), recorder)
            return acquire(pipeline, [sift(item, skip) for item in opened], policy, recorder)

    with quiet_libraries():
        yield from in_order(work, sources, workers, recorder)


def worker_threads(cores: int) -> int:
    """Three for every two cores: while an engine's own thread computes, the one that called it only waits.

    LFW 290 pictures/s instead of 259, WIDER FACE 33 instead of 30 (2 cores, OpenVINO; benchmarks/bench_pipeline.py).
    """
    return cores + (cores + 1) // 2


def sift(item: Photo | Failure, skip: Skip | None) -> Photo | Seen | Failure:
    """The picture, or what is known of it if `skip` turns it down."""
    if skip is not None and isinstance(item, Photo):
        seen = Seen.of(item)
        return seen if skip(seen) else item
    return item


def in_order(
    work: Work, sources: Iterable[PhotoSource], workers: int, recorder: Recorder | None = None
) -> Iterator[Outcome]:
    """The outcomes of all batches, worked on by so many threads at once; the first error ends it."""
    pending = batches(sources)
    with ThreadPoolExecutor(workers) as pool:
        try:
            waiting = deque(pool.submit(work, batch) for batch in islice(pending, AHEAD * workers))
            while waiting:
                with span(recorder, STARVED):
                    outcomes = waiting.popleft().result()
                waiting.extend(pool.submit(work, batch) for batch in islice(pending, 1))
                yield from outcomes
        finally:
            pool.shutdown(cancel_futures=True)
