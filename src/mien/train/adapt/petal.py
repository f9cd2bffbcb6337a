"""Two sets of adapters, mixed for each picture by its quality: Narayan et al., PETALface, WACV 2025, arXiv:2412.07771.

y = W x + a B1 A1 x + (1 - a) B2 A2 x

The first set serves pictures rich in detail, the second poor ones; a in 0..1 is the picture's quality. Poor training
pictures thus hardly move what sharp pictures see, and what was learnt from sharp ones is not forgotten.

Other than in the authors' code, quality needs no network (theirs: CNN-IQA or BRISQUE): it is the share of fine detail
in the picture's contrast, computed inside the network from its own input, so that an exported file needs nothing
beside the pixels. The threshold, which the authors set by hand, and the slope come from the training pictures. Where
they put one adapter for all pictures, on the last two linear layers, `adapt.shared` does so; by default all are twins.
And a picture here moves one set, the one that serves it most; see `Adapted`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.backbones.base import Backbone
from mien.train.adapt.frozen import freeze, linear_layers
from mien.train.data import FaceData
from mien.train.data.loader import to_tensor
from mien.train.distributed import World
from mien.train.feed import Feed
from mien.train.recipe import Adapt
from mien.train.tensors import normalised

LUMA = (0.299, 0.587, 0.114)
MARGIN = 7
"""A seventh of the sides is left out: aligned faces are black where the photograph ended, and that edge is sharp."""
FLOOR = 1e-6
"""Least contrast, in squares of half the range of pixels: flat pictures have neither detail nor contrast."""
SAMPLE = 512
"""Training pictures that the threshold is chosen on."""
HALF = 0.5
LEAST_SPREAD = 1.0
"""Decibels: pictures of one quality must not be torn apart by what differs between any two."""


def detail(pictures: Tensor) -> Tensor:
    """How much of a picture's contrast is fine, in decibels: what is left when 3 x 3 means are taken off, twice.

    Sharp aligned photographs of faces give -18 to -33 (LFW, 1st to 99th percentile), the same enlarged from 32 pixels
    -35 to -41, from 16 pixels -40 to -49. Noise counts as detail.

    Args:
        pictures: (b, 3, h, w), -1..1.

    Returns:
        (b,) float32.
    """
    rows, columns = (int(side) // MARGIN for side in pictures.shape[2:])
    inner = pictures[:, :, rows:-rows, columns:-columns].float()
    grey = LUMA[0] * inner[:, 0:1] + LUMA[1] * inner[:, 1:2] + LUMA[2] * inner[:, 2:3]
    contrast = (grey - grey.mean((2, 3), keepdim=True)).square().mean((1, 2, 3))
    fine = _sharp(_sharp(grey)).square().mean((1, 2, 3))
    return ((fine + FLOOR * FLOOR) / (contrast + FLOOR)).log() * (10 / math.log(10))


def _sharp(grey: Tensor) -> Tensor:
    """(b, 1, h, w) without its 3 x 3 means, and without its border."""
    return grey[:, :, 1:-1, 1:-1] - functional.avg_pool2d(grey, 3, 1)


class Mix:
    """How the two sets are mixed for the pictures that the network looks at."""

    alpha: Tensor
    """(b,), the share of the first set."""


class Adapted(nn.Module, ABC):
    """A frozen layer with one adapter for all pictures, or two that are mixed.

    A picture moves only the set that has the larger share in it: Adam takes a full step along the least gradient, and
    poor pictures would move the sharp ones' set by their hundredth of a share.

    Args:
        base: the layer.
        settings: rank, scale, dropout.
        mix: tells the share of the first set; None = one adapter.
        weights: shape of the base's weights: out, in, and the kernel's sides.
    """

    def __init__(self, base: nn.Module, settings: Adapt, mix: Mix | None, weights: torch.Size) -> None:
        super().__init__()
        self.base, self.scale, self._mix = base, settings.scale, mix
        self.dropout = nn.Dropout(settings.dropout)
        rank, (out, *of) = settings.rank, weights
        inner = rank if mix is None else 2 * rank
        self.down = nn.Parameter(torch.empty(inner, *of))
        self.up = nn.Parameter(torch.zeros(out, inner, *(1 for _ in of[1:])))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))  # as `peft` does
        # the shares of both sets are a and 1 - a: offset + a * sign, a column each
        signs = torch.tensor([1.0] * rank + [-1.0] * rank)
        self.sign: Tensor
        self.offset: Tensor
        self.register_buffer("sign", signs, persistent=False)
        self.register_buffer("offset", (1 - signs) / 2, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """What the layer says, and the adapters beside it."""
        out: Tensor = self.base(x)
        if self._mix is None:
            return out + self.scale * self.added(x, self.down, self.up, None)
        shares = self.offset + self._mix.alpha[:, None] * self.sign
        if not self.training:
            return out + self.scale * self.added(x, self.down, self.up, shares)
        larger = shares * (shares >= HALF)
        moved = self.added(x, self.down, self.up, larger)
        return out + self.scale * (moved + self.added(x, self.down.detach(), self.up.detach(), shares - larger))

    @abstractmethod
    def added(self, x: Tensor, down: Tensor, up: Tensor, shares: Tensor | None) -> Tensor:
        """What adapters add, whose columns count `shares` (b, inner) in each picture."""


class AdaptedLinear(Adapted):
    """A linear layer with adapters."""

    def __init__(self, base: nn.Linear, settings: Adapt, mix: Mix | None) -> None:
        super().__init__(base, settings, mix, base.weight.shape)

    def added(self, x: Tensor, down: Tensor, up: Tensor, shares: Tensor | None) -> Tensor:
        """(b * k, …, in) to (b * k, …, out); k parts of a picture follow one another, as windows do."""
        inner = functional.linear(self.dropout(x), down)
        if shares is not None:
            inner = (inner.reshape(shares.shape[0], -1, inner.shape[-1]) * shares[:, None]).reshape(inner.shape)
        return functional.linear(inner, up)


class AdaptedConv(Adapted):
    """A convolution with adapters: a narrow one of the same kernel, and a 1 x 1. Not in the paper, which has none."""

    base: nn.Conv2d

    def __init__(self, base: nn.Conv2d, settings: Adapt, mix: Mix | None) -> None:
        super().__init__(base, settings, mix, base.weight.shape)

    def added(self, x: Tensor, down: Tensor, up: Tensor, shares: Tensor | None) -> Tensor:
        """(b, in, h, w) to (b, out, h', w')."""
        base = self.base
        inner = functional.conv2d(self.dropout(x), down, None, base.stride, base.padding, base.dilation)
        if shares is not None:
            inner = inner * shares[:, :, None, None]
        return functional.conv2d(inner, up)


class Petal(Backbone):
    """A network whose layers have adapters, mixed by the quality of each picture.

    Args:
        network: it is changed in place: adapters are put in, all else is frozen.
        settings: `targets` get adapters (empty = every linear layer; convolutions must be named); of them `shared`
            have one for all pictures.

    Raises:
        UsageError: it has no such layers.
    """

    def __init__(self, network: Backbone, settings: Adapt) -> None:
        super().__init__(network.size, network.dimension)
        freeze(network)
        self._mix = Mix()
        kinds = (nn.Linear, nn.Conv2d)
        shared = set(linear_layers(network, settings.shared, kinds)) if settings.shared else set()
        for name in linear_layers(network, settings.targets, kinds):
            parent, _, last = name.rpartition(".")
            base, mix = network.get_submodule(name), None if name in shared else self._mix
            assert isinstance(base, kinds)
            adapted = AdaptedConv if isinstance(base, nn.Conv2d) else AdaptedLinear
            setattr(network.get_submodule(parent), last, adapted(base, settings, mix))  # type: ignore[arg-type]
        self.network = network
        self.threshold: Tensor
        self.spread: Tensor
        self.register_buffer("threshold", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def alpha(self, pictures: Tensor) -> Tensor:
        """(b,) the share of the first set, 0..1: from a spread below the threshold to one above."""
        return (0.5 + (detail(pictures) - self.threshold) / (2 * self.spread)).clamp(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        self._mix.alpha = self.alpha(x)
        out: Tensor = self.network(x)
        return out

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """As the network itself."""
        self._mix.alpha = self.alpha(x)
        return self.network.outputs(x)


def calibrate(petal: Petal, data: FaceData, feed: Feed, world: World) -> None:
    """Choose the threshold and the spread: mean and half the standard deviation of detail over training pictures.

    Half of it: where sharp and poor pictures are two heaps, most of each then see one set alone.

    Each counts twice, as it is and as it is fed, which is reduced where the recipe says so: then the threshold lies
    between sharp and poor ones. Of natively poor pictures it parts the better from the worse.

    Args:
        petal: to be fine-tuned.
        data: the pictures.
        feed: of `data`, changed on the way.
        world: the processes; each looks at its share of the first batches, and all come to the same.
    """
    found: list[Tensor] = []
    for batch in feed.batches(0, 0):
        plain = to_tensor(data.crops(np.array(batch.indices)), "uint8")
        found += [detail(normalised(pictures.to(world.device))) for pictures in (plain, batch.pixels)]
        if sum(map(len, found)) * world.size >= 2 * SAMPLE:
            break
    decibels = world.gather(torch.cat(found))
    petal.threshold.copy_(decibels.mean())
    petal.spread.copy_((decibels.std() / 2).clamp_min(LEAST_SPREAD))
