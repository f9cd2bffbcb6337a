"""PFID: predictions of one animal agree, those of two differ."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mien.train.losses.base import ClassLoss, nothing, register, same_label, widened
from mien.train.losses.unpg import margin_loss


@register("pfid", paper="Shukla et al., Primate Face Identification in the Wild, PRICAI 2019, arXiv 1907.02642")
class PFID(ClassLoss):
    """Cross entropy, and a loss over pairs of the batch on the predicted distributions.

    L = CE + weight mean over pairs i < j of  D_ij for one individual, [ margin - D_ij ]_+ for two,
    D_ij = (KL(p_i | p_j) + KL(p_j | p_i)) / 2.

    The paper augments cross entropy with a pairwise loss over similar and dissimilar pairs. That the divergence is
    Kullback-Leibler's between class distributions, with a hinge and margin 2 (Hsu and Kira, 2015), is our reading.

    Optimises: predictions that also generalise to individuals not in training. Labels: identities, few of them and few
    faces each (animals, small sites). Prefer a margin loss from some hundreds of people on.

    Args:
        base: name of the loss whose logits are used.
        weight: of the pairs.
        margin: divergence from which two individuals are different enough.
        base_options: options of the base.
    """

    def __init__(
        self,
        base: str = "softmax",
        weight: float = 1.0,
        margin: float = 2.0,
        base_options: dict[str, object] | None = None,
    ) -> None:
        super().__init__()
        self.base, self.weight, self.margin = margin_loss(base, base_options), weight, margin

    def forward(self, cosines: Tensor, labels: Tensor, norms: Tensor) -> Tensor:
        """(b, c) cosines, (b,) labels and (b,) norms to ()."""
        here = labels >= 0
        cosines, labels, norms = widened(cosines[here]), labels[here], widened(norms[here])
        if not len(labels):
            return nothing(cosines)
        logits = self.base.logits(cosines, labels, norms)
        whole = functional.cross_entropy(logits, labels) + self.base.regulariser(norms)
        if len(labels) < 2:
            return whole
        return whole + self.weight * self.pairs(cosines * self.base.scales(norms), labels)

    def pairs(self, logits: Tensor, labels: Tensor) -> Tensor:
        """() the mean over pairs; of logits without margin, which favours the own class at no merit of the face."""
        logs = logits.log_softmax(1)
        cross = logs.exp() @ logs.T  # sum_k p_ik log p_jk
        own = cross.diagonal()
        divergence = (own[:, None] - cross + own[None] - cross.T) / 2
        same, different = same_label(labels)
        losses = divergence * same + (self.margin - divergence).relu() * different
        upper = (same | different).triu(1)
        return losses[upper].mean()
