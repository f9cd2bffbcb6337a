"""A pre-trained encoder as a network of its own: what it says of a face, for detectors that leave it as it is."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from mien.backbones.vit import ViT
from mien.errors import NotFoundError
from mien.train.export import load_backbone
from mien.train.onnx_file import onnx_bytes
from mien.train.pretrain.branches import require_encoder
from mien.train.recipe import read_recipe
from mien.train.run import RECIPE


class MeanToken(nn.Module):
    """The mean of the encoder's tokens of the whole face."""

    def __init__(self, encoder: ViT) -> None:
        super().__init__()
        width = encoder.pos_embed.shape[2]
        self.encoder, self.same = encoder, nn.Linear(width, width, bias=False)
        nn.init.eye_(self.same.weight)  # changes nothing; by it the file knows how many numbers it gives

    def forward(self, pixels: Tensor) -> Tensor:
        """(b, 3, 112, 112) in -1..1 to (b, width)."""
        tokens = self.encoder.encode(self.encoder.embed_patches(pixels))
        out: Tensor = self.same(tokens.mean(dim=1))
        return out


def encoder_onnx(run: Path) -> bytes:
    """The encoder of a pre-training run: ``pixels`` (n, 3, 112, 112) float32 in -1..1 to ``features`` (n, width).

    Raises:
        NotFoundError: no such run, or it has not ended.
        UsageError: its network has no such encoder.
        StoreCorruptError: the weights are not the recipe's network.
    """
    if not (run / RECIPE).is_file():
        raise NotFoundError(f"{run}: no run there (no {RECIPE})", source=str(run))
    recipe = read_recipe(run / RECIPE)
    encoder = require_encoder(load_backbone(run, recipe), recipe.model.backbone)
    return onnx_bytes(MeanToken(encoder), encoder.pos_embed.shape[2], "features")
