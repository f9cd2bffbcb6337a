"""Galleries to search: made templates of any size, and real ones. Shared by the scripts beside it."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lfw import read_pairs, templates
from mien import Models
from mien.gallery.index import Ids, Index, indexes
from mien.types.arrays import Embeddings, FloatArray


@dataclass(frozen=True)
class Made:
    """A gallery with probes: vectors (n, d), subjects (n,), mated and non-mated probes."""

    vectors: Embeddings
    subjects: Ids
    mated: Embeddings
    non_mated: Embeddings

    @property
    def references(self) -> Ids:
        """(n,) ids from 1."""
        return np.arange(1, len(self.vectors) + 1)

    def index(self, backend: str) -> Index:
        """All of it in a backend."""
        index = indexes[backend].create(self.vectors.shape[1], len(self.vectors))
        index.add(self.references, self.subjects, self.vectors)
        return index.rebuilt()


def make(size: int, dimension: int = 128, probes: int = 250, seed: int = 0) -> Made:
    """Templates as a face network makes them."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(decaying(dimension, 0.9 * dimension if dimension <= 128 else 161)).astype(np.float32)
    mean = rng.standard_normal(dimension).astype(np.float32)
    mean *= np.sqrt(0.085) / np.linalg.norm(mean)
    people = rng.standard_normal((size // 2, dimension), dtype=np.float32) * scale

    def photographed(people: FloatArray) -> Embeddings:
        rows = people * np.float32(np.sqrt(0.575)) + mean
        rows += rng.standard_normal(people.shape, dtype=np.float32) * (scale * np.float32(np.sqrt(0.34)))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    vectors = np.empty((size // 2 * 2, dimension), np.float32)
    vectors[0::2], vectors[1::2] = photographed(people), photographed(people)
    mated = photographed(people[rng.choice(len(people), probes)])
    strangers = rng.standard_normal((probes, dimension), dtype=np.float32) * scale
    return Made(vectors, np.repeat(np.arange(size // 2), 2), mated, photographed(strangers))


def decaying(dimension: int, participation: float) -> NDArray[np.float64]:
    """Variances of geometric decay with this participation ratio (sum squared by sum of squares), sum 1."""
    low, high = 1e-6, 0.5
    for _ in range(60):
        rate = (low + high) / 2
        values = np.exp(-rate * np.arange(dimension))
        low, high = (rate, high) if values.sum() ** 2 / (values**2).sum() > participation else (low, rate)
    return values / values.sum()


def real(data: Path, embedder: str) -> Made:
    """Templates of photographs: pictures of view 1's test list of LFW, the London set and UTKFace.

    A mated probe is another picture of somebody of LFW, or the smiling one of London; non-mated are 300 of UTKFace.
    """
    people = defaultdict(list)
    pairs = read_pairs(data / "lfw" / "pairsDevTest.txt")
    for name in sorted({name for pair in pairs for name in (pair.a, pair.b)}):
        people[f"lfw/{name.split('/')[0]}"].append(f"lfw/images/{name}")
    for folder in ("neutral_front", "smiling_front"):
        for path in sorted((data / "london" / folder).glob("*.jpg")):
            people[f"london/{path.stem.split('_')[0]}"].append(f"london/{folder}/{path.name}")
    for path in sorted((data / "utkface").glob("*.jpg")):
        people[path.name].append(f"utkface/{path.name}")
    strangers = set(random.Random(0).sample([who for who in people if who.endswith(".jpg")], 300))
    names = [name for pictures in people.values() for name in pictures]
    vectors, failed = templates(Models(embedder=embedder), data, names)
    seen = {name: vector for name, vector in zip(names, vectors, strict=True) if name not in set(failed)}
    sides: dict[str, list[FloatArray]] = {"gallery": [], "mated": [], "non_mated": []}
    subjects = []
    for number, (who, pictures) in enumerate(people.items()):
        found = [seen[name] for name in pictures if name in seen]
        if who in strangers:
            sides["non_mated"] += found
            continue
        sides["mated"] += found[1:][-1:]
        kept = found[:-1] if len(found) > 1 else found
        sides["gallery"] += kept
        subjects += [number] * len(kept)
    gallery, mated, non_mated = (np.array(rows, np.float32) for rows in sides.values())
    return Made(gallery, np.array(subjects), mated, non_mated)
