"""TopoFR: the structure of a batch survives the network, and faces that damage it weigh more."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from mien.train.losses.base import ClassLoss, StructureLoss, nothing, register, widened
from mien.train.losses.unpg import margin_loss

PAPER = "Dan et al., TopoFR, NeurIPS 2024, arXiv 2410.10587"


@register("ptsa", paper=PAPER)
class PTSA(StructureLoss):
    """Distances at which the batch falls into pieces are the same among pictures and among embeddings (TopoFR).

    L = weight 1/2 ( |A[P_A] - B[P_A]|^2 + |B[P_B] - A[P_B]|^2 ) / (b - 1),
    A and B the distances of pictures and of embeddings, each over its largest; P the edges of the minimum spanning
    tree, which are the pairs of 0-dimensional persistent homology (Moor et al., Topological Autoencoders, 2020).

    The paper perturbs the pictures that are embedded (blur, grey, colour, erasing, each face with probability 0.2) and
    compares with the pictures as they were: against copying the input's structure by heart. That is the caller's part.
    Division by the largest distance, so that units do not matter, is our choice.

    Optimises: that near faces stay near and far ones far. No labels; add it with weight 0.1 to a margin loss. Batches
    of 64 and more; leave it out below, where a spanning tree is mostly chance.

    Args:
        weight: of the term.
    """

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, inputs: Tensor, embeddings: Tensor) -> Tensor:
        """(b, …) pictures and (b, d) embeddings to ()."""
        if len(inputs) < 2:
            return nothing(embeddings)
        before, after = relative_distances(inputs.flatten(1)), relative_distances(embeddings)
        parts = [
            (before[edges[:, 0], edges[:, 1]] - after[edges[:, 0], edges[:, 1]]).square().sum()
            for edges in (spanning_tree(before), spanning_tree(after))
        ]
        return self.weight * 0.5 * (parts[0] + parts[1]) / (len(inputs) - 1)


def relative_distances(points: Tensor) -> Tensor:
    """(b, b) distances over the largest of them."""
    points = widened(points)
    squares = (points[:, None] - points[None]).square().sum(-1) if points.shape[1] <= 64 else _squares(points)
    eye = torch.eye(len(points), dtype=torch.bool, device=points.device)
    distances = squares.masked_fill(eye, 1.0).sqrt().masked_fill(eye, 0.0)  # the root of 0 has no derivative
    return distances / distances.max().clamp_min(torch.finfo(distances.dtype).tiny)


def _squares(points: Tensor) -> Tensor:
    """By the inner products: (b, b, d) differences of pictures do not fit."""
    points = points - points.mean(0)
    lengths = points.square().sum(1)
    least = torch.finfo(points.dtype).eps * lengths.detach().max().clamp_min(1e-12)
    return (lengths[:, None] + lengths[None] - 2 * points @ points.T).clamp_min(least)


def spanning_tree(distances: Tensor) -> Tensor:
    """(b - 1, 2) edges of the minimum spanning tree of (b, b) distances, by Prim's method, without gradient."""
    table = distances.detach()
    reach, source = table[0].clone(), torch.zeros(len(table), dtype=torch.int64, device=table.device)
    reach[0] = torch.inf
    outside = torch.ones(len(table), dtype=torch.bool, device=table.device)
    outside[0] = False
    edges = []
    for _ in range(len(table) - 1):
        nearest = reach.argmin()
        edges.append(torch.stack([source[nearest], nearest]))
        outside[nearest] = False
        closer = outside & (table[nearest] < reach)
        reach = torch.where(closer, table[nearest], reach)
        source = torch.where(closer, nearest, source)
        reach[nearest] = torch.inf
    return torch.stack(edges)


@register("structure-damage", paper=PAPER)
class StructureDamage(ClassLoss):
    """A margin loss in which faces that damage the structure weigh more (TopoFR's structure damage score).

    L = mean( w_i CE_i ), w_i = (2 - g_i) (1 - p_i): p_i the probability given to the own class, g_i how likely the
    entropy of the prediction belongs to the sure ones; both without gradient. `scores` holds the last w, for the log.

    g is the posterior of the Gaussian in a mixture of a zero-mean Gaussian and a uniform distribution, fitted to the
    batch's entropies (with both signs) by expectation and maximisation. The paper's code is followed in the score; that
    it rounds p to a whole number there is taken for a slip.

    Optimises: the margin loss, hard faces first. Labels: identities, clean; a wrong label is a hard face. Add `ptsa`
    for the whole of TopoFR. Prefer CurricularFace where hard negatives matter more than hard faces.

    Args:
        base: name of the margin loss.
        base_options: its options.
    """

    rescales = True
    scores: Tensor

    def __init__(self, base: str = "arcface", base_options: dict[str, object] | None = None) -> None:
        super().__init__()
        self.base = margin_loss(base, base_options)
        self.scores = torch.zeros(0)

    def forward(self, cosines: Tensor, labels: Tensor, norms: Tensor) -> Tensor:
        """(b, c) cosines, (b,) labels and (b,) norms to ()."""
        here = labels >= 0
        cosines, labels, norms = cosines[here], labels[here], widened(norms[here])
        if not len(labels):
            return nothing(cosines)
        logits = self.base.logits(cosines, labels, norms)
        self.scores = damage_scores(logits, labels)
        losses = functional.cross_entropy(logits, labels, reduction="none")
        return (self.scores * losses).mean() + self.base.regulariser(norms)


def damage_scores(logits: Tensor, labels: Tensor) -> Tensor:
    """(b,) structure damage scores in [0, 2] of (b, c) logits, without gradient."""
    logs = logits.detach().log_softmax(1)
    entropies = -(logs.exp() * logs).nan_to_num(0.0).sum(1)
    own = logs.exp().gather(1, labels[:, None])[:, 0]
    return (2 - sureness(entropies)) * (1 - own)


def sureness(entropies: Tensor, steps: int = 100) -> Tensor:
    """(b,) posterior of the Gaussian in (1 - q) U(-r, r) + q N(0, s^2), fitted to +-entropies by EM.

    r comes from the second moment of what the uniform part explains, which is r^2 / 3. The Gaussian takes no more than
    half, as in the authors' code.
    """
    squares = entropies.square() / entropies.square().mean().clamp_min(1e-12)
    share, variance, height = 0.1, squares.mean(), squares.new_tensor(0.2)  # the authors' start
    posterior = torch.ones_like(squares)
    for _ in range(steps):
        normal = torch.exp(-0.5 * squares / variance) / (2 * math.pi * variance).sqrt()
        posterior = share * normal / (share * normal + (1 - share) * height)
        variance = (posterior * squares).sum() / posterior.sum().clamp_min(1e-6) + 1e-3
        rest = (1 - posterior).sum().clamp_min(1e-6)
        height = 1 / (2 * (3 * ((1 - posterior) * squares).sum() / rest).sqrt() + 1e-3)
        share = min(0.5, float(posterior.mean()))
    return posterior
