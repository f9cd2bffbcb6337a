"""Who is learnt from, with labels and without, and who is measured; shared by the parts of bench_pretrain."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.train.data import FaceData, open_data, pick
from mien.train.data.base import Rows
from mien.train.data.holdout import lfw_test_people
from mien.train.data.sources.relabelled import write_labels

SPLIT = 0
"""Seed of all draws here."""


def utk_halves(utk: FaceData) -> tuple[Rows, Rows]:
    """Rows of UTKFace that may be learnt from, and of those that are measured; as far as known nobody is in both."""
    order = np.random.default_rng(SPLIT).permutation(len(utk)).astype(np.int64)
    return np.sort(order[: len(utk) // 2]), np.sort(order[len(utk) // 2 :])


def write_unlabelled(folder: Path, prepared: Path) -> Path:
    """The first half of UTKFace as `data.root` of a recipe, without labels."""
    utk = open_data(prepared)
    rows, _ = utk_halves(utk)
    write_labels(folder, prepared, utk, rows, np.full(len(rows), -1), split=f"half by seed {SPLIT}")
    return folder


def write_people(folder: Path, prepared: Path, lists: Path, share: float, seed: int) -> Path:
    """A share of LFW's people as `data.root` of a recipe: with two pictures or more, and none of view 1's test.

    Args:
        folder: for the list.
        prepared: what `mien prepare lfw:… FOLDER` wrote.
        lists: folder with pairsDevTest.txt.
        share: of the people.
        seed: of the draw; a smaller share is part of a larger one.
    """
    lfw = open_data(prepared)
    held, counts = lfw_test_people(lists, (1,)), np.bincount(lfw.labels, minlength=len(lfw.people))
    able = np.flatnonzero([name not in held and count >= 2 for name, count in zip(lfw.people, counts, strict=True)])
    chosen = np.random.default_rng((SPLIT, seed)).permutation(able)[: round(share * len(able))]
    part = pick(lfw, np.isin(lfw.labels, chosen))
    write_labels(folder, prepared, lfw, part.rows, lfw.labels[part.rows], share=f"{share:g} of the people, draw {seed}")
    return folder
