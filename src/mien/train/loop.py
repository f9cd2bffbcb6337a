"""The training loop: data, step, log, validate, save."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from mien.train.diagnose import require_finite_gradient, require_finite_loss
from mien.train.distributed import World
from mien.train.feed import Batch, Feed
from mien.train.logs import Log
from mien.train.objective import Objective
from mien.train.optim import rate_at, set_rate
from mien.train.pretrain.branches import Branches
from mien.train.recipe import Recipe
from mien.train.state import Parts, Position, save
from mien.train.tensors import normalised
from mien.train.validate import Validation

FINISHED, OUT_OF_TIME, STOPPED = "finished", "out of time", "stopped"


@dataclass(slots=True)
class Session:
    """All that takes part in the loop.

    Args:
        recipe: the settings.
        world: the processes.
        feed: batches.
        network: the backbone as it is called, with what terms look at besides; with several processes it averages
            gradients. In pre-training, what
            makes of pictures the terms of its loss instead of embeddings.
        objective: embeddings and labels to the loss.
        parts: what a checkpoint holds.
        validate: compares pairs; None where there are none.
        steps: of the whole run.
        follow: called with a step that is done, from 0: what moves after the weights do, such as their running mean.

    Attributes:
        folder: of the run, once it has one.
        log: of the first process; None in the others.
        last: the last validation of this session.
    """

    recipe: Recipe
    world: World
    feed: Feed
    network: nn.Module
    objective: Objective | Branches
    parts: Parts
    validate: Callable[[], Validation] | None
    steps: int
    follow: Callable[[int], None] | None = None
    folder: Path = field(default=Path(), init=False)
    log: Log | None = field(default=None, init=False)
    last: Validation | None = field(default=None, init=False)


def train(session: Session, position: Position) -> tuple[Position, str]:
    """Go on from a position to the end of the run.

    Returns:
        Where it stands now, and why it ended: `FINISHED`, `OUT_OF_TIME`, or `STOPPED` by a signal.

    Raises:
        MienError: the loss or a gradient is not finite (``not-finite``), or a checkpoint cannot be written.
    """
    recipe, world = session.recipe, session.world
    begun, saved = time.monotonic() - position.seconds, time.monotonic()
    session.network.train()
    with _signals() as asked:
        if position.step == session.steps:
            return position, FINISHED
        for batch in session.feed.batches(position.epoch, position.batch):
            rate = rate_at(position.step, session.steps, recipe.schedule, recipe.optimizer.lr)
            loss, gradient = _step(session, batch, rate, position.step)
            position = _after(position, session.feed.steps, time.monotonic() - begun)
            if session.log:
                session.log.step(position, loss, rate, gradient)
            if position.step % recipe.run.log_steps == 0 and (weighed := _weighed(session, batch)) and session.log:
                session.log.scores(position, *weighed)

            end = position.step == session.steps
            stop, over, due = world.any(
                bool(asked),
                bool(recipe.run.minutes) and position.seconds >= 60 * recipe.run.minutes,
                _save_due(recipe, position, time.monotonic() - saved),
            )
            if session.validate and not stop and (end or over or _validation_due(recipe, position)):
                _validate(session, position)
            if end or over or stop or due:
                save(session.folder, session.parts, position, world)
                saved = time.monotonic()
            if end or over or stop:
                return position, FINISHED if end else STOPPED if stop else OUT_OF_TIME
    raise AssertionError("batches do not end")


def _step(session: Session, batch: Batch, rate: float, step: int) -> tuple[float, float]:
    """One update of the weights; gives the loss of the batch and the length of its gradient."""
    recipe, world, optimizer = session.recipe, session.world, session.parts.optimizer
    modules = (session.parts.backbone, session.parts.head)
    set_rate(optimizer, rate)
    optimizer.zero_grad(set_to_none=True)
    parts, total = batch.split(recipe.run.accumulate), 0.0
    for number, part in enumerate(parts):
        with _averaging(session.network, last=number == len(parts) - 1):
            embeddings = _embeddings(session, part)
            labels = world.gather(part.labels.to(world.device))
            taught = None if part.taught is None else world.gather(part.taught.to(world.device))
            loss = session.objective(world.gather(embeddings), labels, step * len(parts) + number, taught)
            require_finite_loss(loss, embeddings, part, step, session.folder)
            (loss / len(parts)).backward()
            total += float(loss.detach()) / len(parts)
    if not session.parts.sharded:
        world.share([p.grad for p in session.parts.head.parameters() if p.grad is not None])
    parameters = [p for module in modules for p in module.parameters() if p.grad is not None]
    norm = _length(session)
    require_finite_gradient(norm, modules, batch, step, session.folder)
    if recipe.optimizer.clip:
        nn.utils.clip_grads_with_norm_(parameters, recipe.optimizer.clip, norm)
    optimizer.step()
    if session.follow:
        session.follow(step)
    return total, float(norm)


def _length(session: Session) -> Tensor:
    """Of the gradient over all parameters, wherever their classes are; the same in every process."""
    own, head = (
        nn.utils.get_total_norm([p.grad for p in module.parameters() if p.grad is not None])
        for module in (session.parts.backbone, session.parts.head)
    )
    if session.parts.sharded:
        head = session.world.sum(head.square()).sqrt()
    return (own.square() + head.square()).sqrt()


def _embeddings(session: Session, batch: Batch) -> Tensor:
    """(b, d) float32 of this process's pictures, or (b, k) where terms look at more."""
    run, device = session.recipe.run, session.world.device
    pixels = normalised(batch.pixels.to(device))
    if run.channels_last:
        pixels = pixels.contiguous(memory_format=torch.channels_last)
    plain = () if batch.plain is None else (normalised(batch.plain.to(device)),)
    with torch.autocast(device.type, torch.bfloat16, enabled=run.precision == "bf16"):
        embeddings: Tensor = session.network(pixels, *plain)
    return embeddings.float()


