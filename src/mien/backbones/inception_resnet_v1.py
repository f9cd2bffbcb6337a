"""Inception-ResNet v1, the network behind the open FaceNet implementations.

Szegedy et al. 2016, "Inception-v4", arXiv:1602.07261, figures 10 to 15; trained for faces after Schroff et al. 2015,
"FaceNet", arXiv:1503.03832. FaceNet's own networks (NN1 to NN4) were never published as weights. Layers and names are
those of facenet-pytorch. The end is dropout, a linear layer and batch normalisation; 128 numbers as in FaceNet
(facenet-pytorch's weights have 512). The trunk averages over the last map, so it takes any size from 75 pixels; those
weights were trained on 160.

Neither paper prints parameters or multiply-adds of this network. The well-known Keras port for 128 numbers has 22 779
312 that are trained: ours without the 14 416 scales of batch normalisation, which that port leaves out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.base import Backbone
from mien.errors import UsageError

LEAST_SIZE = 75


class Conv(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int = 1, *, same: bool
    ) -> None:
        super().__init__()
        high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (high // 2, wide // 2) if same else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, (high, wide), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h', w')."""
        return torch.relu(self.bn(self.conv(x)))


def same(inputs: int, *layers: tuple[int, int | tuple[int, int]]) -> nn.Module:
    """A chain of (channels, kernel) that keeps the size of the map."""
    chain = []
    for outputs, kernel in layers:
        chain.append(Conv(inputs, outputs, kernel, same=True))
        inputs = outputs
    return chain[0] if len(chain) == 1 else nn.Sequential(*chain)


class Residual(nn.Module):
    """Branches side by side, joined by a 1 x 1 convolution, scaled down and added to the input."""

    def __init__(self, channels: int, scale: float, *branches: nn.Module, joined: int, last: bool = False) -> None:
        super().__init__()
        self.scale, self.last, self.count = scale, last, len(branches)
        for i, branch in enumerate(branches):
            self.add_module(f"branch{i}", branch)
        self.conv2d = nn.Conv2d(joined, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        out = torch.cat([self.get_submodule(f"branch{i}")(x) for i in range(self.count)], dim=1)
        out = self.conv2d(out) * self.scale + x
        return out if self.last else torch.relu(out)


class Reduction(nn.Module):
    """Branches of stride 2 side by side, the last one a maximum."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.count = len(branches) + 1
        for i, branch in enumerate((*branches, nn.MaxPool2d(3, 2))):
            self.add_module(f"branch{i}", branch)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, c', (h - 3) // 2 + 1, (w - 3) // 2 + 1)."""
        return torch.cat([self.get_submodule(f"branch{i}")(x) for i in range(self.count)], dim=1)


def block35() -> Residual:
    """Figure 10."""
    branches = same(256, (32, 1)), same(256, (32, 1), (32, 3)), same(256, (32, 1), (32, 3), (32, 3))
    return Residual(256, 0.17, *branches, joined=96)


def block17() -> Residual:
    """Figure 11."""
    return Residual(896, 0.10, same(896, (128, 1)), same(896, (128, 1), (128, (1, 7)), (128, (7, 1))), joined=256)


def block8(scale: float = 0.20, *, last: bool = False) -> Residual:
    """Figure 13."""
    branches = same(1792, (192, 1)), same(1792, (192, 1), (192, (1, 3)), (192, (3, 1)))
    return Residual(1792, scale, *branches, joined=384, last=last)


def reduction_a() -> Reduction:
    """Figure 7 with k, l, m, n = 192, 192, 256, 384."""
    deep = nn.Sequential(same(256, (192, 1)), same(192, (192, 3)), Conv(192, 256, 3, 2, same=False))
    return Reduction(Conv(256, 384, 3, 2, same=False), deep)


def reduction_b() -> Reduction:
    """Figure 12."""
    first = nn.Sequential(same(896, (256, 1)), Conv(256, 384, 3, 2, same=False))
    second = nn.Sequential(same(896, (256, 1)), Conv(256, 256, 3, 2, same=False))
    third = nn.Sequential(same(896, (256, 1)), same(256, (256, 3)), Conv(256, 256, 3, 2, same=False))
    return Reduction(first, second, third)


class InceptionResnetV1(Backbone):
    """Figure 15 of the Inception-v4 paper with FaceNet's linear end.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
        dropout: before the linear layer.
    """

    def __init__(self, *, size: int, dimension: int, dropout: float = 0.6) -> None:
        if size < LEAST_SIZE:
            raise UsageError(f"inception_resnet_v1 takes sizes from {LEAST_SIZE}, not {size}; 112 is usual")
        super().__init__(size, dimension)
        self.conv2d_1a = Conv(3, 32, 3, 2, same=False)
        self.conv2d_2a = Conv(32, 32, 3, same=False)
        self.conv2d_2b = Conv(32, 64, 3, same=True)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = Conv(64, 80, 1, same=True)
        self.conv2d_4a = Conv(80, 192, 3, same=False)
        self.conv2d_4b = Conv(192, 256, 3, 2, same=False)
        self.repeat_1 = nn.Sequential(*(block35() for _ in range(5)))
        self.mixed_6a = reduction_a()
        self.repeat_2 = nn.Sequential(*(block17() for _ in range(10)))
        self.mixed_7a = reduction_b()
        self.repeat_3 = nn.Sequential(*(block8() for _ in range(5)))
        self.block8 = block8(1.0, last=True)
        self.dropout = nn.Dropout(dropout)
        self.last_linear = nn.Linear(1792, dimension, bias=False)
        self.last_bn = nn.BatchNorm1d(dimension, eps=1e-3)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(self.maxpool_3a(x))))
        x = self.mixed_6a(self.repeat_1(x))
        x = self.mixed_7a(self.repeat_2(x))
        x = self.block8(self.repeat_3(x)).mean(dim=(2, 3))
        out: Tensor = self.last_bn(self.last_linear(self.dropout(x)))
        return out


register(
    Architecture(
        "inception_resnet_v1",
        InceptionResnetV1,
        "FaceNet (2015), arXiv:1503.03832; Inception-v4, Inception-ResNet (2016), arXiv:1602.07261",
        dimension=128,
    )
)
