"""Batches for the step, made by threads that keep a little ahead of it.

The same batches in the same order whatever the number of threads; where a run stands is two numbers, epoch and step, so
that a resumed run sees exactly what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from mien.cores import usable_cores
from mien.errors import ConflictError, ImageError
from mien.train.data.augment import Augment
from mien.train.data.base import FaceData, Rows
from mien.train.data.ordered import ordered
from mien.train.data.samplers import Sampler
from mien.types.arrays import Crops

if TYPE_CHECKING:
    from torch import Tensor

AHEAD: Final = 2
"""Batches a thread, under way or waiting: with less a late batch holds up the step, more is only memory."""

Form: TypeAlias = Literal["float32", "uint8"]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from.

    Args:
        faces: (b, 3, 112, 112) RGB: float32 (pixel - 127.5) / 127.5, or uint8.
        labels: (b,) int64, -1 where the person is not known.
        rows: (b,) int64 rows of the data.
        epoch, step: where the batch stands, both from 0.
        plain: the faces before they were changed, in the same form; None where nobody asked.
    """

    faces: Tensor
    labels: Tensor
    rows: Tensor
    epoch: int
    step: int
    plain: Tensor | None = None


class Loader:
    """Hands out batches and knows where it stands.

    Args:
        data: faces.
        sampler: which of them come together.
        augment: how they are changed; None = not at all.
        seed: of the changes.
        threads: that read and change; all cores but one by default, at least one.
        form: ``float32``, normalised; or ``uint8``, a quarter of the memory.
        plain: hand out the faces as they were too.

    Attributes:
        epoch, step: of the batch that comes next.
    """

    def __init__(
        self,
        data: FaceData,
        sampler: Sampler,
        *,
        augment: Augment | None = None,
        seed: int = 0,
        threads: int | None = None,
        form: Form = "float32",
        plain: bool = False,
    ) -> None:
        self.data, self.sampler, self.augment, self.seed, self.form = data, sampler, augment, seed, form
        self.plain = plain
        self.threads = threads or max(1, usable_cores() - 1)
        self.epoch, self.step = 0, 0

    def batches(self, epochs: int | None = None) -> Iterator[Batch]:
        """From where it stands to the end of an epoch, reading ahead across epochs.

        Close the generator, or leave its loop and let it go, and the threads end.

        Args:
            epochs: stop before this epoch; None = never.

        Raises:
            ImageError: a picture cannot be read; `mien prepare` leaves such pictures out beforehand.
        """
        places = takewhile(lambda place: epochs is None or place[0] < epochs, self._places(self.epoch, self.step))
        tasks = ((epoch, step, self.sampler.rows(epoch, step)) for epoch, step in places)
        for batch in ordered(self._make, tasks, threads=self.threads, ahead=AHEAD * self.threads):
            self.epoch, self.step = self._after(batch.epoch, batch.step)
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Where it stands, as JSON can hold it: the batch that comes next."""
        return {"epoch": self.epoch, "step": self.step, "seed": self.seed, **self.sampler.facts}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where another loader stood.

        Raises:
            ConflictError: that one had other data, batches or seeds.
        """
        mine = self.state_dict()
        for key in {**mine, **state}:
            if key not in ("epoch", "step") and mine.get(key) != state.get(key):
                raise ConflictError(
                    f"the run was begun with {key} = {state.get(key)}, now it is {mine.get(key)}; resume with the same",
                    code="sampler-differs",
                )
        self.epoch, self.step = int(state["epoch"]), int(state["step"])

    def _places(self, epoch: int, step: int) -> Iterator[tuple[int, int]]:
        for number in count(epoch):
            for place in range(step if number == epoch else 0, len(self.sampler)):
                yield number, place

    def _after(self, epoch: int, step: int) -> tuple[int, int]:
        return (epoch, step + 1) if step + 1 < len(self.sampler) else (epoch + 1, 0)

    def _make(self, task: tuple[int, int, Rows]) -> Batch:
        import torch

        epoch, step, rows = task
        try:
            crops = self.data.crops(rows)
        except ImageError as error:
            raise ImageError(
                f"{error.message}; `mien prepare` once leaves such pictures out", code=error.code, source=error.source
            ) from error
        plain = to_tensor(crops, self.form) if self.plain else None
        if self.augment is not None:
            first = (step * self.sampler.world + self.sampler.rank) * len(rows)
            index = np.arange(first, first + len(rows))
            crops = self.augment.apply(crops, seed=self.seed, epoch=epoch, index=index)
        labels = self.data.labels[rows]
        return Batch(to_tensor(crops, self.form), torch.from_numpy(labels), torch.from_numpy(rows), epoch, step, plain)


def to_tensor(crops: Crops, form: Form = "float32") -> Tensor:
    """(b, 3, 112, 112) of (b, 112, 112, 3) uint8 RGB; float32 is (pixel - 127.5) / 127.5."""
    import torch

    planes = torch.from_numpy(crops).permute(0, 3, 1, 2)
    if form == "uint8":
        return planes.contiguous()
    faces = torch.empty(planes.shape, dtype=torch.float32)
    return faces.copy_(planes).sub_(127.5).div_(127.5)
