"""Vectors of a whole set on disk, by a card's network or by one that was just trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np

from mien.errors import NotFoundError, StoreError
from mien.models import LoadSettings, load_embedder
from mien.train.data import FaceData
from mien.train.logs import Progress
from mien.train.manifest import RECIPE
from mien.types.arrays import Crops, FloatArray

CHUNK = 256
"""Faces at once: 10 MB of pixels."""
Embed: TypeAlias = Callable[[Crops], FloatArray]
"""(b, 112, 112, 3) uint8 RGB to (b, d) float32, rows of length 1 or 0."""


def read_network(name: str, settings: LoadSettings | None = None) -> Embed:
    """What embeds, by name.

    Args:
        name: folder of a run that has ended, or an embedder of `mien models list`.
        settings: how a card's network is run.

    Raises:
        NotFoundError: neither.
        MienError: its licence is not allowed, or its weights are not what they should be.
    """
    if (Path(name) / RECIPE).is_file():
        return _trained(Path(name))
    if Path(name).is_dir():
        raise NotFoundError(f"{name}: no run there (no {RECIPE}); name a run or an embedder", source=name)
    return load_embedder(name, settings or LoadSettings()).embed


def _trained(run: Path) -> Embed:
    import torch

    from mien.train.export import load_backbone
    from mien.train.recipe import read_recipe
    from mien.train.validate import embed

    backbone = load_backbone(run, read_recipe(run / RECIPE))
    return lambda crops: embed(backbone, crops, torch.device("cpu"))


@contextmanager
def embedded(data: FaceData, embed: Embed, folder: Path, progress: Progress) -> Iterator[FloatArray]:
    """(n, d) float32 in a file that goes when the block is left: templates of people are not left lying about.

    Args:
        data: the faces.
        embed: what makes vectors of them.
        folder: where the file is for that time.
        progress: called with (done, total) pictures.

    Raises:
        StoreError: there is no room.
        ImageError: a picture cannot be read.
    """
    with TemporaryDirectory(dir=folder, prefix="vectors-") as home:
        vectors: FloatArray | None = None
        for start in range(0, len(data), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(data)))
            found = embed(data.crops(rows))
            if vectors is None:
                vectors = _file(Path(home) / "vectors", (len(data), found.shape[1]))
            vectors[rows] = found
            progress(len(rows) + start, len(data))
        yield vectors if vectors is not None else np.empty((0, 1), np.float32)


def _file(path: Path, shape: tuple[int, int]) -> FloatArray:
    try:
        return np.memmap(path, np.float32, "w+", shape=shape)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}; free some space, or choose another place") from error
