"""Pictures to scores: a pair list or a set of templates through a pipeline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mien.evaluate.embed import Embedded, Progress, embed_aligned, embed_files
from mien.evaluate.protocols.ijb import TemplateSet, pool
from mien.evaluate.protocols.pairs import PairList, compare
from mien.evaluate.scores import Scores
from mien.pipeline import Pipeline, Policy


def score(
    pipeline: Pipeline,
    task: PairList | TemplateSet,
    *,
    name: str,
    policy: Policy = Policy.CENTRAL,
    weigh: bool = False,
    meta: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Scores:
    """The comparisons of a task, each picture looked at once.

    Args:
        pipeline: detector and embedder, opened for throughput.
        task: what is compared with what.
        name: the system.
        policy: which face of a picture to take, where it is looked for.
        weigh: weigh the pictures of a template by their quality.
        meta: what to keep beside the scores; ``seconds`` and ``pictures`` are added.
        progress: called with (done, total) pictures.
    """
    start = time.perf_counter()
    if isinstance(task, PairList):
        pictures = _pictures(pipeline, task, policy, progress)
        rows, pairs, count = pictures, task, len(task.samples)
    else:
        pictures = _template_pictures(pipeline, task, policy, progress)
        rows, pairs, count = pool(pictures, task, weigh=weigh), task.pairs, len(task.pictures)
    lost = int(pictures.failed.sum())
    scores = compare(pairs, rows, name=name)
    seconds = round(time.perf_counter() - start, 2)
    facts = {"seconds": seconds, "pictures": count, "pictures_failed": lost}
    return replace(scores, meta={**(meta or {}), **scores.meta, **facts})


def _pictures(pipeline: Pipeline, pairs: PairList, policy: Policy, progress: Progress | None) -> Embedded:
    if pairs.aligned:
        return embed_aligned(pipeline.embedder, pairs.sources, progress=progress)
    return embed_files(pipeline, pairs.sources, policy=policy, progress=progress)


def _template_pictures(pipeline: Pipeline, task: TemplateSet, policy: Policy, progress: Progress | None) -> Embedded:
    if task.points is None:
        return embed_files(pipeline, task.pictures, policy=policy, progress=progress)
    return embed_aligned(pipeline.embedder, task.pictures, task.points, quality=task.quality, progress=progress)
