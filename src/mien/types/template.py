"""Templates, and the contract that says which of them may be compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np

from mien.errors import ModelMismatchError
from mien.types.arrays import Embeddings, FloatArray
from mien.types.faces import Face


class Precision(StrEnum):
    """Arithmetic that made a template. f32 and bf16 agree to cosine 0.996 and mix; int8 only meets int8."""

    F32 = "f32"
    BF16 = "bf16"
    INT8 = "int8"

    def mixes_with(self, other: Precision) -> bool:
        """Whether templates of the two may be compared."""
        return (self is Precision.INT8) == (other is Precision.INT8)


@dataclass(frozen=True, slots=True)
class TemplateContract:
    """What two templates must share to be comparable.

    Args:
        model: name of the embedder's card, for people.
        weights: SHA-256 of the weights; several joined by '+' for a fused embedder.
        dimension: length of the vector.
        preprocessing: how a face becomes the network's input, as one word, such as ``arcface5-112-rgb``.
    """

    model: str
    weights: str
    dimension: int
    preprocessing: str

    @property
    def digest(self) -> str:
        """SHA-256 over all but the name; two contracts are the same when their digests are."""
        return _digest(self.weights, self.dimension, self.preprocessing)

    def require(self, other: TemplateContract, where: str) -> None:
        """Raise ModelMismatchError unless `other` is the same contract."""
        if other.digest != self.digest:
            raise ModelMismatchError(
                f"{where} holds templates of {self.model} ({self.digest[:12]}), these are of "
                f"{other.model} ({other.digest[:12]}): use the gallery's own model, or `mien gallery reembed`",
                source=where,
            )

    def to_dict(self) -> dict[str, str]:
        """For JSON: name and digest."""
        return {"name": self.model, "digest": self.digest}


@cache
def _digest(weights: str, dimension: int, preprocessing: str) -> str:
    facts = {"dimension": dimension, "preprocessing": preprocessing, "weights": weights}
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Templates:
    """Templates of one contract, with the faces they come from.

    Args:
        vectors: (n, d) float32, rows of length 1.
        precision: arithmetic that made them.
        contract: what they are comparable with.
        faces: one Face a row.
    """

    vectors: Embeddings
    precision: Precision
    contract: TemplateContract
    faces: tuple[Face, ...]

    def __post_init__(self) -> None:
        expected = (len(self.faces), self.contract.dimension)
        if self.vectors.shape != expected or self.vectors.dtype != np.float32:
            raise ValueError(f"vectors must be {expected} float32, got {self.vectors.shape} {self.vectors.dtype}")
        check_unit(self.vectors)

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, rows: list[int]) -> Templates:
        return Templates(self.vectors[rows], self.precision, self.contract, tuple(self.faces[i] for i in rows))


def check_unit(vectors: FloatArray) -> None:
    """Raise ValueError unless every row is finite and of length 1 (to 1e-3)."""
    lengths = np.linalg.norm(vectors, axis=-1)
    bad = ~(np.abs(lengths - 1) < 1e-3)
    if bad.any():
        raise ValueError(f"templates must be finite and of length 1; row {int(np.argmax(bad))} is {lengths[bad][0]}")
