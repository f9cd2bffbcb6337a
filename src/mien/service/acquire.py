"""A folder's pictures through the models, in this process or in several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from mien.errors import UsageError
from mien.image import PhotoSource
from mien.pipeline import Outcome, Policy, Recorder, stream
from mien.pipeline.stream import Skip
from mien.service.engine import Models


def acquire_all(
    models: Models,
    sources: Iterable[PhotoSource],
    *,
    policy: Policy = Policy.ALL,
    skip: Skip | None = None,
    workers: int = 1,
    recorder: Recorder | None = None,
) -> Iterator[Outcome]:
    """Outcomes of the sources, in their order.

    Args:
        models: which detector and embedder.
        sources: paths, bytes or files.
        policy: which faces to take.
        skip: called with each picture before it is decoded; True = do not.
        workers: 1 = a thread a core in this process; more = so many processes, each with its part of the cores.
        recorder: told where the time goes.

    Raises:
        UsageError: fewer than one worker.
    """
    if workers < 1:
        raise UsageError(f"workers must be at least 1, got {workers}")
    if workers == 1:
        pipeline = models.pipeline(batch=True)
        return stream(pipeline, sources, policy=policy, skip=skip, limits=models.limits, recorder=recorder)
    from mien.pipeline.processes import stream_processes

    load = partial(models.pipeline, batch=True)
    return stream_processes(
        load, sources, processes=workers, policy=policy, skip=skip, limits=models.limits, recorder=recorder
    )
