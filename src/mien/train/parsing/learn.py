"""Learning a parsing head from a mask folder, on one screen; it takes minutes, so it is not made to be resumed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.geometry.face_parts import AMODAL
from mien.models import load_detector
from mien.models.detectors import Detector
from mien.parsing.mask_folder import MaskFolder, read_mask_folder
from mien.train.optim import make_optimizer, rate_at, set_rate
from mien.train.parsing.loss import parsing_loss
from mien.train.parsing.network import Covered, ParsingNet
from mien.train.parsing.recipe import Network, ParsingRecipe
from mien.train.parsing.squares import Squares, held_out, read_squares

Progress = Callable[[int, int], None]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a run ends with.

    Args:
        network: in `eval` mode.
        folder: what it learnt from.
        kept: (n,) bool, pictures that it did not learn from.
        detector: that found the faces; None where the folder has their boxes.
        steps: done.
        seconds: that they took.
    """

    network: nn.Module
    folder: MaskFolder
    kept: NDArray[np.bool_]
    detector: Detector | None
    steps: int
    seconds: float


def learn(recipe: ParsingRecipe, *, progress: Progress, say: Say) -> Learnt:
    """A network by a recipe.

    Raises:
        NotFoundError: no masks there.
        UsageError: a setting that does not fit them.
        ImageError: a picture cannot be used.
    """
    data, model, run = recipe.data, recipe.model, recipe.run
    if run.threads:
        torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    folder = read_mask_folder(Path(data.root), data.images, data.masks)
    kept = held_out(folder, data, run.seed)
    detector = load_detector() if folder.boxes is None else None
    people = len(np.unique(folder.subjects[~kept])), len(np.unique(folder.subjects[kept]))
    say(f"{(~kept).sum():,} pictures of {people[0]:,} people to learn from, {kept.sum():,} of {people[1]:,} kept back")
    rows = np.flatnonzero(~kept).astype(np.int64)
    squares = read_squares(folder, rows, data, model.side, run.seed, detector)
    network = make_network(model, len(folder.classes))
    say(f"{sum(p.numel() for p in network.parameters()):,} numbers to learn")
    return fit(network, squares, recipe, folder, kept, detector, progress, say)


def make_network(model: Network, classes: int) -> nn.Module:
    """The network of a family, its numbers drawn by PyTorch's seed."""
    if model.family == "occlusion":
        return Covered(ParsingNet(len(AMODAL) + 1, model.width, model.side, places=model.places))
    return ParsingNet(classes, model.width, model.side, places=model.places)


def fit(
    network: nn.Module,
    squares: Squares,
    recipe: ParsingRecipe,
    folder: MaskFolder,
    kept: NDArray[np.bool_],
    detector: Detector | None,
    progress: Progress,
    say: Say,
) -> Learnt:
    """The loop: a batch, a step, a line now and then."""
    run, start, total, done = recipe.run, time.monotonic(), 0.0, 0
    optimizer = make_optimizer([network], recipe.optimizer)
    batches = squares.batches(run.batch, run.seed, mirror=recipe.data.mirror)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    for step in range(run.steps):
        spent = (time.monotonic() - start) / (60 * run.minutes) if run.minutes else 0.0
        if spent > 1:
            say(f"the time is up at step {step:,}")
            break
        pixels, labels = next(batches)
        # where the time ends the run, the rate falls with the time
        place = max(step, int(spent * (run.steps - 1)))
        set_rate(optimizer, rate_at(place, run.steps, recipe.schedule, recipe.optimizer.lr))
        loss = parsing_loss(network(pixels.contiguous(memory_format=torch.channels_last)), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if recipe.optimizer.clip:
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.optimizer.clip)
        optimizer.step()
        total, done = total + float(loss.detach()), step + 1
        progress(done * run.batch, run.steps * run.batch)
        if done % run.log_steps == 0:
            say(f"step {done:,}: loss {total / run.log_steps:.4f}")
            total = 0.0
    return Learnt(network.eval(), folder, kept, detector, done, time.monotonic() - start)
