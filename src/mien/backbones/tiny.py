"""A network small enough to be trained on a laptop's processor.

No paper's: plain 3 x 3 convolutions with short cuts (He et al. 2016, arXiv:1512.03385), few maps of high resolution,
and MobileFaceNet's learnt pooling (arXiv:1804.07573). On a processor the time of a training step goes into reading
and writing maps: depthwise convolutions, PReLU and batch normalisation over 56 x 56 places cost more than the
multiply-adds of a plain convolution on 28 x 28. docs/training/backbones.md has the measurements.
"""

from __future__ import annotations

from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.base import Backbone, require_size
from mien.backbones.mobilefacenet import gdc_head

WIDTHS, BLOCKS, LAST = (32, 64, 96), (1, 1, 0), 192
"""Channels and residual blocks on maps of a quarter, an eighth and a sixteenth of the side; channels before pooling."""


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_conv(channels, channels, 3, 1),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        out: Tensor = self.act(x + self.layers(x))
        return out


class Tiny(Backbone):
    """Under 0.3 M parameters for 128 numbers.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
    """

    def __init__(self, *, size: int, dimension: int) -> None:
        require_size("tiny", size, 16)
        super().__init__(size, dimension)
        layers = [*_conv(3, 16, 3, 2)]
        channels = 16
        for width, blocks in zip(WIDTHS, BLOCKS, strict=True):
            layers += [*_conv(channels, width, 3, 2), *(Residual(width) for _ in range(blocks))]
            channels = width
        self.trunk = nn.Sequential(*layers, *_conv(channels, LAST, 1, 1))
        self.head = gdc_head(LAST, size // 16, dimension)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        out: Tensor = self.head(self.trunk(x))
        return out


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


register(
    Architecture(
        "tiny",
        Tiny,
        "mien's own; plain residual blocks (arXiv:1512.03385) and MobileFaceNet's pooling (arXiv:1804.07573)",
        dimension=128,
    )
)
