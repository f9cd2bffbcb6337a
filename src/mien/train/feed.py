"""Batches as the loop takes them, of whatever source, sampler and augmentation a recipe names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mien.errors import NotFoundError, UsageError
from mien.evaluate.protocols.lfw import read_list
from mien.train.data import FaceData, join, open_data, pick
from mien.train.data.augment import find_augment
from mien.train.data.holdout import without_people
from mien.train.data.loader import Loader
from mien.train.data.mixtures import Mixtures
from mien.train.data.samplers import PeopleBalanced, Sampler, Shuffled
from mien.train.distributed import World
from mien.train.losses import losses
from mien.train.recipe import Data, Recipe, require_options
from mien.train.teacher import Targets


@dataclass(frozen=True, slots=True)
class Batch:
    """Faces of one step, or a part of them.

    Args:
        pixels: (b, 3, 112, 112) uint8 RGB, or float32 in -1..1.
        labels: (b,) int64; -1 = unlabelled.
        indices: rows of the data.
        names: of all pictures of the data.
        taught: (b, e) float32 of a teacher; None without one.
        plain: `pixels` before their augmentation; None where no term looks at them.
    """

    pixels: Tensor
    labels: Tensor
    indices: list[int]
    names: Sequence[str]
    taught: Tensor | None = None
    plain: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def name(self, row: int) -> str:
        """The picture's name."""
        return self.names[self.indices[row]]

    def split(self, parts: int) -> list[Batch]:
        """So many batches of equal size."""
        size = len(self) // parts
        return [self._part(slice(size * i, size * (i + 1))) for i in range(parts)]

    def _part(self, rows: slice) -> Batch:
        taught, plain = (None if each is None else each[rows] for each in (self.taught, self.plain))
        return Batch(self.pixels[rows], self.labels[rows], self.indices[rows], self.names, taught, plain)


class Feed:
    """Batches of a set of faces without end; where one begins decides all that follow.

    Args:
        loader: of this process's share.
        targets: of a teacher.

    Attributes:
        targets: as given.
    """

    def __init__(self, loader: Loader, targets: Targets | None = None) -> None:
        self._loader, self.targets = loader, targets

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return len(self._loader.sampler)

    @property
    def message(self) -> str:
        """Which pictures never come, and why; empty when all do."""
        return self._loader.sampler.message

    def batches(self, epoch: int, start: int) -> Iterator[Batch]:
        """This process's share of each batch, from batch `start` of an epoch on.

        Raises:
            ImageError: a picture cannot be read.
        """
        self._loader.epoch, self._loader.step = epoch, start
        names = self._loader.data.names
        for batch in self._loader.batches():
            taught = None if self.targets is None else torch.from_numpy(self.targets[batch.rows.numpy()])
            yield Batch(batch.faces, batch.labels, batch.rows.tolist(), names, taught, batch.plain)


def read_faces(settings: Data) -> FaceData:
    """The faces that a recipe learns from.

    Raises:
        NotFoundError: they are not there.
        UsageError: nothing is left of them.
    """
    data = join(*(open_data(root) for root in (settings.root, *settings.join)))
    if settings.exclude:
        data = without_people(data, listed_people(settings.exclude))
    if settings.classes:
        pictures = np.bincount(data.labels[data.labels >= 0], minlength=len(data.people))
        chosen = np.argsort(-pictures, kind="stable")[: settings.classes]
        data = pick(data, np.isin(data.labels, chosen), classes=str(settings.classes))
    if settings.mixtures and len(data):
        data = Mixtures(data, settings.mixtures)
    if not len(data):
        raise UsageError(f"{settings.root}: no face is left to learn from", source=settings.root)
    return data


def listed_people(lists: Sequence[str]) -> set[str]:
    """The people that lists of LFW pairs name.

    Raises:
        NotFoundError: a list is not there.
        UsageError: it is none.
    """
    for path in lists:
        if not Path(path).is_file():
            raise NotFoundError(f"{path}: no such list of pairs", source=path)
    return {name.split("/")[0] for path in lists for pair in read_list(Path(path))[0] for name in pair}


def make_feed(recipe: Recipe, data: FaceData, world: World, targets: Targets | None = None) -> Feed:
    """Batches as the recipe draws and changes them.

    Raises:
        UsageError: the batch does not divide among the processes, or the set is too small for it.
    """
    settings, run = recipe.data, recipe.run
    if settings.batch % (world.size * run.accumulate) or settings.people % world.size:
        parts = f"{world.size} processes" + (f" of {run.accumulate} parts each" if run.accumulate > 1 else "")
        raise UsageError(f"'data.batch' ({settings.batch}) and 'data.people' must divide among {parts}", code="recipe")
    place = {"seed": run.seed, "rank": world.rank, "world": world.size}
    sampler: Sampler
    if settings.sampler == "balanced":
        pictures = settings.batch // settings.people
        sampler = PeopleBalanced(data.labels, settings.people // world.size, pictures, **place)
    else:
        sampler = Shuffled(len(data), settings.batch // world.size, **place)
    augment = find_augment(recipe.augment.name)
    require_options(recipe.augment, {f.name: getattr(augment, f.name) for f in fields(augment)}, "augment")
    augment = replace(augment, **recipe.augment.options)
    plain = any(losses[name].kind == "structure" for name in recipe.terms.options)
    loader = Loader(data, sampler, augment=augment, seed=run.seed, threads=settings.workers, form="uint8", plain=plain)
    return Feed(loader, targets)
