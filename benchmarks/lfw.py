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
from mien.evaluate.embed import embed_files
from mien.evaluate.protocols.lfw import read_list
from mien.models import LoadSettings

DATA = Path(os.environ.get("MIEN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@dataclass(frozen=True)
class Pair:
    """Two pictures, as paths below ``images``; mated = same person; fold of view 2, 0 in view 1."""

    a: str
    b: str
    mated: bool
    fold: int


def read_pairs(path: Path) -> list[Pair]:
    """An official pair list."""
    pairs, folds = read_list(path)
    return [Pair(a, b, a.split("/")[0] == b.split("/")[0], fold) for (a, b), fold in zip(pairs, folds, strict=True)]


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
    embedded = embed_files(models.pipeline(batch=True), [folder / name for name in names])
    return embedded.vectors, [name for name, failed in zip(names, embedded.failed, strict=True) if failed]
