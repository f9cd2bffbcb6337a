"""What terms look at besides embeddings, in one row a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.backbones.base import Backbone
from mien.train.losses.symface import halves

LOST = 6
"""Pixels of a side that an unrecognisable face is shrunk to: less than two between the eyes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the losses of a step look at, a row a picture of the whole batch.

    Args:
        embedding: (b, d) raw.
        left, right: (b, d) embeddings of `mien.train.losses.symface.halves`.
        plain: (b, 3 * h * w) the pictures before their augmentation, -1..1.
        quality: (b, 1) what the network itself says of a picture's use.
        lost: (b, d) embeddings of the faces made unrecognisable, without gradient.
    """

    embedding: Tensor
    left: Tensor | None = None
    right: Tensor | None = None
    plain: Tensor | None = None
    quality: Tensor | None = None
    lost: Tensor | None = None

    @classmethod
    def of(cls, rows: Tensor, widths: Mapping[str, int]) -> Seen:
        """From the (b, k) rows that `Views` gives, by `view_widths`."""
        return cls(**dict(zip(widths, torch.split(rows, list(widths.values()), dim=1), strict=True)))


def view_widths(backbone: Backbone, names: Sequence[str]) -> dict[str, int]:
    """How many numbers of a row each view takes, in their order.

    Args:
        backbone: the network.
        names: fields of `Seen` beside ``embedding``.
    """
    widths = dict.fromkeys(("embedding", "left", "right", "lost"), backbone.dimension)
    widths |= {"plain": 3 * backbone.size**2, "quality": 1}
    return {name: widths[name] for name in ("embedding", *names)}


class Views(nn.Module):
    """A network as it is called where terms look at more than embeddings.

    Halves go through it in one pass with the faces, so BatchNorm sees faces and halves together.

    Args:
        backbone: the network.
        names: what is wanted, in this order: fields of `Seen` beside ``embedding``.
    """

    def __init__(self, backbone: Backbone, names: Sequence[str]) -> None:
        super().__init__()
        self.backbone, self.names = backbone, tuple(names)

    def forward(self, pictures: Tensor, plain: Tensor | None = None) -> Tensor:
        """(b, 3, size, size) as augmented, and as they were where that is wanted, to (b, k) rows."""
        found: dict[str, Tensor | None] = {"plain": None if plain is None else plain.flatten(1)}
        if "lost" in self.names:  # first: what a network keeps of its last pictures must be of those that are learnt
            found["lost"] = self._lost(pictures)
        faces = torch.cat([pictures, *halves(pictures)]) if "left" in self.names else pictures
        if "quality" in self.names:
            answers = self.backbone.outputs(faces)
            embeddings, found["quality"] = answers["embedding"], answers["quality"][: len(pictures), None]
        else:
            embeddings = self.backbone(faces)
        found |= zip(("embedding", "left", "right"), torch.split(embeddings, len(pictures)), strict=False)
        rows = [found[name] for name in ("embedding", *self.names)]
        return torch.cat([row.float() for row in rows if row is not None], dim=1)

    def _lost(self, pictures: Tensor) -> Tensor:
        """(b, d) of unrecognisable faces, by running statistics, which do not move by them."""
        training = self.backbone.training
        self.backbone.eval()
        with torch.no_grad():
            lost: Tensor = self.backbone(unrecognisable(pictures))
        self.backbone.train(training)
        return lost


def unrecognisable(pictures: Tensor) -> Tensor:
    """(b, 3, h, w) shrunk to `LOST` pixels and enlarged again: nobody could say who they are."""
    small = functional.interpolate(pictures, (LOST, LOST), mode="area")
    return functional.interpolate(small, pictures.shape[2:], mode="bilinear", align_corners=False)
