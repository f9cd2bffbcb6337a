"""MobileNetV2: inverted residuals with linear bottlenecks.

Sandler et al. 2018, arXiv:1801.04381, table 2. For 224 pixels and 1000 classes the paper prints 3.4 M parameters and
300 M multiply-adds (table 4); that network is ``build("mobilenetv2", size=224, dimension=1000, stem_stride=2,
head="pool")``. We count 3 504 872 parameters, as many as torchvision's has; without batch normalisation's 34 112 they
are 3.47 M, of which the paper prints the first two digits. For aligned faces of 112 pixels the first convolution has
stride 1, so that the maps are as large as there, and the end is MobileFaceNet's learnt pooling. Names of the trunk
are torchvision's.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.base import Backbone, require_size
from mien.backbones.mobilefacenet import gdc_head, scaled
from mien.backbones.tvconv import depthwise
from mien.errors import UsageError

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""(expansion, channels, blocks, stride of the first)."""


class InvertedResidual(nn.Module):
    """Widen, convolve each channel, narrow without activation; a short cut where shapes allow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, size: int, stride: int, *, tvconv: bool) -> None:
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        hidden = inputs * expansion
        widen = [_active(nn.Conv2d(inputs, hidden, 1, bias=False), hidden)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *widen,
            _active(depthwise(hidden, size, stride, tvconv=tvconv), hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, size, size)."""
        out: Tensor = self.conv(x)
        return x + out if self.residual else out


class MobileNetV2(Backbone):
    """Table 2 of the paper, with an end for faces.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
        width: factor on the channels, rounded to multiples of 8; the last layer is never narrower than 1280.
        stem_stride: of the first convolution.
        head: "gdc", the learnt pooling of MobileFaceNet, or "pool", the paper's mean and linear layer.
        tvconv: translation-variant convolutions instead of depthwise ones.
    """

    def __init__(
        self,
        *,
        size: int,
        dimension: int,
        width: float = 1.0,
        stem_stride: int = 1,
        head: str = "gdc",
        tvconv: bool = False,
    ) -> None:
        require_size("mobilenetv2", size, 16 * stem_stride)
        if head not in ("gdc", "pool"):
            raise UsageError(f"mobilenetv2 has the heads gdc and pool, not '{head}'")
        super().__init__(size, dimension)
        channels, last = scaled(32, width), scaled(1280, max(1.0, width))
        side = size // stem_stride
        features = [_active(nn.Conv2d(3, channels, 3, stem_stride, padding=1, bias=False), channels)]
        for expansion, outputs, blocks, first in STAGES:
            side //= first
            outputs = scaled(outputs, width)
            for i in range(blocks):
                stride = first if i == 0 else 1
                features.append(InvertedResidual(channels, outputs, expansion, side, stride, tvconv=tvconv))
                channels = outputs
        features.append(_active(nn.Conv2d(channels, last, 1, bias=False), last))
        self.features = nn.Sequential(*features)
        self.classifier = gdc_head(last, side, dimension) if head == "gdc" else _pool_head(last, dimension)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        out: Tensor = self.classifier(self.features(x))
        return out


def _active(convolution: nn.Module, channels: int) -> nn.Module:
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU6())


def _pool_head(channels: int, dimension: int) -> nn.Sequential:
    head = [("pool", nn.AdaptiveAvgPool2d(1)), ("flat", nn.Flatten()), ("0", nn.Dropout(0.2))]
    return nn.Sequential(OrderedDict([*head, ("1", nn.Linear(channels, dimension))]))


register(
    Architecture(
        "mobilenetv2",
        MobileNetV2,
        "MobileNetV2: Inverted Residuals and Linear Bottlenecks (2018), arXiv:1801.04381",
        parameters=3_400_000,
        macs=300_000_000,
        printed_as={"size": 224, "dimension": 1000, "stem_stride": 2, "head": "pool"},
        source="arXiv:1801.04381, table 4",
    )
)
