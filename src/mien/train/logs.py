"""What a run says while it goes: rows of ``metrics.csv``, curves in TensorBoard, progress for people."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mien.train.state import Position

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from mien.train.validate import Validation

COLUMNS = ("step", "epoch", "seconds", "loss", "lr", "gradient", "images_per_s", "accuracy", "low", "high", "eer")
METRICS = "metrics.csv"
SCORES = "scores.csv"

Progress = Callable[[int, int], None]
"""Called with (done, total) images of this session."""
Say = Callable[[str], None]
"""Called with a line for people."""


@dataclass(slots=True)
class Log:
    """The log of one session; a run that goes on drops the rows after its checkpoint first.

    Args:
        folder: of the run.
        start: where the session begins.
        batch: images of a step.
        steps: of the whole run.
        every: steps between two rows.
        progress, say: what is told to people.
    """

    folder: Path
    start: Position
    batch: int
    steps: int
    every: int
    progress: Progress
    say: Say
    _board: SummaryWriter | None = field(default=None, init=False)
    _sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0], init=False)
    _last: tuple[int, float] = field(default=(0, 0.0), init=False)

    def __post_init__(self) -> None:
        from torch.utils.tensorboard import SummaryWriter

        rows = [row for row in read_metrics(self.folder) if float(row["step"]) <= self.start.step]
        with (self.folder / METRICS).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        if (self.folder / SCORES).exists():
            first, *lines = (self.folder / SCORES).read_text("utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n") and int(line.split(",")[0]) <= self.start.step]
            (self.folder / SCORES).write_text("".join([first, *whole]), "utf-8")
        # Events of steps that are going to be done again are purged.
        self._board = SummaryWriter(self.folder / "tensorboard", purge_step=self.start.step + 1)
        self._last = (self.start.step, self.start.seconds)

    def step(self, position: Position, loss: float, rate: float, gradient: float) -> None:
        """One step was done."""
        self._sums = [a + b for a, b in zip(self._sums, (1.0, loss, gradient), strict=True)]
        done = position.step - self.start.step
        self.progress(done * self.batch, (self.steps - self.start.step) * self.batch)
        if position.step % self.every and position.step < self.steps:
            return
        count, losses, gradients = self._sums
        before, seconds = self._last
        pace = (position.step - before) * self.batch / max(position.seconds - seconds, 1e-9)
        self._sums, self._last = [0.0, 0.0, 0.0], (position.step, position.seconds)
        shown = {"loss": losses / count, "lr": rate, "gradient": gradients / count, "images_per_s": pace}
        self._row(position, shown)

    def validation(self, position: Position, result: Validation, took: float) -> None:
        """The network was compared on pairs, in so many seconds, which are none of learning."""
        self._last = (self._last[0], self._last[1] + took)
        accuracy = result.accuracy
        eer = result.measurement.eer.value
        self._row(position, {"accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high, "eer": eer})
        self.say(f"step {position.step:,} of {self.steps:,}: {result}")

    def scores(self, position: Position, rows: list[int], scores: list[float]) -> None:
        """The loss has weighed single faces: ``scores.csv`` has step, row of the data, weight."""
        with (self.folder / SCORES).open("a", encoding="utf-8") as file:
            if file.tell() == 0:
                file.write("step,row,score\n")
            file.writelines(f"{position.step},{row},{score:.6g}\n" for row, score in zip(rows, scores, strict=True))
        if self._board is not None:
            self._board.add_histogram("scores", torch.tensor(scores), position.step)

    def close(self) -> None:
        """Write what is buffered."""
        if self._board is not None:
            self._board.close()

    def _row(self, position: Position, values: dict[str, float]) -> None:
        place = {"step": position.step, "epoch": position.epoch, "seconds": f"{position.seconds:.1f}"}
        with (self.folder / METRICS).open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writerow(place | {key: f"{value:.6g}" for key, value in values.items()})
        if self._board is not None:
            for key, value in values.items():
                self._board.add_scalar(key, value, position.step)


def read_metrics(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's ``metrics.csv``; none when it has not begun. A row that a kill cut short is left out."""
    path = folder / METRICS
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if all(row.get(key) is not None for key in COLUMNS)]


def column(rows: list[dict[str, str]], key: str) -> tuple[list[float], list[float]]:
    """Steps and values of a column, where it has any."""
    pairs = [(float(row["step"]), float(row[key])) for row in rows if row[key]]
    finite = [(step, value) for step, value in pairs if math.isfinite(value)]
    return [step for step, _ in finite], [value for _, value in finite]
