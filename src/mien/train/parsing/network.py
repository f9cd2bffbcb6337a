"""A U-Net (Ronneberger et al., MICCAI 2015) of separable convolutions for faces in the Tanh-polar square.

Rows are angles and go round: convolutions see the last row beside the first. Without `places` the network is therefore
equivariant to turns of the face, as Lin et al. (2021) want it; with them it knows which way is up, and can say where
the mouth must be below a mask.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 4
"""Halvings; the side of a square is a multiple of 2^DEPTH."""


class Round(nn.Module):
    """A depthwise 3x3 over rows that go round, a pointwise mix, normalisation and ReLU.

    Args:
        inputs, outputs: channels.
        stride: 1 or 2.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.deep = nn.Conv2d(inputs, inputs, 3, stride, padding=(0, 1), groups=inputs, bias=False)
        self.wide = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""
        x = torch.cat([x[:, :, -1:], x, x[:, :, :1]], dim=2)
        return functional.relu(self.norm(self.wide(self.deep(x))))


class ParsingNet(nn.Module):
    """Logits of every class for every cell of a square.

    Args:
        classes: how many.
        width: channels at half the resolution; deeper ones have more.
        side: rows and columns of a square, a multiple of 2^DEPTH.
        places: two more input planes, the sine and cosine of the angle.
    """

    angles: Tensor

    def __init__(self, classes: int, width: int = 16, side: int = 128, *, places: bool = True) -> None:
        super().__init__()
        channels = [width * n for n in (1, 2, 3, 4)]
        turn = 2 * torch.pi * (torch.arange(side) + 0.5) / side
        planes = torch.stack([turn.sin(), turn.cos()])[None, :, :, None].expand(1, 2, side, side)
        self.register_buffer("angles", planes.clone() if places else torch.zeros(1, 0, side, side), persistent=False)
        inputs = 3 + self.angles.shape[1]
        self.stem = nn.Conv2d(inputs, width, 3, 2, padding=(0, 1), bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.down = nn.ModuleList(nn.Sequential(Round(a, b, 2), Round(b, b)) for a, b in pairwise(channels))
        self.up = nn.ModuleList(
            nn.Sequential(Round(a + b, a), Round(a, a)) for a, b in reversed(list(pairwise(channels)))
        )
        self.last = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, side, side) to (b, classes, side, side)."""
        x = torch.cat([x, self.angles.expand(x.shape[0], -1, -1, -1)], dim=1)
        x = torch.cat([x[:, :, -1:], x, x[:, :, :1]], dim=2)
        x = functional.relu(self.norm(self.stem(x)))
        passed = [x]
        for block in self.down:
            x = block(x)
            passed.append(x)
        passed.pop()
        for block in self.up:
            x = block(torch.cat([passed.pop(), _doubled(x)], dim=1))
        return _doubled(self.last(x))


class Covered(nn.Module):
    """Logits of `mien.geometry.face_parts.OCCLUSION`: which part, and for all parts one logit of being covered.

    What lies over a face does not ask what is below. One question instead of one a part is learnt from all of them.

    Args:
        parts: gives a logit for each part, background first, and last that of being covered.
    """

    def __init__(self, parts: nn.Module) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, side, side) to (b, 2 p - 1, side, side) for p parts with the background."""
        given = self.parts(x)
        parts, covered = given[:, :-1], given[:, -1:]
        return torch.cat([parts, parts[:, 1:] + covered], dim=1)


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
