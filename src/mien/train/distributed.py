"""One process or several of `torchrun`: who this one is, and what they tell each other.

Every process works through its share of a batch. Embeddings are then gathered and each process computes the loss of the
whole batch, so that losses which look at the whole batch (mined pairs, running statistics of norms) mean the same with
any number of processes. BatchNorm normalises each process's share by itself, as InsightFace's training does; its
running statistics are those of the first process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from mien.errors import UsageError


@dataclass(frozen=True, slots=True)
class World:
    """The processes of a run.

    Args:
        rank: of this one, from 0.
        size: how many there are.
        device: this one computes on.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Each flag, set where it is set in any process: all of them then do the same."""
        if self.size == 1:
            return flags
        told = torch.tensor(flags, dtype=torch.int32, device=self.device)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return tuple(bool(flag) for flag in told.tolist())

    def gather(self, rows: Tensor) -> Tensor:
        """(b, …) of each process to (size * b, …) in all of them, in order of rank; gradients flow back."""
        if self.size == 1:
            return rows
        gathered: Tensor = _Gather.apply(rows, self.rank, self.size)  # type: ignore[no-untyped-call]
        return gathered

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes."""
        if self.size == 1:
            return
        for tensor in tensors:
            dist.all_reduce(tensor)
            tensor /= self.size

    def sum(self, value: Tensor) -> Tensor:
        """The sum over the processes, outside of gradients."""
        total = value.detach().clone()
        if self.size > 1:
            dist.all_reduce(total)
        return total

    def tell(self, text: str) -> str:
        """What the first process says, in all of them; at most 4096 bytes."""
        if self.size == 1:
            return text
        said = torch.zeros(4096, dtype=torch.uint8, device=self.device)
        data = text.encode()
        said[: len(data)] = torch.tensor(list(data), dtype=torch.uint8)
        dist.broadcast(said, 0)
        return bytes(said.tolist()).rstrip(b"\0").decode()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def world(device: str) -> Iterator[World]:
    """The processes that `torchrun` started, else this one alone.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: CUDA was asked for and is not there.
    """
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise UsageError("run.device is cuda, and PyTorch sees no CUDA device here; use auto or cpu")
    kind = "cuda" if cuda and device != "cpu" else "cpu"
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(device=torch.device(kind))
        return
    local = torch.device(kind, int(os.environ["LOCAL_RANK"])) if kind == "cuda" else torch.device("cpu")
    if kind == "cuda":
        torch.cuda.set_device(local)
    if dist.is_initialized():  # several runs, one after the other, in the same processes
        yield World(dist.get_rank(), dist.get_world_size(), local)
        return
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size(), local)
    finally:
        dist.destroy_process_group()


class _Gather(torch.autograd.Function):
    """All-gather whose gradient is the sum of what every process asks for of this one's rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, rank: int, size: int) -> Tensor:
        ctx.own = slice(rank * len(rows), (rank + 1) * len(rows))
        parts = [torch.empty_like(rows) for _ in range(size)]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total[ctx.own], None, None
