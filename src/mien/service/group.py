"""A folder of photographs, sorted into people."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import replace
from os import PathLike

import numpy as np

from mien.errors import UsageError
from mien.grouping import Grouping, GroupingRule
from mien.grouping import group as group_faces
from mien.image import find_photos
from mien.pipeline import Acquired, Recorder, Seen
from mien.pipeline.profile import span
from mien.service.acquire import acquire_all
from mien.service.engine import Models, Progress, model_id
from mien.types.arrays import FloatArray
from mien.types.faces import Face
from mien.types.outcome import Failure
from mien.types.results import Groups, ModelId, Person


class Copies:
    """Which pictures are copies of one seen before, by content; asked from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: set[str] = set()
        self.names: dict[str, list[str]] = defaultdict(list)

    def skip(self, seen: Seen) -> bool:
        """True for all but the first picture of the same bytes."""
        with self._lock:
            copy = seen.sha256 in self._first
            self._first.add(seen.sha256)
            return copy

    def add(self, seen: Seen) -> None:
        """Remember a copy's name."""
        self.names[seen.sha256].append(seen.source)


def group(
    folder: str | PathLike[str],
    *,
    models: Models | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    recorder: Recorder | None = None,
) -> Groups:
    """Sort the photographs of a folder, with all below it, into people whose number nobody knows.

    Two faces of one photograph are two people; a face like no other stays alone. Copies of a photograph are looked at
    once, and each is shown with its faces.

    Args:
        folder: photographs.
        models: which detector and embedder.
        progress: called with (done, total) pictures.
        workers: 1 = a thread a core; more = so many processes, for machines with many cores.
        recorder: told where the time goes.

    Raises:
        NotFoundError: no such folder.
        UsageError: the embedder has no measured grouping rule, or fewer than one worker.
    """
    start = time.perf_counter()
    models = models or Models()
    rule = grouping_rule(models)
    with span(recorder, "find files"):
        paths, unreadable = find_photos(folder)
    pipeline = models.pipeline(batch=True)
    copies = Copies()
    acquired: list[Acquired] = []
    failures = list(unreadable)
    outcomes = acquire_all(models, paths, skip=copies.skip, workers=workers, recorder=recorder)
    for done, outcome in enumerate(outcomes, 1):
        if isinstance(outcome, Acquired):
            acquired.append(outcome)
        elif isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            copies.add(outcome)
        if progress:
            progress(done, len(paths))
    sound = {picture.sha256 for picture in acquired}
    for sha256, names in copies.names.items():
        if sha256 not in sound:
            failures += [Failure(name, "image-copy", f"{name}: a copy of a picture that failed") for name in names]
    faces = [face for picture in acquired for face in picture.templates.faces]
    vectors = np.concatenate(
        [np.empty((0, pipeline.embedder.contract.dimension), np.float32), *(p.templates.vectors for p in acquired)]
    )
    pictures = np.repeat(np.arange(len(acquired)), [len(p.templates) for p in acquired])
    with span(recorder, "group", len(faces)):
        grouping = group_faces(vectors, pictures, cut=rule.cut, attach_cut=rule.attach, weak=rule.weak(_scores(faces)))
    rows = [
        [face, *(replace(face, source=name) for name in copies.names[acquired[p].sha256])]
        for face, p in zip(faces, pictures, strict=True)
    ]
    result = people_of(grouping, rows, rule, model_id(pipeline.embedder))
    seconds = time.perf_counter() - start
    return replace(result, failures=tuple(failures), files=len(paths) + len(unreadable), seconds=seconds)


def grouping_rule(models: Models) -> GroupingRule:
    """The measured cut of the embedder.

    Raises:
        UsageError: its card has none.
    """
    card = models.embedder_card
    if card.grouping is None:
        raise UsageError(
            f"{card.name} has no measured grouping rule; benchmarks/bench_grouping.py makes one",
            code="model-uncalibrated",
        )
    return GroupingRule.from_dict(card.grouping)


def _scores(faces: list[Face]) -> FloatArray:
    return np.array([face.score for face in faces], np.float32)


def people_of(grouping: Grouping, rows: list[list[Face]], rule: GroupingRule, model: ModelId) -> Groups:
    """The labels as people; `rows` holds each face once for every copy of its picture."""
    members = [[face for row in grouping.members(g) for face in rows[row]] for g in range(-1, len(grouping))]
    people = tuple(Person(g, tuple(faces)) for g, faces in enumerate(members[1:]))
    basis = f"average cosine within a group at least {rule.cut:g}, chosen on {rule.data} ({rule.date})"
    return Groups(people, tuple(members[0]), (), 0, 0.0, rule.cut, basis, model)
