"""EdgeFace: EdgeNeXt, whose linear layers are products of two thin ones.

George et al. 2024, arXiv:2307.01838, on Maaz et al. 2022, "EdgeNeXt", arXiv:2206.10589. Early blocks are depthwise
convolutions with a two-layer network; the last one of each later level (SDTA) convolves groups of channels one after
the other and then attends across channels, not places, which grows only linearly with the number of places. A linear
layer from m to n numbers becomes m to r to n, r = gamma * min(m, n), the last one of the network too.

The README of the authors' code prints parameters and "MFLOPs", in which a multiply-add is two operations: xs with
gamma 0.6 has 1.77 M and 154.00 M, s with 0.5 3.65 M and 306.12 M, xxs 1.24 M and 94.72 M, base 18.23 M and 1398.83 M.
`macs` is half of that; our count is 0.1 % less, as biases and normalisation are not in it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.backbones import Architecture, register
from mien.backbones.attention import Mlp
from mien.backbones.base import Backbone, require_size

KERNELS = (3, 5, 7, 9)
SCALES = (2, 2, 3, 4)
"""Groups of channels in the SDTA block of each level; the first level has none."""
START = 1e-6
"""First scale of every residual branch."""


class LayerNorm2d(nn.LayerNorm):
    """Over the channels of (b, c, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvBlock(nn.Module):
    """Depthwise convolution, then a two-layer network, beside a short cut."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width, nn.GELU())
        self.gamma = nn.Parameter(START * torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        out = self.conv_dw(x).permute(0, 2, 3, 1)
        out = self.gamma * self.mlp(self.norm(out))
        joined: Tensor = x + out.permute(0, 3, 1, 2)
        return joined


class CrossCovariance(nn.Module):
    """Attention across channels: ``softmax(t * q' k) v'`` with columns of unit length (XCiT, arXiv:2106.09681)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Linear(width, 3 * width)
        self.mix = Mix()
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(b, n, d) to the same shape."""
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 4, 1).unbind(0)
        mixed = self.mix(q, k, v, self.temperature)  # (b, heads, d / heads, n)
        out: Tensor = self.proj(mixed.permute(0, 3, 1, 2).reshape(b, n, d))
        return out


class Mix(nn.Module):
    """The two matrix products of it."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor, temperature: Tensor) -> Tensor:
        """(b, h, c, n) each to the same shape."""
        alike = functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).transpose(-2, -1)
        return (alike * temperature).softmax(dim=-1).to(v.dtype) @ v

    def macs(self, inputs: tuple[Tensor, ...], output: Tensor) -> int:
        """Two products of c x c x n for each head and picture."""
        return 2 * output.numel() * inputs[0].shape[-2]


class FourierPlaces(nn.Module):
    """Sines of the place, projected to the width of the tokens and added to them."""

    waves: Tensor

    def __init__(self, width: int, side: int, hidden: int = 32) -> None:
        super().__init__()
        self.token_projection = nn.Conv2d(2 * hidden, width, 1)
        self.register_buffer("waves", fourier_places(side, hidden), persistent=False)

    def forward(self) -> Tensor:
        """(1, width, side, side)."""
        out: Tensor = self.token_projection(self.waves)
        return out


def fourier_places(side: int, hidden: int) -> Tensor:
    """(1, 2 * hidden, side, side): for y and then x, sine and cosine of 2 pi (i + 1) / side in falling frequencies."""
    line = (torch.arange(side) + 1) / (side + 1e-6) * 2 * math.pi
    angles = line[:, None] / 10_000 ** (2 * torch.arange(hidden // 2) / hidden)
    waves = torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)  # (side, hidden)
    down = waves[:, None].expand(side, side, hidden)
    return torch.cat((down, down.transpose(0, 1)), dim=2).permute(2, 0, 1)[None].contiguous()


class SplitTranspose(nn.Module):
    """SDTA: convolutions over groups of channels, each fed the one before; then attention across channels."""

    def __init__(self, width: int, heads: int, scales: int, side: int, *, places: bool) -> None:
        super().__init__()
        self.scales = scales
        share = math.ceil(width / scales)
        self.convs = nn.ModuleList(nn.Conv2d(share, share, 3, padding=1, groups=share) for _ in range(scales - 1))
        self.pos_embd = FourierPlaces(width, side) if places else None
        self.norm_xca = nn.LayerNorm(width, eps=1e-6)
        self.gamma_xca = nn.Parameter(START * torch.ones(width))
        self.xca = CrossCovariance(width, heads)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width, nn.GELU())
        self.gamma = nn.Parameter(START * torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        b, c, h, w = x.shape
        mixed = self._convolve(x)
        if self.pos_embd is not None:
            mixed = mixed + self.pos_embd()
        tokens = mixed.flatten(2).transpose(1, 2)
        tokens = tokens + self.gamma_xca * self.xca(self.norm_xca(tokens))
        tokens = self.gamma * self.mlp(self.norm(tokens))
        joined: Tensor = x + tokens.transpose(1, 2).reshape(b, c, h, w)
        return joined

    def _convolve(self, x: Tensor) -> Tensor:
        parts = x.chunk(self.scales, dim=1)
        done: list[Tensor] = []
        for part, conv in zip(parts, self.convs, strict=False):  # the last part passes as it is
            done.append(conv(part + done[-1] if done else part))
        return torch.cat((*done, parts[-1]), dim=1)


class LowRank(nn.Module):
    """A linear layer as a product of two thin ones."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(inputs, rank, bias=False)
        self.linear2 = nn.Linear(rank, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) to (…, outputs)."""
        out: Tensor = self.linear2(self.linear1(x))
        return out


def thin(module: nn.Module, gamma: float) -> None:
    """Replace every linear layer in it by one of rank gamma * min(inputs, outputs), at least 2."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            rank = max(2, int(min(child.in_features, child.out_features) * gamma))
            setattr(module, name, LowRank(child.in_features, child.out_features, rank))
        else:
            thin(child, gamma)


class EdgeFace(Backbone):
    """EdgeNeXt with thin linear layers.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
        depths, widths, heads: of the four levels.
        gamma: share of the rank that linear layers keep; None leaves them whole.
    """

    def __init__(
        self,
        *,
        size: int,
        dimension: int,
        depths: tuple[int, ...],
        widths: tuple[int, ...],
        heads: int,
        gamma: float | None,
    ) -> None:
        require_size("edgeface", size, 4, least=32)
        super().__init__(size, dimension)
        side = size // 4
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, 4), LayerNorm2d(widths[0], eps=1e-6))
        stages = []
        for i, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            layers: list[nn.Module] = []
            if i > 0:
                before = widths[i - 1]
                layers = [LayerNorm2d(before, eps=1e-6), nn.Conv2d(before, width, 2, 2)]
                side //= 2
            attending = 1 if i > 0 else 0
            layers += [ConvBlock(width, KERNELS[i]) for _ in range(depth - attending)]
            if attending:
                layers.append(SplitTranspose(width, heads, SCALES[i], side, places=i == 1))
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        self.fc: nn.Module = nn.Linear(widths[-1], dimension)
        if gamma is not None:
            thin(self, gamma)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        x = self.stages(self.stem(x)).mean(dim=(2, 3))
        out: Tensor = self.fc(self.norm(x))
        return out


PAPER = "EdgeFace: Efficient Face Recognition Model for Edge Devices (2024), arXiv:2307.01838"
for _name, _depths, _widths, _heads, _gamma, _parameters, _macs in (
    ("edgeface_xxs", (2, 2, 6, 2), (24, 48, 88, 168), 4, None, 1_240_000, 47_360_000),
    ("edgeface_xs", (3, 3, 9, 3), (32, 64, 100, 192), 4, 0.6, 1_770_000, 77_000_000),
    ("edgeface_s", (3, 3, 9, 3), (48, 96, 160, 304), 8, 0.5, 3_650_000, 153_060_000),
    ("edgeface_base", (3, 3, 9, 3), (80, 160, 288, 584), 8, None, 18_230_000, 699_415_000),
):
    register(
        Architecture(
            _name,
            EdgeFace,
            PAPER,
            options={"depths": _depths, "widths": _widths, "heads": _heads, "gamma": _gamma},
            parameters=_parameters,
            macs=_macs,
            source="README of the authors' code, table of variants",
        )
    )
