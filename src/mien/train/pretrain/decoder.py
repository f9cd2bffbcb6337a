"""A transformer from the visible patches to something about every patch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.backbones.attention import init_linear
from mien.backbones.vit import Block


class Decoder(nn.Module):
    """Puts a learnt token where a patch is hidden, and says something of each.

    Args:
        across: patches of a row; there are as many rows.
        take: numbers in a token of the encoder.
        width, depth, heads: of the transformer.
        give: numbers said of a patch.
    """

    positions: Tensor

    def __init__(self, across: int, take: int, width: int, depth: int, heads: int, give: int) -> None:
        super().__init__()
        self.embed = nn.Linear(take, width)
        self.hidden = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("positions", wave_positions(across, width), persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads, 0.0) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.give = nn.Linear(width, give)
        init_linear(self)
        nn.init.normal_(self.hidden, std=0.02)

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """(b, v, take) and where they are (b, v), all patches in order when left out, to (b, n, give)."""
        known = self.embed(tokens)
        whole = known
        if visible is not None:
            whole = self.hidden.to(known.dtype).expand(len(known), self.positions.shape[1], -1)
            whole = whole.scatter(1, visible[:, :, None].expand_as(known), known)
        whole = whole + self.positions
        for block in self.blocks:
            whole = block(whole)
        out: Tensor = self.give(self.norm(whole))
        return out


def wave_positions(across: int, width: int) -> Tensor:
    """(1, across * across, width) sines and cosines of row and column, half of the numbers each (as in MAE).

    Args:
        across: patches of a row.
        width: a multiple of 4.
    """
    pace = 10_000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    angles = torch.arange(across, dtype=torch.float64)[:, None] * pace
    waves = torch.cat((angles.sin(), angles.cos()), dim=1)
    rows, columns = waves.repeat_interleave(across, dim=0), waves.repeat(across, 1)
    return torch.cat((columns, rows), dim=1)[None].float()
