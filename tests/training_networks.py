"""A network of two layers without normalisation, known as ``plain``; and, as a script, several runs in turn.

    torchrun --nproc-per-node 2 tests/training_networks.py RECIPE…

BatchNorm would see another batch in every process: what must agree to the last digits has none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.base import Backbone
from mien.train import run
from mien.train.distributed import world


class Block(nn.Module):
    """Something with parts, so that it counts as a block."""

    def __init__(self, channels: int, *, norm: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1), nn.Tanh())
        self.norm = nn.BatchNorm2d(channels) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm(self.layers(x))


class Plain(Backbone):
    """A small convolutional network."""

    def __init__(self, *, size: int, dimension: int, norm: bool = False) -> None:
        super().__init__(size, dimension)
        self.stem = nn.Conv2d(3, 4, 8, 8)
        self.blocks = nn.Sequential(Block(4, norm=norm), Block(4, norm=norm))
        self.head = nn.Linear(4 * (size // 8) ** 2, dimension)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        return torch.as_tensor(self.head(self.blocks(self.stem(x)).flatten(1)))


register(Architecture("plain", Plain, "", dimension=8))


def carry_out(recipe: Path, *changes: str) -> run.Outcome | None:
    """The run of a recipe, in silence."""
    return run.start(recipe, changes, command="test", progress=lambda *_: None, say=lambda _: None)


if __name__ == "__main__":
    with world("cpu"):
        for name in sys.argv[1:]:
            carry_out(Path(name))
