"""Light CNN: convolutions whose activation is the larger of two maps.

Wu et al. 2018, "A Light CNN for Deep Face Representation with Noisy Labels", arXiv:1511.02683. Max-feature-map (MFM)
takes the element-wise maximum of the two halves of the channels: of two detectors the one that fires goes on, and
half of the channels are gone. Pictures are grey, 128 pixels, and an embedding has 256 numbers; names are those of the
authors' PyTorch code. Colours are turned to grey here with Rec. 601's weights, so that every backbone takes the same
input; published weights expect grey in 0..1, ours are given -1..1, so scale their first convolution accordingly (w /
2, and b + sum(w) / 2).

Printed are weights without biases and without the classifier: 5 556 K for 9 layers (table 2), 12 637 K for 29 (table
3). The tables give the second convolution 165 K: 3 x 3 x 96 x 192, as if MFM had not halved its input to 48 channels,
which table and text say it does; it has 83 K. Our count without biases is therefore 5 478 K and 12 565 K, and within
0.1 % of the prints with the other 83 K. We know of no printed multiply-adds. Of 29 layers, version 2, published as
code only, nothing is printed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.backbones import Architecture, register
from mien.backbones.base import Backbone, require_size

GREY = (0.299, 0.587, 0.114)
"""Rec. 601's share of red, green and blue in brightness."""


class Mfm(nn.Module):
    """A convolution or linear layer to twice the channels, then the larger of the two halves."""

    def __init__(self, inputs: int, outputs: int, kernel: int | None) -> None:
        super().__init__()
        self.filter: nn.Module = (
            nn.Linear(inputs, 2 * outputs)
            if kernel is None
            else nn.Conv2d(inputs, 2 * outputs, kernel, padding=kernel // 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, …) to (b, outputs, …)."""
        first, second = self.filter(x).chunk(2, dim=1)
        larger: Tensor = torch.max(first, second)
        return larger


class Group(nn.Module):
    """A 1 x 1 layer ("network in network"), then a 3 x 3 one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a = Mfm(inputs, inputs, 1)
        self.conv = Mfm(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h, w)."""
        out: Tensor = self.conv(self.conv_a(x))
        return out


class Residual(nn.Module):
    """Two 3 x 3 layers beside a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Mfm(channels, channels, 3)
        self.conv2 = Mfm(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        out: Tensor = x + self.conv2(self.conv1(x))
        return out


class LightCnn(Backbone):
    """What the three variants share: grey in, dropout on the embedding while training."""

    grey: Tensor

    def __init__(self, *, size: int, dimension: int, dropout: float) -> None:
        require_size("lightcnn", size, 16)
        super().__init__(size, dimension)
        self.register_buffer("grey", torch.tensor(GREY).view(1, 3, 1, 1), persistent=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        maps = self.maps((x * self.grey).sum(dim=1, keepdim=True))
        out: Tensor = self.dropout(self.embedding(maps.flatten(1)))
        return out

    def maps(self, x: Tensor) -> Tensor:
        """(b, 1, size, size) grey to (b, 128, size / 16, size / 16)."""
        raise NotImplementedError

    def embedding(self, x: Tensor) -> Tensor:
        """(b, 128 * (size / 16) ** 2) to (b, dimension)."""
        raise NotImplementedError


class LightCnn9(LightCnn):
    """Nine layers, table 2."""

    def __init__(self, *, size: int, dimension: int, dropout: float = 0.5) -> None:
        super().__init__(size=size, dimension=dimension, dropout=dropout)
        self.features = nn.Sequential(
            Mfm(1, 48, 5),
            nn.MaxPool2d(2),
            Group(48, 96),
            nn.MaxPool2d(2),
            Group(96, 192),
            nn.MaxPool2d(2),
            Group(192, 128),
            Group(128, 128),
            nn.MaxPool2d(2),
        )
        self.fc1 = Mfm(128 * (size // 16) ** 2, dimension, None)

    def maps(self, x: Tensor) -> Tensor:
        """(b, 1, size, size) grey to (b, 128, size / 16, size / 16)."""
        out: Tensor = self.features(x)
        return out

    def embedding(self, x: Tensor) -> Tensor:
        """(b, 128 * (size / 16) ** 2) to (b, dimension)."""
        out: Tensor = self.fc1(x)
        return out


class LightCnn29(LightCnn):
    """Twenty-nine layers with short cuts, table 3; version 2 adds mean to maximum in pooling and ends without MFM."""

    def __init__(self, *, size: int, dimension: int, version: int = 1, dropout: float = 0.5) -> None:
        super().__init__(size=size, dimension=dimension, dropout=dropout)
        self.version = version
        flat = 128 * (size // 16) ** 2
        self.conv1 = Mfm(1, 48, 5)
        self.block1, self.group1 = _residuals(48, 1), Group(48, 96)
        self.block2, self.group2 = _residuals(96, 2), Group(96, 192)
        self.block3, self.group3 = _residuals(192, 3), Group(192, 128)
        self.block4, self.group4 = _residuals(128, 4), Group(128, 128)
        self.fc: nn.Module = Mfm(flat, dimension, None) if version == 1 else nn.Linear(flat, dimension)

    def maps(self, x: Tensor) -> Tensor:
        """(b, 1, size, size) grey to (b, 128, size / 16, size / 16)."""
        x = self._pool(self.conv1(x))
        x = self._pool(self.group1(self.block1(x)))
        x = self._pool(self.group2(self.block2(x)))
        x = self.group3(self.block3(x))
        return self._pool(self.group4(self.block4(x)))

    def embedding(self, x: Tensor) -> Tensor:
        """(b, 128 * (size / 16) ** 2) to (b, dimension)."""
        out: Tensor = self.fc(x)
        return out

    def _pool(self, x: Tensor) -> Tensor:
        largest = functional.max_pool2d(x, 2)
        return largest if self.version == 1 else largest + functional.avg_pool2d(x, 2)


def _residuals(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels) for _ in range(count)))


PAPER = "A Light CNN for Deep Face Representation with Noisy Labels (2018), arXiv:1511.02683"
register(
    Architecture(
        "lightcnn9",
        LightCnn9,
        PAPER,
        dimension=256,
        parameters=5_556_000,
        printed_as={"size": 128},
        source="arXiv:1511.02683, table 2",
    )
)
register(
    Architecture(
        "lightcnn29",
        LightCnn29,
        PAPER,
        dimension=256,
        parameters=12_637_000,
        printed_as={"size": 128},
        source="arXiv:1511.02683, table 3",
    )
)
register(Architecture("lightcnn29v2", LightCnn29, PAPER, dimension=256, options={"version": 2}))
