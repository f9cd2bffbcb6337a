"""FSFM: a masked autoencoder for faces whose masked view must agree with the whole picture.

Wang, Lin, Wu, Liu, Ba & Ren, FSFM: A Generalizable Face Security Foundation Model via Self-Supervised Facial
Representation Learning, CVPR 2025, arXiv:2412.12032.

    loss = reconstruction of all hidden patches
         + region_weight * reconstruction of the covered region
         + align_weight * alignment of the masked view with the whole picture

The online branch sees the visible patches only. Two decoders look at what the encoder makes of them: one gives the
hidden pixels back, the other says what every patch is like; the mean of the latter is projected, and from the
projection that of the whole picture is predicted. The whole picture's comes from the target branch, whose encoder,
decoder and projection follow the online ones as a running mean and get no gradient. There are no negatives, and no
change to the picture but the mask.

As in the authors' code, projection and predictor have one hidden layer with layer normalisation, and the running mean's
share of the old rises to 1 along a cosine. Not as there: the two decoders have a token for hidden patches each; the
encoder is `mien.backbones.vit`, without a class token and with positions that are learnt; each picture draws a region
of its own, where the code draws one for a batch, and each picture's covered region counts alike, however large.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from mien.backbones.base import Backbone
from mien.backbones.vit import Block, ViT
from mien.errors import UsageError
from mien.train.pretrain.decoder import Decoder
from mien.train.pretrain.masking import CoverAndShare
from mien.train.pretrain.regions import patch_regions
from mien.train.pretrain.settings import Fsfm
from mien.train.pretrain.terms import alignment, reconstruction, standardised, to_patches


class View(nn.Module):
    """What the encoder's tokens say of the picture as a whole."""

    def __init__(self, encoder: ViT, settings: Fsfm) -> None:
        super().__init__()
        width, first = encoder.pos_embed.shape[2], encoder.blocks[0]
        heads = first.attn.heads if isinstance(first, Block) else 1
        self.decoder = Decoder(math.isqrt(encoder.tokens), width, width, settings.view_depth, heads, width)
        self.project = _perceptron(width, settings.hidden, settings.projection)

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """(b, v, width), with their places where some are hidden, to (b, projection)."""
        out: Tensor = self.project(self.decoder(tokens, visible).mean(dim=1))
        return out


class Target(nn.Module):
    """The running mean of an encoder and its view; it never learns by itself, and leaves nothing out at random."""

    def __init__(self, encoder: ViT, view: View) -> None:
        super().__init__()
        self.encoder, self.view = copy.deepcopy(encoder), copy.deepcopy(view)
        self.encoder.feature = nn.Sequential()  # the embedding has no part in this
        self.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> Target:
        """Stays in the mode of use."""
        del mode
        return super().train(False)

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """(b, 3, size, size) to (b, projection) of the whole picture."""
        out: Tensor = self.view(self.encoder.encode(self.encoder.embed_patches(pixels)))
        return out

    @torch.no_grad()
    def follow(self, encoder: ViT, view: View, keep: float) -> None:
        """``keep * old + (1 - keep) * new`` of every parameter."""
        for mine, theirs in ((self.encoder, encoder), (self.view, view)):
            new = dict(theirs.named_parameters())
            for name, parameter in mine.named_parameters():
                parameter.lerp_(new[name], 1 - keep)


class Branches(nn.Module):
    """All that pre-training needs beside the encoder; called, it makes the loss of `terms`.

    Args:
        encoder: that is to learn.
        settings: of FSFM.
        steps: of the run.

    Raises:
        UsageError: the encoder's patches do not fill a face.
    """

    sharded = False

    def __init__(self, encoder: ViT, settings: Fsfm, steps: int) -> None:
        super().__init__()
        width = encoder.pos_embed.shape[2]
        self.patch = int(encoder.patch_embed.proj.kernel_size[0])
        self.masks = CoverAndShare(patch_regions(self.patch), settings.mask)
        shape = (settings.width, settings.depth, settings.heads, 3 * self.patch**2)
        self.pixels = Decoder(math.isqrt(encoder.tokens), width, *shape)
        self.view = self.predict = self.target = None
        if settings.align_weight:
            self.view = View(encoder, settings)
            self.predict = _perceptron(settings.projection, settings.hidden, settings.projection)
            self.target = Target(encoder, self.view)
        self._settings, self._steps = settings, steps

    def forward(self, terms: Tensor, labels: Tensor, step: int, taught: Tensor | None = None) -> Tensor:
        """(b, 3) of `terms` to (); nothing else counts here."""
        del labels, step, taught
        weights = terms.new_tensor((1.0, self._settings.region_weight, self._settings.align_weight))
        return terms.mean(dim=0) @ weights

    def terms(self, encoder: ViT, pixels: Tensor) -> Tensor:
        """(b, 3, 112, 112) to (b, 3) float32: the two reconstructions and the alignment."""
        masks = self.masks(len(pixels)).to(pixels.device)
        tokens = encoder.embed_patches(pixels)
        seen = encoder.encode(tokens.gather(1, masks.visible[:, :, None].expand(-1, -1, tokens.shape[2])))
        wanted = to_patches(pixels.float(), self.patch)
        wanted = standardised(wanted) if self._settings.standardise else wanted
        found = self.pixels(seen, masks.visible)
        terms = [reconstruction(found, wanted, where) for where in (masks.hidden, masks.covered)]
        if self.view is None or self.predict is None or self.target is None:
            return torch.stack((*terms, torch.zeros_like(terms[0])), dim=1)
        predicted = self.predict(self.view(seen, masks.visible))
        return torch.stack((*terms, alignment(predicted, self.target(pixels))), dim=1)

    def follow(self, encoder: ViT, step: int) -> None:
        """Move the target after a step, counted from 0."""
        if self.target is not None and self.view is not None:
            moved = (1 - self._settings.momentum) * (math.cos(math.pi * step / self._steps) + 1) / 2
            self.target.follow(encoder, self.view, 1 - moved)


class Pretraining(nn.Module):
    """An encoder and its branches as one network, from pictures to the terms of the loss.

    The layers that make an embedding of the encoder's tokens stay as they were drawn: nothing here teaches them.
    """

    def __init__(self, encoder: ViT, branches: Branches) -> None:
        super().__init__()
        self.encoder, self.branches = encoder, branches
        encoder.feature.requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(b, 3, 112, 112) to (b, 3)."""
        return self.branches.terms(self.encoder, pixels)


def require_encoder(backbone: Backbone, name: str) -> ViT:
    """The backbone, if it can be pre-trained.

    Raises:
        UsageError: it is no vision transformer, or has a quality token, which nothing here would teach.
    """
    if not isinstance(backbone, ViT) or backbone.quality_token is not None:
        raise UsageError(
            f"'pretrain.method' fsfm hides patches from a vision transformer without a quality token (vit_s, vit_b); "
            f"{name} is none",
            code="recipe",
        )
    return backbone


def _perceptron(take: int, hidden: int, give: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(take, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, give))
