"""UNPG: the batch's negative pairs join those with class centres."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.errors import UsageError
from mien.train.losses.base import JointLoss, MarginLoss, make_loss, nothing, register, same_label, unit, widened


@register("unpg", paper="Jung et al., Unified Negative Pair Generation, BMVC 2022, arXiv 2203.11593")
class UNPG(JointLoss):
    """A margin loss whose softmax also runs over the negative pairs of the batch.

    L = -log( exp(p) / (exp(p) + sum_j exp(s cos t_j) + sum_{(i,k) kept} exp(s cos(x_i, x_k))) ), p the margin logit.

    Kept are the pairs i < k of different people whose cosine lies in [Q1 - w IQR, Q3 + w IQR], the quartiles being of
    the batch's negative pairs: very easy ones teach nothing, very hard ones are mostly wrong labels.

    Optimises: class separation and pairwise separation in one similarity set. Labels: identities. Prefer the plain
    margin loss for small batches, where there are few pairs, or when classes are sharded over processes.

    Args:
        base: name of the margin loss.
        whisker: w.
        base_options: options of the margin loss.
    """

    def __init__(
        self, base: str = "arcface", whisker: float = 1.0, base_options: dict[str, object] | None = None
    ) -> None:
        super().__init__()
        self.base, self.whisker = margin_loss(base, base_options), whisker

    def forward(self, embeddings: Tensor, cosines: Tensor, labels: Tensor) -> Tensor:
        """(b, d) embeddings, (b, c) cosines and (b,) labels to ()."""
        here = labels >= 0
        embeddings, cosines, labels = widened(embeddings[here]), cosines[here], labels[here]
        if not len(labels):
            return nothing(embeddings)
        norms = embeddings.norm(dim=1)
        logits = self.base.logits(cosines, labels, norms)
        pairs = kept_pairs(negative_pairs(embeddings, labels), self.whisker)
        more = pairs[None] * self.base.scales(norms)
        logits = torch.cat([logits, more.expand(len(labels), -1)], dim=1)
        return functional.cross_entropy(logits, labels) + self.base.regulariser(norms)


def margin_loss(name: str, options: dict[str, object] | None) -> MarginLoss:
    """The margin loss of that name.

    Raises:
        UsageError: the loss is of another kind.
    """
    loss = make_loss(name, **(options or {}))
    if not isinstance(loss, MarginLoss):
        raise UsageError(f"the base must be a margin loss such as arcface or cosface, not '{name}'", code="loss-option")
    return loss


def negative_pairs(embeddings: Tensor, labels: Tensor) -> Tensor:
    """(n,) cosines of the pairs i < k of different people."""
    directions = unit(embeddings)
    return (directions @ directions.T)[same_label(labels)[1].triu(1)]


def kept_pairs(cosines: Tensor, whisker: float) -> Tensor:
    """Those within the whiskers of the box plot; fewer than four pairs have no quartiles and stay."""
    if len(cosines) < 4:
        return cosines
    values = cosines.detach().sort().values
    low, high = values[len(values) // 4], values[3 * len(values) // 4]  # as the authors; no interpolation
    reach = whisker * (high - low)
    return cosines[(cosines >= low - reach) & (cosines <= high + reach)]
