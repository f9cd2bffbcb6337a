"""The settings of FSFM."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import UsageError


@dataclass(frozen=True, slots=True)
class Fsfm:
    """Where the paper or its code has a value, that is the default.

    Args:
        mask: share of the patches that is hidden.
        region_weight: of the covered region's reconstruction, beside 1 for that of all hidden patches.
        align_weight: of the alignment; 0 leaves the target branch out.
        momentum: the running mean's share of the old in a step, at the start.
        standardise: pixels are to be given back relative to their patch's mean and spread.
        width, depth, heads: of the decoder of pixels.
        view_depth: of the other decoder, which is as wide as the encoder.
        hidden, projection: numbers in the inner layer and in the answer of the projection.

    Raises:
        UsageError: a value outside its range.
    """

    mask: float = 0.75
    region_weight: float = 0.007
    align_weight: float = 0.1
    momentum: float = 0.996
    standardise: bool = True
    width: int = 512
    depth: int = 8
    heads: int = 16
    view_depth: int = 2
    hidden: int = 4096
    projection: int = 256

    def __post_init__(self) -> None:
        sizes = ("width", "depth", "heads", "view_depth", "hidden", "projection")
        weights = ("region_weight", "align_weight")
        for name, fits, wanted in (
            ("mask", 0 < self.mask < 1, "a share in (0, 1)"),
            ("momentum", 0 <= self.momentum <= 1, "a share in [0, 1]"),
            *((name, 0 <= getattr(self, name) < float("inf"), "zero or more") for name in weights),
            *((name, getattr(self, name) > 0, "above zero") for name in sizes),
            (
                "width",
                self.heads > 0 and self.width % self.heads == self.width % 4 == 0,
                "a multiple of 4 and of heads",
            ),
        ):
            if not fits:
                raise UsageError(f"'pretrain.{name}' must be {wanted}, got {getattr(self, name)!r}", code="recipe")
