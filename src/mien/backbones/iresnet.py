"""Improved residual networks, the backbone of ArcFace.

Deng et al. 2019, "ArcFace", arXiv:1801.07698, section 3.1: blocks BN-conv-BN-PReLU-conv-BN, a first convolution of
stride 1, and a fully connected layer with batch normalisation instead of pooling. Layers and names are those of
InsightFace's ``arcface_torch``, whose weights `load_state` takes.

Printed are parameters with one decimal (QuantFace, arXiv:2206.10526, table 1) and multiply-adds with one decimal,
there called FLOPs (InsightFace, ``recognition/arcface_torch/README.md``, table "ViT For Face Recognition"). For 34
layers none is printed there. For 200 layers 23.5 G are printed, of which batch normalisation and PReLU are 0.06 G
(two operations a number, and one); we count 23.42 G without them. Papers that print 24.2 G for 100 layers count
multiplications and additions apart.
"""

from __future__ import annotations

from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.base import Backbone, require_size
from mien.backbones.ibn import norm

WIDTHS = (64, 128, 256, 512)


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a short cut."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, ibn: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = norm(outputs, ibn)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""
        out = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        joined: Tensor = self.bn3(self.conv2(out)) + self.downsample(x)
        return joined


class IResNet(Backbone):
    """The network of ArcFace, section 3.1.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
        blocks: number of blocks in each of the four stages.
        ibn: IBN-a in the first three stages.
        dropout: before the fully connected layer.
    """

    def __init__(
        self, *, size: int, dimension: int, blocks: tuple[int, ...], ibn: bool = False, dropout: float = 0.0
    ) -> None:
        require_size("iresnet", size, 16)
        super().__init__(size, dimension)
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        inputs = 64
        for i, (outputs, count) in enumerate(zip(WIDTHS, blocks, strict=True)):
            stage = [
                Block(inputs if j == 0 else outputs, outputs, 1 + (j == 0), ibn=ibn and i < 3) for j in range(count)
            ]
            self.add_module(f"layer{i + 1}", nn.Sequential(*stage))
            inputs = outputs
        self.bn2 = nn.BatchNorm2d(inputs)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(inputs * (size // 16) ** 2, dimension)
        self.features = nn.BatchNorm1d(dimension)
        self.features.weight.requires_grad = False  # one scale for all numbers: a loss of angles cannot see it
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        x = self.prelu(self.bn1(self.conv1(x)))
        for i in range(4):
            x = self.get_submodule(f"layer{i + 1}")(x)
        x = self.dropout(self.bn2(x).flatten(1))
        x = self.features(self.fc(x))
        return x


PAPER = "ArcFace: Additive Angular Margin Loss for Deep Face Recognition (2019), arXiv:1801.07698"
SOURCE = "parameters: arXiv:2206.10526, table 1; MACs: README of InsightFace's arcface_torch"
for _name, _blocks, _parameters, _macs in (
    ("iresnet18", (2, 2, 2, 2), 24_000_000, 2_600_000_000),
    ("iresnet34", (3, 4, 6, 3), None, None),
    ("iresnet50", (3, 4, 14, 3), 43_600_000, 6_300_000_000),
    ("iresnet100", (3, 13, 30, 3), 65_200_000, 12_100_000_000),
    ("iresnet200", (6, 26, 60, 6), None, 23_500_000_000),
):
    register(
        Architecture(
            _name, IResNet, PAPER, options={"blocks": _blocks}, parameters=_parameters, macs=_macs, source=SOURCE
        )
    )
