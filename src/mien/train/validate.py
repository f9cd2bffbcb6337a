"""Verification while a network learns, by the code of `mien evaluate`: the figures mean the same as in its reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.errors import NotFoundError, UsageError
from mien.evaluate.embed import Embedded
from mien.evaluate.metrics.accuracy import fold_accuracy
from mien.evaluate.protocols.insightface_bin import read_bin
from mien.evaluate.protocols.lfw import read_list
from mien.evaluate.protocols.pairs import PairList, compare
from mien.evaluate.rates import clopper_pearson
from mien.evaluate.verification import Estimate, Measurement, measure
from mien.image import open_photo
from mien.train.data import FaceData, open_data
from mien.train.recipe import Validate
from mien.train.tensors import normalised
from mien.types.arrays import Crops, FloatArray

FOLDS = 10
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Validation:
    """How a network does on pairs.

    Args:
        measurement: every 1:1 figure of `mien evaluate verification`.
        accuracy: share of right answers over folds, each at the threshold that is best on the others; its interval is
            Clopper-Pearson's, as if comparisons were independent.
    """

    measurement: Measurement
    accuracy: Estimate

    def __str__(self) -> str:
        data = self.measurement.scores.meta["data"]
        return f"{data}: accuracy {self.accuracy}, EER {self.measurement.eer}"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Comparisons over prepared faces.

    Args:
        task: the comparisons; `samples` are rows of `crops`.
        crops: (n, 112, 112, 3) uint8 RGB; black where a picture gave no face.
        failed: (n,) bool, pictures that gave no face.
    """

    task: PairList
    crops: Crops
    failed: NDArray[np.bool_]

    def __call__(self, backbone: nn.Module, device: torch.device, name: str) -> Validation:
        """The network's figures; it is left in the mode it was in."""
        return self.measured(embed(backbone, self.crops, device), name)

    def measured(self, vectors: FloatArray, name: str) -> Validation:
        """The figures of embeddings (n, d) of `crops`: rows of length 1, or zero where there is none."""
        lost = self.failed | (np.linalg.norm(vectors, axis=1) == 0)
        reasons = tuple("no-face" if row else "" for row in lost.tolist())
        embedded = Embedded(np.where(lost[:, None], 0, vectors), lost, reasons, (~lost).astype(np.float32))
        scores = compare(self.task, embedded, name=name)
        fold = np.arange(len(scores)) % FOLDS if scores.fold is None else scores.fold
        folds = fold_accuracy(scores.score, scores.mated, scores.failed, fold)
        low, high = clopper_pearson((1 - folds.mean) * len(scores), len(scores))
        return Validation(measure(scores), Estimate(folds.mean, 1 - high, 1 - low))


def read_validation(settings: Validate) -> Pairs | None:
    """The pairs that a recipe validates on; None without any.

    Raises:
        NotFoundError: no such list, or faces.
        UsageError: it is no list of pairs, or the faces lack most of its pictures.
    """
    if not settings.pairs:
        return None
    path = Path(settings.pairs)
    if not path.is_file():
        raise NotFoundError(f"{path}: no such list of pairs (validate.pairs)", source=str(path))
    if path.suffix == ".bin":
        task = read_bin(path)
        crops = np.stack([open_photo(source).decode().pixels for source in task.sources])
        return Pairs(task, crops, np.zeros(len(crops), np.bool_))
    return _prepared(path, open_data(settings.root))


def embed(backbone: nn.Module, crops: Crops, device: torch.device) -> FloatArray:
    """(n, 112, 112, 3) uint8 RGB to (n, d) float32 rows of length 1; zero where the network's answer is not finite."""
    training, rows = backbone.training, []
    backbone.eval()
    with torch.inference_mode():
        for start in range(0, len(crops), CHUNK):
            chunk = torch.from_numpy(np.ascontiguousarray(crops[start : start + CHUNK].transpose(0, 3, 1, 2)))
            rows.append(nn.functional.normalize(backbone(normalised(chunk.to(device))).float()).cpu().numpy())
    backbone.train(training)
    found: FloatArray = np.concatenate(rows)
    return np.where(np.isfinite(found).all(axis=1, keepdims=True), found, np.float32(0))


def _prepared(path: Path, faces: FaceData) -> Pairs:
    """LFW's pairs on prepared faces; a picture that is not among them gave none."""
    pairs, _ = read_list(path)
    pairs = [(_stem(a), _stem(b)) for a, b in pairs]  # the list says .jpg, whatever the pictures were stored as
    rows = {_stem(name): row for row, name in enumerate(faces.names)}
    names = sorted({name for pair in pairs for name in pair})
    numbers = {name: number for number, name in enumerate(names)}
    people = {person: number for number, person in enumerate(sorted({name.split("/")[0] for name in names}))}
    failed = np.array([name not in rows for name in names])
    if failed.mean() > 0.5:
        raise UsageError(f"{path}: the prepared faces lack {failed.sum():,} of its {len(names):,} pictures")
    crops = np.zeros((len(names), 112, 112, 3), np.uint8)
    for name in names:
        if name in rows:
            crops[numbers[name]] = faces.read(rows[name])
    sides = np.array([[numbers[a], numbers[b]] for a, b in pairs], np.int64)
    subjects = np.array([people[name.split("/")[0]] for name in names], np.int64)
    task = PairList(
        name=path.stem,
        samples=tuple(names),
        sources=names,
        a=sides[:, 0],
        b=sides[:, 1],
        mated=subjects[sides[:, 0]] == subjects[sides[:, 1]],
        subjects=subjects,
    )
    return Pairs(task, crops, failed)


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
