"""Vision transformers for faces, on request with a token that learns how useful a picture is.

Dosovitskiy et al. 2021, arXiv:2010.11929, in the form that InsightFace gave it for faces (``arcface_torch``): ReLU6,
no class token, all patch tokens together to one embedding through two linear layers with batch normalisation. S has
12 blocks of 512 numbers and 8 heads, B 24 of them. Patches of 8 pixels make 14 x 14 tokens of a face of 112.

The quality token is that of ViT-FIQA (Atzori et al. 2025, arXiv:2508.13957): it has no position, goes through all
blocks with the patches, and a linear layer turns it into one number, the picture's utility.

InsightFace's README prints 5.7 G ("S") and 11.4 G ("B") for patches of 9 pixels, 144 tokens: printed_as ``patch=9``.
Its random masking of a tenth of the tokens in training is not here. Parameters are not printed there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.backbones import Architecture, register
from mien.backbones.attention import Attention, Mlp, init_linear
from mien.backbones.base import Backbone, DropPath, rising
from mien.errors import UsageError


class Block(nn.Module):
    """Attention, then a two-layer network, each beside a short cut and after layer normalisation."""

    def __init__(self, width: int, heads: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads, bias=False)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, 4 * width, nn.ReLU6())
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(b, n, d) to the same shape."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        out: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return out


class PatchEmbed(nn.Module):
    """Cuts the picture into squares and maps each to a token; pixels that fill no square are left out."""

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, (size // patch) ** 2, width), row by row."""
        out: Tensor = self.proj(x).flatten(2).transpose(1, 2)
        return out


class ViT(Backbone):
    """A vision transformer over the patches of a face.

    Args:
        size: pixels of a side of the input.
        dimension: numbers in an embedding.
        width, depth, heads: of the transformer.
        patch: pixels of a side of a patch.
        quality: whether there is a quality token; `outputs` then has ``quality`` (b,), greater for more useful ones.
        drop_path: chance that the last block is left out for a picture while training; less for the ones before.
    """

    def __init__(
        self,
        *,
        size: int,
        dimension: int,
        width: int = 512,
        depth: int = 12,
        heads: int = 8,
        patch: int = 8,
        quality: bool = False,
        drop_path: float = 0.1,
    ) -> None:
        if size < patch:
            raise UsageError(f"vit with patches of {patch} pixels takes sizes from {patch}, not {size}; 112 is usual")
        super().__init__(size, dimension)
        self.tokens = (size // patch) ** 2
        self.patch_embed = PatchEmbed(patch, width)
        self.pos_embed = nn.Parameter(torch.zeros(1, self.tokens, width))
        self.blocks = nn.ModuleList(Block(width, heads, rate) for rate in rising(drop_path, depth))
        self.norm = nn.LayerNorm(width)
        self.feature = nn.Sequential(
            nn.Linear(self.tokens * width, width, bias=False),
            nn.BatchNorm1d(width, eps=2e-5),
            nn.Linear(width, dimension, bias=False),
            nn.BatchNorm1d(dimension, eps=2e-5),
        )
        self.quality_token = nn.Parameter(torch.zeros(1, 1, width)) if quality else None
        self.quality_head = nn.Linear(width, 1) if quality else None
        init_linear(self)
        for parameter in (self.pos_embed, self.quality_token):
            if parameter is not None:
                nn.init.trunc_normal_(parameter, std=0.02)

    def embed_patches(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, tokens, width), positions added: what masked pre-training draws from."""
        out: Tensor = self.patch_embed(x) + self.pos_embed
        return out

    def encode(self, tokens: Tensor) -> Tensor:
        """All blocks and the last normalisation over (b, n, width), of any n."""
        for block in self.blocks:
            tokens = block(tokens)
        out: Tensor = self.norm(tokens)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, dimension)."""
        return self.outputs(x)["embedding"]

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """``embedding`` (b, dimension), and ``quality`` (b,) where there is a quality token."""
        tokens = self.embed_patches(x)
        if self.quality_token is None or self.quality_head is None:
            return {"embedding": self.feature(self.encode(tokens).flatten(1))}
        tokens = self.encode(torch.cat((self.quality_token.expand(x.shape[0], -1, -1), tokens), dim=1))
        return {
            "embedding": self.feature(tokens[:, 1:].flatten(1)),
            "quality": self.quality_head(tokens[:, 0]).squeeze(1),
        }


PAPER = "An Image is Worth 16x16 Words (2021), arXiv:2010.11929, as in InsightFace's arcface_torch"
FIQA = "ViT-FIQA: Assessing Face Image Quality using Vision Transformers (2025), arXiv:2508.13957"
SOURCE = "README of InsightFace's arcface_torch, table 'ViT For Face Recognition'"
for _letter, _depth, _macs in (("s", 12, 5_700_000_000), ("b", 24, 11_400_000_000)):
    register(
        Architecture(
            f"vit_{_letter}",
            ViT,
            PAPER,
            options={"depth": _depth},
            macs=_macs,
            printed_as={"patch": 9},
            source=SOURCE,
        )
    )
    register(Architecture(f"vit_{_letter}_quality", ViT, FIQA, options={"depth": _depth, "quality": True}))
