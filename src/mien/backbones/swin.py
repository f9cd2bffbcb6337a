"""Swin transformer.

Liu et al. 2021, "Swin Transformer", arXiv:2103.14030: attention within windows of 7 x 7 tokens, shifted by half a
window in every other block. For 224 pixels and 1000 classes the paper prints 29 M parameters and 4.5 G multiply-adds
(table 1a); that network is ``build("swin_t", size=224, patch=4, dimension=1000, head="pool")``. SwinFace cuts a face
of 112 pixels into patches of 2, so that the maps are as large as there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.attention import Attention, Mlp, init_linear
from mien.backbones.base import Backbone, DropPath, require_size, rising
from mien.errors import UsageError

WINDOW = 7
DEPTHS, HEADS, WIDTH = (2, 2, 6, 2), (3, 6, 12, 24), 96
"""Of the "tiny" one: blocks and heads of each level, numbers in a token of the first."""
APART = -100.0
"""Added to the logits of tokens that lie in one shifted window only because the map was rolled."""


class Block(nn.Module):
    """Attention within windows, then a two-layer network, each beside a short cut."""

    far: Tensor
    index: Tensor

    def __init__(self, width: int, heads: int, side: int, shift: int, drop_path: float) -> None:
        super().__init__()
        self.side, self.shift = side, shift if side > WINDOW else 0
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads, bias=True)
        self.mlp = Mlp(width, 4 * width, nn.GELU())
        self.drop_path = DropPath(drop_path)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("index", relative_places(), persistent=False)
        self.register_buffer("far", rolled_apart(side, self.shift), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, side, side, d) to the same shape."""
        x = x + self.drop_path(self._windows(self.norm1(x)))
        out: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return out

    def _windows(self, x: Tensor) -> Tensor:
        """Attention within each window."""
        d, count = x.shape[-1], self.side // WINDOW
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (1, 2))
        x = x.reshape(-1, count, WINDOW, count, WINDOW, d).transpose(2, 3).reshape(-1, count * count, WINDOW**2, d)
        bias = self.relative_position_bias_table[self.index].permute(2, 0, 1)[None]  # (1, heads, 49, 49)
        if self.shift:
            bias = bias + self.far  # (windows, heads, 49, 49)
        x = self._attend(x, bias)
        x = x.reshape(-1, count, count, WINDOW, WINDOW, d).transpose(2, 3).reshape(-1, self.side, self.side, d)
        return x.roll((self.shift, self.shift), (1, 2)) if self.shift else x

    def _attend(self, x: Tensor, bias: Tensor) -> Tensor:
        """(b, windows, n, d) to the same shape; the bias is the same for all pictures."""
        b, windows, n, d = x.shape
        heads, attn = self.attn.heads, self.attn
        q, k, v = attn.qkv(x).reshape(b, windows, n, 3, heads, d // heads).permute(3, 0, 1, 4, 2, 5).unbind(0)
        mixed = attn.attend(q, k, v, bias.to(q.dtype))
        out: Tensor = attn.proj(mixed.transpose(2, 3).reshape(b, windows, n, d))
        return out


def relative_places() -> Tensor:
    """(49, 49) int64: row of the bias table for every pair of tokens in a window."""
    places = torch.arange(WINDOW**2)
    rows, columns = places // WINDOW, places % WINDOW
    down = rows[:, None] - rows + WINDOW - 1
    right = columns[:, None] - columns + WINDOW - 1
    return down * (2 * WINDOW - 1) + right


def rolled_apart(side: int, shift: int) -> Tensor:
    """(windows, 1, 49, 49): APART for pairs that were not neighbours before the map was rolled, else 0."""
    line = torch.arange(side)
    part = (line >= side - WINDOW).long() + (line >= side - shift).long() if shift else torch.zeros(side).long()
    parts = part[:, None] * 3 + part
    count = side // WINDOW
    parts = parts.reshape(count, WINDOW, count, WINDOW).transpose(1, 2).reshape(-1, WINDOW**2)
    return (parts[:, :, None] != parts[:, None]).float()[:, None] * APART


class Merge(nn.Module):
    """Four neighbouring tokens to one of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, side, side, d) to (b, side / 2, side / 2, 2 d)."""
        corners = (x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2])
        out: Tensor = self.reduction(self.norm(torch.cat(corners, dim=-1)))
        return out


class Swin(Backbone):
    """The network of figure 3 of the paper.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
        patch: pixels of a side of a patch; the size must be a multiple of 56 patches.
        head: "face", two linear layers with batch normalisation as in SwinFace; "pool", one as in the paper.
        drop_path: chance that the last block is left out for a picture while training; less for the ones before.
    """

    def __init__(
        self, *, size: int, dimension: int, patch: int = 2, head: str = "face", drop_path: float = 0.1
    ) -> None:
        require_size("swin", size, 8 * WINDOW * patch)
        if head not in ("face", "pool"):
            raise UsageError(f"swin has the heads face and pool, not '{head}'")
        super().__init__(size, dimension)
        self.patches = nn.Conv2d(3, WIDTH, patch, patch)
        self.patch_norm = nn.LayerNorm(WIDTH)
        self.levels, self.merges = nn.ModuleList(), nn.ModuleList()
        rates = iter(rising(drop_path, sum(DEPTHS)))
        width, side = WIDTH, size // patch
        for level, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
            blocks = (Block(width, heads, side, i % 2 * (WINDOW // 2), next(rates)) for i in range(depth))
            self.levels.append(nn.Sequential(*blocks))
            if level < 3:
                self.merges.append(Merge(width))
                width, side = 2 * width, side // 2
        self.norm = nn.LayerNorm(width)
        self.feature = _face_head(width, dimension) if head == "face" else nn.Linear(width, dimension)
        init_linear(self)

    def maps(self, x: Tensor) -> list[Tensor]:
        """(b, 3, size, size) to the four levels, channels last: the first three after merging, and the last."""
        x = self.patch_norm(self.patches(x).permute(0, 2, 3, 1))
        levels = []
        for i, level in enumerate(self.levels):
            x = level(x)
            if i < 3:
                x = self.merges[i](x)
            levels.append(x)
        return levels

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        return self.embed(self.maps(x)[-1])

    def embed(self, last: Tensor) -> Tensor:
        """(b, side, side, d) of the last level to (b, dimension)."""
        out: Tensor = self.feature(self.norm(last).mean(dim=(1, 2)))
        return out


def _face_head(width: int, dimension: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, width, bias=False),
        nn.BatchNorm1d(width, eps=2e-5),
        nn.Linear(width, dimension, bias=False),
        nn.BatchNorm1d(dimension, eps=2e-5),
    )


PAPER = "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows (2021), arXiv:2103.14030"
register(
    Architecture(
        "swin_t",
        Swin,
        PAPER,
        parameters=29_000_000,
        macs=4_500_000_000,
        printed_as={"size": 224, "patch": 4, "dimension": 1000, "head": "pool"},
        source="arXiv:2103.14030, table 1a",
    )
)
