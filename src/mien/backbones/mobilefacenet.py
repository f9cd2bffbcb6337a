"""MobileFaceNet: inverted residual blocks with PReLU, and a learnt global pooling.

Chen et al. 2018, "MobileFaceNets", arXiv:1804.07573, table 1. Averaging the last 7 x 7 map treats its corners like
its centre; the 7 x 7 depthwise convolution without activation (GDC) learns how much each place of an aligned face is
worth.

The paper prints 0.99 M parameters and 221 M multiply-adds for 128 numbers. We count 1 003 136 parameters: 7 552 of
them are PReLU's slopes and 19 584 batch normalisation's, which an exported network has folded away; 976 000 are
weights of layers. ``mobilefacenet_450m`` is InsightFace's wider one ("mobilefacenet-0.45G"): twice the channels
between the blocks, the same inside them, 512 numbers. We count 0.44 G; 0.45 G comes from a counter that adds two
operations a number for batch normalisation and one for PReLU (8.1 M and 3.2 M).
"""

from __future__ import annotations

from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.base import Backbone, require_size
from mien.backbones.ibn import norm
from mien.backbones.tvconv import depthwise

STAGES = ((64, 128, 5, 2), (128, 256, 1, 2), (128, 256, 6, 1), (128, 512, 1, 2), (128, 256, 2, 1))
"""(channels, channels inside, blocks, stride of the first)."""


class Bottleneck(nn.Module):
    """Widen, convolve each channel, narrow; a short cut where shapes allow."""

    def __init__(
        self, inputs: int, outputs: int, hidden: int, size: int, stride: int, *, ibn: bool, tvconv: bool
    ) -> None:
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            norm(hidden, ibn),
            nn.PReLU(hidden),
            depthwise(hidden, size, stride, tvconv=tvconv),
            nn.BatchNorm2d(hidden),
            nn.PReLU(hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, size, size)."""
        out: Tensor = self.layers(x)
        return x + out if self.residual else out


class MobileFaceNet(Backbone):
    """Table 1 of the paper.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
        width: factor on every number of channels, rounded to multiples of 8.
        outer: factor on the channels between the blocks alone.
        ibn: IBN-a after the widening convolutions, except in the stages on the coarsest map.
        tvconv: translation-variant convolutions instead of depthwise ones.
    """

    def __init__(
        self,
        *,
        size: int,
        dimension: int,
        width: float = 1.0,
        outer: int = 1,
        ibn: bool = False,
        tvconv: bool = False,
    ) -> None:
        require_size("mobilefacenet", size, 16)
        super().__init__(size, dimension)
        stem, last = scaled(64, width), scaled(512, width)
        channels = stem * outer
        layers: list[nn.Module] = [
            *_conv(3, channels, 3, 2, 1),
            *_conv(channels, channels, 3, 1, stem),
        ]
        side = size // 2
        for outputs, hidden, blocks, first in STAGES:
            side //= first
            outputs = scaled(outputs, width) * outer
            for i in range(blocks):
                block = Bottleneck(
                    channels,
                    outputs,
                    scaled(hidden, width),
                    side,
                    first if i == 0 else 1,
                    ibn=ibn and side > size // 16,
                    tvconv=tvconv,
                )
                layers.append(block)
                channels = outputs
        self.trunk = nn.Sequential(*layers, *_conv(channels, last, 1, 1, 1))
        self.head = gdc_head(last, side, dimension)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        out: Tensor = self.head(self.trunk(x))
        return out


def gdc_head(channels: int, side: int, dimension: int) -> nn.Sequential:
    """Global depthwise convolution, then a linear layer with batch normalisation: (b, c, side, side) to (b, d)."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, side, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Flatten(),
        nn.Linear(channels, dimension, bias=False),
        nn.BatchNorm1d(dimension),
    )


def scaled(channels: int, width: float) -> int:
    """Channels at that width: a multiple of 8, and never a tenth less than asked for (as MobileNetV2's code does)."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels * width else rounded


def _conv(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.PReLU(outputs)


PAPER = "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile Devices, arXiv:1804.07573"
register(
    Architecture(
        "mobilefacenet",
        MobileFaceNet,
        PAPER,
        dimension=128,
        parameters=990_000,
        macs=221_000_000,
        source="arXiv:1804.07573, section 3.3",
    )
)
register(
    Architecture(
        "mobilefacenet_450m",
        MobileFaceNet,
        PAPER,
        options={"outer": 2},
        macs=450_000_000,
        source="README of InsightFace's arcface_torch",
    )
)
register(Architecture("mobilefacenet_x025", MobileFaceNet, PAPER, dimension=128, options={"width": 0.25}))