def _weighed(session: Session, batch: Batch) -> tuple[list[int], list[float]] | None:
    """Rows of the data that the last part of a step had, and the weights its loss gave them; None where it gives none.

    All processes must ask.
    """
    scores = session.objective.scores if isinstance(session.objective, Objective) else None
    if scores is None:
        return None
    part, world = batch.split(session.recipe.run.accumulate)[-1], session.world
    labels, rows = (world.gather(each.to(world.device)) for each in (part.labels, torch.tensor(part.indices)))
    return rows[labels >= 0].tolist(), scores.tolist()


def _averaging(network: nn.Module, *, last: bool) -> AbstractContextManager[None]:
    """Several processes average gradients once a step, with the last part."""
    return nullcontext() if last or not isinstance(network, DistributedDataParallel) else network.no_sync()


def _after(position: Position, epoch_steps: int, seconds: float) -> Position:
    batch = position.batch + 1
    epoch, batch = (position.epoch + 1, 0) if batch == epoch_steps else (position.epoch, batch)
    return replace(position, step=position.step + 1, epoch=epoch, batch=batch, seconds=seconds)


def _save_due(recipe: Recipe, position: Position, since: float) -> bool:
    steps, minutes = recipe.run.save_steps, recipe.run.save_minutes
    return bool((steps and position.step % steps == 0) or (minutes and since >= 60 * minutes))


def _validation_due(recipe: Recipe, position: Position) -> bool:
    every = recipe.validate.steps
    return position.step % every == 0 if every else position.batch == 0


def _validate(session: Session, position: Position) -> None:
    """The first process compares, the others wait."""
    if session.log and session.validate:
        begun = time.monotonic()
        session.last = session.validate()
        session.log.validation(position, session.last, time.monotonic() - begun)
    session.world.wait()


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM are noted, so that the step that runs is done and kept; a second one acts at once."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    watched = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in watched}

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        asked.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for number in watched:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
