"""A folder for each person: the truth that a grouping is measured against, and the grouping that must not see it.

The photographs are looked at in a shuffled order, and the grouping is shown nothing but vectors, numbers of photographs
in that order, and detector scores: what it knows of a face comes from pixels alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.grouping import Grouping, GroupingRule, group
from mien.image import PhotoSource, find_photos
from mien.pipeline import Acquired, Pipeline, Policy, stream
from mien.types.arrays import FloatArray
from mien.types.faces import Face
from mien.types.outcome import Failure

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True, slots=True)
class PeopleFolder:
    """Photographs and whose they are, in the order they are looked at.

    Args:
        root: the folder.
        paths: one a photograph, shuffled.
        people: name of the folder below `root` that each lies in, at whatever depth.
        unreadable: what was found and could not be looked at.
    """

    root: Path
    paths: tuple[Path, ...]
    people: tuple[str, ...]
    unreadable: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledFaces:
    """Faces as columns, with the truth.

    Args:
        vectors: (n, d) float32, unit rows.
        pictures: (n,) int64, number of the photograph.
        scores: (n,) float32, the detector's.
        people: (n,) str, the person; a face that is not the one its photograph is about is called ``?…``, alone.
        failures: photographs without a face to use.
    """

    vectors: FloatArray
    pictures: NDArray[np.int64]
    scores: FloatArray
    people: NDArray[np.str_]
    failures: tuple[Failure, ...] = ()

    def __len__(self) -> int:
        return len(self.people)

    def grouped(self, rule: GroupingRule) -> Grouping:
        """The faces sorted into people; only vectors, pictures and detector scores are shown to the grouping."""
        weak = rule.weak(self.scores)
        return group(self.vectors, self.pictures, cut=rule.cut, attach_cut=rule.attach, weak=weak)


def read_people(root: Path, *, seed: int = 0) -> PeopleFolder:
    """The photographs below `root`, whose first folder names the person, in an order drawn with `seed`.

    Raises:
        NotFoundError: no such folder.
        UsageError: no photograph, one in no person's folder, or fewer than two people.
    """
    paths, unreadable = find_photos(root)
    if not paths:
        raise UsageError(f"{root} holds no photographs; give a folder with one folder of photographs a person")
    loose = [path for path in paths if path.parent == root]
    if loose:
        raise UsageError(
            f"{loose[0]} lies in no person's folder; give a folder with one folder of photographs a person",
            code="no-person",
            source=str(loose[0]),
        )
    people = [path.relative_to(root).parts[0] for path in paths]
    if len(set(people)) < 2:
        raise UsageError(f"{root} holds photographs of {people[0]} alone; a grouping needs two people to tell apart")
    order = np.random.default_rng(seed).permutation(len(paths)).tolist()
    return PeopleFolder(root, tuple(paths[i] for i in order), tuple(people[i] for i in order), unreadable)


def acquire_people(
    pipeline: Pipeline, folder: PeopleFolder, *, policy: Policy = Policy.CENTRAL, progress: Progress | None = None
) -> LabelledFaces:
    """The faces of the photographs, named by their folders.

    Args:
        pipeline: detector and embedder, opened for throughput.
        folder: photographs and their people.
        policy: which faces take part. Under ``all`` the face nearest to the centre is the folder's person, and every
            other counts as a person of its own, whom the grouping should leave alone.
        progress: called with (done, total) photographs.

    Raises:
        UsageError: no photograph gave a face.
    """
    faces = label_faces(pipeline, folder.paths, folder.people, policy=policy, progress=progress)
    if not len(faces):
        raise UsageError(f"{folder.root}: none of {len(folder.paths):,} photographs gave a face; nothing to group")
    return replace(faces, failures=(*folder.unreadable, *faces.failures))


def label_faces(
    pipeline: Pipeline,
    sources: Iterable[PhotoSource],
    people: Sequence[str],
    *,
    policy: Policy = Policy.ALL,
    tag: str = "",
    progress: Progress | None = None,
) -> LabelledFaces:
    """The faces of pictures; the one nearest to the centre is `people[i]`, the others are strangers.

    Args:
        pipeline: detector and embedder, opened for throughput.
        sources: pictures.
        people: the person each is about; empty = all faces are strangers.
        policy: which faces take part.
        tag: part of the strangers' names, to keep those of several calls apart.
        progress: called with (done, total) pictures.
    """
    rows: list[tuple[FloatArray, int, float, str]] = []
    failures = []
    for number, outcome in enumerate(stream(pipeline, sources, policy=policy)):
        if isinstance(outcome, Failure):
            failures.append(outcome)
        elif isinstance(outcome, Acquired) and not len(outcome.templates):
            failures.append(Failure(outcome.source, "no-face", f"{outcome.source}: no face found"))
        elif isinstance(outcome, Acquired):
            about = central(outcome.templates.faces, outcome.size)
            for i, face in enumerate(outcome.templates.faces):
                mine = people[number] and i == about
                who = people[number] if mine else f"?{tag}{number}-{i}"
                rows.append((outcome.templates.vectors[i], number, face.score, who))
        if progress:
            progress(number + 1, len(people))
    vectors = np.array([row[0] for row in rows], np.float32).reshape(-1, pipeline.embedder.contract.dimension)
    pictures, scores = np.array([row[1] for row in rows], np.int64), np.array([row[2] for row in rows], np.float32)
    return LabelledFaces(vectors, pictures, scores, np.array([row[3] for row in rows], str), tuple(failures))


def central(faces: Sequence[Face], size: tuple[int, int]) -> int:
    """Row of the face whose centre is nearest to the picture's."""
    boxes = np.array([face.box for face in faces])
    offsets = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.array(size) / 2
    return int(np.argmin(np.hypot(*offsets.T)))
