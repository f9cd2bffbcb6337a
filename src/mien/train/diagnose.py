"""Why a run had to stop: which number is not finite, and which pictures it came from."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from mien.errors import MienError
from mien.train.feed import Batch

ROWS = "stopped-batch.csv"
REMEDY = "the last checkpoint is good: go on from it with a lower optimizer.lr, or in f32"


def require_finite_loss(loss: Tensor, embeddings: Tensor, batch: Batch, step: int, folder: Path) -> None:
    """Raise unless the loss is finite.

    Args:
        loss: a scalar.
        embeddings: (b, d), of this process's pictures.
        batch: the pictures.
        step: that was to be done.
        folder: of the run; the batch is listed there.

    Raises:
        MienError: names the embeddings, or the loss itself (``not-finite``).
    """
    if torch.isfinite(loss):
        return
    sound = torch.isfinite(embeddings.detach()).all(dim=1).cpu()
    bad = int((~sound).sum())
    order = sorted(range(len(sound)), key=lambda row: bool(sound[row]))
    listed = _list(folder, batch, order, [("embedding", sound)])
    what = (
        f"the loss is {float(loss.detach())} though all embeddings are finite: it comes from the loss or its classifier"
        if not bad
        else f"the embeddings of {bad} of its {len(sound)} pictures are not finite (first {batch.name(order[0])})"
    )
    raise MienError(f"step {step + 1}: {what}; {listed}; {REMEDY}", code="not-finite", source=str(folder))


def require_finite_gradient(norm: Tensor, modules: Iterable[nn.Module], batch: Batch, step: int, folder: Path) -> None:
    """Raise unless the gradient is finite.

    Raises:
        MienError: names the parameters (``not-finite``).
    """
    if torch.isfinite(norm):
        return
    named = [(name, p.grad) for module in modules for name, p in module.named_parameters() if p.grad is not None]
    bad = [name for name, gradient in named if not torch.isfinite(gradient).all()]
    where = (
        f"of {bad[0]}{f' and {len(bad) - 1} more' if len(bad) > 1 else ''}" if bad else "as a whole, too long for f32"
    )
    listed = _list(folder, batch, list(range(len(batch))), [])
    raise MienError(
        f"step {step + 1}: the loss is finite, the gradient {where} is not; {listed}; {REMEDY}",
        code="not-finite",
        source=str(folder),
    )


def _list(folder: Path, batch: Batch, order: list[int], marks: list[tuple[str, Tensor]]) -> str:
    """Write the batch's pictures; where they were written."""
    path = folder / ROWS
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["index", "name", "label", *(f"{name}_finite" for name, _ in marks)])
        for row in order:
            facts = (int(bool(column[row])) for _, column in marks)
            writer.writerow([batch.indices[row], batch.name(row), int(batch.labels[row]), *facts])
    return f"its pictures are listed in {path.name}"
