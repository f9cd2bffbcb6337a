"""What every backbone is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.errors import UsageError


class Backbone(nn.Module):
    """A network from pictures to embeddings.

    Called with (b, 3, size, size) float32 RGB, ``(pixel - 127.5) / 127.5``, it gives (b, dimension) embeddings that are
    not normalised. Its modules may define ``macs(inputs, output) -> int`` where `mien.backbones.cost` cannot see their
    arithmetic.
    """

    def __init__(self, size: int, dimension: int) -> None:
        super().__init__()
        self.size = size
        self.dimension = dimension

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """All that the network says of the pictures: ``embedding``, and what a family adds to it."""
        return {"embedding": self(x)}


class DropPath(nn.Module):
    """Leaves out a residual branch, picture by picture, while training (Huang et al. 2016, arXiv:1603.09382)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Any (b, …) to the same shape, its mean over the draw unchanged."""
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        drawn = torch.rand(x.shape[:1] + (1,) * (x.ndim - 1), device=x.device) < keep
        return x * drawn.to(x.dtype) / keep


def rising(rate: float, blocks: int) -> list[float]:
    """The rate of each block: from 0 at the first to `rate` at the last, in equal steps."""
    return [rate * i / max(blocks - 1, 1) for i in range(blocks)]


def require_size(name: str, size: int, multiple: int, least: int = 0) -> None:
    """Raise UsageError unless the network can take pictures of that size."""
    if size < max(least, multiple) or size % multiple:
        at_least = f" and at least {least}" if least > multiple else ""
        raise UsageError(f"{name} takes sizes that are multiples of {multiple}{at_least}, not {size}; 112 is usual")
