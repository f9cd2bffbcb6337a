"""Labeled Faces in the Wild, deep-funneled: pair lists and templates. Shared by the scripts beside it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien import Models
from mien.models import LoadSettings
from mien.pipeline import Acquired, Policy, stream

DATA = Path(os.environ.get("MIEN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@dataclass(frozen=True)
class Pair:
    """Two pictures, as paths below ``images``; mated = same person; fold of view 2, 0 in view 1."""

    a: str
    b: str
    mated: bool
    fold: int


def read_pairs(path: Path) -> list[Pair]:
    """An official pair list: 'folds TAB n' or 'n' in the first line, then n mated and n non-mated pairs a fold."""
    header, *lines = path.read_text().splitlines()
    size = 2 * int(header.split()[-1])
    pairs = []
    for number, line in enumerate(lines):
        words = line.split("\t")
        if len(words) == 3:
            name, i, j = words
            pairs.append(Pair(picture(name, i), picture(name, j), True, number // size))
        else:
            name, i, other, j = words
            pairs.append(Pair(picture(name, i), picture(other, j), False, number // size))
    return pairs


def picture(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the measurement pictures")
    parser.add_argument("--embedder", default="sface,mobileface,fused", help="cards, with commas")
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--precision", default="auto")
    return parser


def models(options: argparse.Namespace, embedder: str) -> Models:
    settings = LoadSettings(engine=options.engine, precision=options.precision)
    return Models(detector=options.detector, embedder=embedder, settings=settings)


def templates(models: Models, folder: Path, names: Sequence[str]) -> tuple[NDArray[np.float32], list[str]]:
    """Vectors (n, d) of the face nearest to the centre of each picture, and what failed; a failure's row is zero."""
    pipeline = models.pipeline(batch=True)
    vectors = np.zeros((len(names), pipeline.embedder.contract.dimension), np.float32)
    failed = []
    paths = (folder / name for name in names)
    for row, outcome in enumerate(stream(pipeline, paths, policy=Policy.CENTRAL)):
        if isinstance(outcome, Acquired):
            vectors[row] = outcome.templates.vectors[0]
        else:
            failed.append(names[row])
    return vectors, failed
