"""Harmonic triplets: a new network's embeddings compare with an old one's."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.errors import UsageError
from mien.train.losses.base import CompatibleLoss, nothing, register, widened
from mien.train.losses.triplet import MINING, mine, squared_distances


@register(
    "harmonic-triplet", paper="Schroff et al., FaceNet, CVPR 2015, appendix (harmonic embedding), arXiv 1503.03832"
)
class HarmonicTriplet(CompatibleLoss):
    """Triplets mined among new and old embeddings together, so that old templates stay in use.

    L = mean over triplets of [ |a - p|^2 - |a - n|^2 + margin ]_+ , where each of a, p, n is the new or the old
    embedding of a face; triplets of old ones only teach nothing and are left out. Old embeddings take no gradient.

    Optimises: new against new and new against old at once. Labels: identities, batches of P people x K faces, and the
    old network's embedding of each. Both must have one dimension: for a smaller new network pass the old ones through
    `principal_axes`. Prefer distillation when old templates can be replaced.

    Args:
        margin: of squared distances, which lie in [0, 4].
        mining: ``semi-hard``, ``hard`` or ``all``, as for triplet.
    """

    rescales = True

    def __init__(self, margin: float = 0.2, mining: str = "semi-hard") -> None:
        super().__init__()
        if mining not in MINING:
            raise UsageError(f"triplets are mined {', '.join(MINING)}, not '{mining}'", code="loss-option")
        self.margin, self.mining = margin, mining

    def forward(self, embeddings: Tensor, old: Tensor, labels: Tensor) -> Tensor:
        """(b, d) new and (b, d) old embeddings, and (b,) labels, to ().

        Raises:
            UsageError: new and old differ in shape.
        """
        if embeddings.shape != old.shape:
            raise UsageError(
                f"new and old embeddings must have one shape, got {tuple(embeddings.shape)} and {tuple(old.shape)}; "
                "bring the old ones to the new dimension with principal_axes",
                code="loss-shape",
            )
        both = torch.cat([widened(embeddings), widened(old.detach()).to(widened(embeddings).dtype)])
        distances = squared_distances(both)
        anchors, positives, negatives = mine(distances.detach(), labels.repeat(2), self.margin, self.mining)
        new = torch.stack([anchors, positives, negatives]).min(0).values < len(labels)
        if not new.any():
            return nothing(embeddings)
        anchors, positives, negatives = anchors[new], positives[new], negatives[new]
        gaps = distances[anchors, positives] - distances[anchors, negatives]
        return (gaps + self.margin).relu().mean()


def principal_axes(old: Tensor, dimension: int) -> Tensor:
    """(d, dimension) orthonormal columns that keep the most of the inner products of (n, d) old embeddings.

    `old @ axes` are templates of the new dimension; store the axes beside the gallery that was projected with them.

    Raises:
        UsageError: there are fewer embeddings or dimensions than asked for.
    """
    if dimension > min(old.shape):
        raise UsageError(f"{dimension} axes need as many embeddings and dimensions, got {tuple(old.shape)}")
    axes: Tensor = torch.linalg.svd(widened(old), full_matrices=False).Vh[:dimension].T
    return axes
