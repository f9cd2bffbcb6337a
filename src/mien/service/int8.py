"""An int8 network of an embedder: calibrated on a folder of photographs, and kept only if it loses nothing on LFW."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.errors import MienError, UsageError
from mien.evaluate.protocols.lfw import read_lfw
from mien.evaluate.run import score
from mien.evaluate.scores import Scores
from mien.image import find_photos, open_photo
from mien.models import Card, Embedder, LoadSettings, Store, find_card, int8, load_detector, load_embedder
from mien.models.blob import blob, input_of
from mien.models.embedders import embedders
from mien.pipeline import Pipeline, Policy
from mien.runtime import open_session
from mien.runtime.quantise import quantise
from mien.types.arrays import Crops
from mien.types.template import Precision

FACES = 256
"""Most faces to calibrate on; more change nothing."""
LEAST = 64
"""Fewest; with less the ranges of the layers are those of a few people."""

Progress = Callable[[int, int], None]
"""Called with (done, total) pictures."""


def make_int8(
    name: str,
    photographs: Path,
    lfw: Path,
    settings: LoadSettings | None = None,
    *,
    progress: Progress | None = None,
) -> int8.Evidence:
    """Quantise an embedder, check it on LFW view 1 (``pairsDevTest.txt``), and keep it if it passes.

    Args:
        name: of the embedder's card.
        photographs: folder of any photographs with faces in them, to calibrate on.
        lfw: folder of LFW's pair lists and pictures.
        settings: licence policy, and whether weights may be fetched.
        progress: called with (done, total) pictures of the check, which come twice.

    Returns:
        Accuracy before and after; `Evidence.passed` says whether the network was kept.

    Raises:
        UsageError: too few faces, a card without a network of its own, or NNCF is not installed.
        NotFoundError: no such folders.
    """
    card = find_card(name, "embedder")
    if card.input is None:
        raise UsageError(f"'{card.name}' is made of others: make the int8 networks of those", source=card.name)
    settings = replace(settings or LoadSettings(), precision="f32", engine="auto", threads="throughput")
    exact = Pipeline(load_detector("yunet", settings), load_embedder(name, settings))
    pairs, store = read_lfw(lfw, view=1), Store()
    samples = [blob(crop[None], input_of(card)) for crop in faces_of(exact, photographs)]
    network = quantise(store.read(card, card.file), card.rewrites, samples)
    short = replace(exact, embedder=_embedder(card, network))
    reference, accuracy = (
        best_accuracy(score(pipeline, pairs, name=card.name, progress=progress)) for pipeline in (exact, short)
    )
    evidence = int8.Evidence(len(samples), pairs.name, len(pairs.a), accuracy, reference)
    if evidence.passed:
        int8.keep(card, network, evidence, store)
    return evidence


def faces_of(pipeline: Pipeline, folder: Path) -> Crops:
    """One face of each of some photographs spread over the folder: (n, 112, 112, 3) uint8 RGB, n at most `FACES`.

    Raises:
        NotFoundError: no such folder.
        UsageError: fewer than `LEAST` faces.
    """
    paths, _ = find_photos(folder)
    crops: list[Crops] = []
    for path in paths[:: max(1, len(paths) // (2 * FACES))]:
        if len(crops) == FACES:
            break
        try:
            crops.append(pipeline.crops(open_photo(path), Policy.CENTRAL)[1])
        except MienError:  # pictures without a face, or damaged, are of no use here
            continue
    if len(crops) < LEAST:
        raise UsageError(f"{folder}: {len(crops)} photographs with a face; calibration takes {LEAST} or more")
    return np.concatenate(crops)


def best_accuracy(scores: Scores) -> float:
    """The largest share of right answers that any threshold gives; a failed comparison is a wrong answer."""
    thresholds = np.append(np.unique(scores.score[~scores.failed]), np.inf)
    mated = np.sort(scores.score[scores.mated & ~scores.failed])
    other = np.sort(scores.score[~scores.mated & ~scores.failed])
    right = len(mated) - np.searchsorted(mated, thresholds) + np.searchsorted(other, thresholds)
    return float(right.max()) / len(scores)


def _embedder(card: Card, network: bytes) -> Embedder:
    """The card's embedder on a network that is not kept yet."""
    return embedders[card.family](card, open_session(network, precision=Precision.INT8.value, threads="throughput"))
