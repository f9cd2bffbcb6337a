"""Class centres, in one place or in shards over the processes of a run (Partial FC).

Both kinds have `loss(loss, embeddings, labels)`, with the embeddings of the whole batch in every process (as
:meth:`mien.train.distributed.World.gather` gives them), and the same promise: the loss is that of one process, and so
is the gradient of the embeddings, averaged over processes (which is what DistributedDataParallel does with the weights
that it reaches).
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import UsageError
from mien.train.losses.base import (
    ClassLoss,
    JointLoss,
    MarginLoss,
    SeparableLoss,
    nothing,
    own_cosines,
    unit,
    widened,
)

START = 0.01
"""Standard deviation of fresh centres; only their direction counts, and short ones turn fast at first."""


class Classifier(nn.Module):
    """All class centres in this process.

    Args:
        classes: c, at least 1.
        dimension: d, of the embeddings.
    """

    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__()
        if classes < 1:
            raise UsageError(f"a classifier needs at least one class, got {classes}", code="no-classes")
        self.classes, self.dimension = classes, dimension
        self.centres = nn.Parameter(torch.randn(classes, dimension) * START)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(b, c) cosines of (b, d) embeddings to the centres, at least float32."""
        return functional.linear(unit(embeddings), unit(self.centres))

    def loss(self, loss: nn.Module, embeddings: Tensor, labels: Tensor) -> Tensor:
        """() a class loss or joint loss of (b, d) embeddings and (b,) labels.

        Raises:
            UsageError: a loss of another kind.
        """
        if isinstance(loss, JointLoss):
            return cast(Tensor, loss(embeddings, self(embeddings), labels))
        if isinstance(loss, ClassLoss):
            return cast(Tensor, loss(self(embeddings), labels, widened(embeddings).norm(dim=1)))
        raise UsageError(f"a classifier has no use for a {type(loss).__name__}", code="loss-kind")


class ShardedClassifier(nn.Module):
    """The class centres of this process: a contiguous block of classes (An et al., Partial FC, CVPR 2022).

    No process ever holds all centres or all logits. The softmax runs across processes: they exchange, for each face,
    the largest logit, the sum of exponentials and the logit of the own class. With `sample` below 1 each step looks at
    that share of each block only: the classes of the batch, always, and others drawn at random.

    Unlike in the authors' code centres that were not drawn have a gradient of zero, not none: momentum and weight decay
    still move them, and their gradient takes its memory.

    Works for every margin loss and for separable ones. A loss that looks at whole rows of the softmax
    (`structure-damage`, `pfid`) or at pairs (`unpg`) needs a `Classifier`.

    Args:
        classes: c, over all processes.
        dimension: d, of the embeddings.
        sample: share of the centres of a step, in (0, 1].
        group: the processes; all of them when left out. Without torch.distributed there is one.

    Raises:
        UsageError: fewer classes than processes, or a share that is none.
    """

    def __init__(
        self, classes: int, dimension: int, sample: float = 1.0, *, group: dist.ProcessGroup | None = None
    ) -> None:
        super().__init__()
        self.rank, self.size = _place(group)
        if classes < self.size:
            raise UsageError(f"{classes} classes cannot be sharded over {self.size} processes", code="no-classes")
        if not 0 < sample <= 1:
            raise UsageError(f"the share of sampled classes lies in (0, 1], not {sample}", code="sample")
        self.classes, self.dimension, self.sample = classes, dimension, sample
        self.block = shard(classes, self.rank, self.size)
        self._group = group
        # processes that share a seed must not share centres: two classes would start as one
        random = torch.Generator().manual_seed(torch.initial_seed() + self.rank)
        self.centres = nn.Parameter(torch.randn(len(self.block), dimension, generator=random) * START)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(b, c of this process) cosines of (b, d) embeddings, at least float32."""
        return functional.linear(unit(embeddings), unit(self.centres))

    def loss(self, loss: nn.Module, embeddings: Tensor, labels: Tensor) -> Tensor:
        """() a margin loss or separable loss of (b, d) embeddings and (b,) labels; the same in every process.

        Every process must call it, with the same batch, and go backward from it.

        Raises:
            UsageError: a loss that cannot be computed in shards.
        """
        if not isinstance(loss, MarginLoss | SeparableLoss):
            raise UsageError(
                f"{type(loss).__name__} cannot be computed with sharded classes; use one process, or a margin loss",
                code="loss-kind",
            )
        here = labels >= 0
        embeddings, labels = embeddings[here], labels[here]
        if not len(labels):
            return nothing(embeddings) + self.centres.sum() * 0.0
        amplified: Tensor = _Amplify.apply(embeddings, float(self.size))  # type: ignore[no-untyped-call]
        centres, local = self._chosen(labels)
        cosines = functional.linear(unit(amplified), unit(centres))
        if isinstance(loss, SeparableLoss):
            return self._whole(loss.partial(widened(cosines), local))
        norms = widened(amplified).norm(dim=1)
        logits = loss.logits(cosines, local, norms, own=self._own(cosines, local))
        entropy: Tensor = _CrossEntropy.apply(logits, local, self._group, self.size)  # type: ignore[no-untyped-call]
        return entropy + loss.regulariser(widened(embeddings).norm(dim=1))

    def _chosen(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The centres of this step, and the labels as columns of them; -1 = in another block."""
        inside = (labels >= self.block.start) & (labels < self.block.stop)
        local = torch.where(inside, labels - self.block.start, -1)
        if self.sample == 1:
            return self.centres, local
        chosen = sampled(torch.unique(local[inside]), len(self.block), self.sample)
        columns = torch.searchsorted(chosen, local.clamp_min(0))
        return self.centres[chosen], torch.where(inside, columns, -1)

    def _own(self, cosines: Tensor, local: Tensor) -> Tensor:
        """(b,) cosines to the own classes; of those in other blocks without gradient, which these have themselves."""
        own = own_cosines(cosines, local)
        return torch.where(local >= 0, own, _summed(own.detach().clone(), self._group, self.size))

    def _whole(self, part: Tensor) -> Tensor:
        """The sum of all parts; the gradient is that of this part."""
        return part + (_summed(part.detach().clone(), self._group, self.size) - part.detach())


def shard(classes: int, rank: int, size: int) -> range:
    """The classes of a process: contiguous blocks, the first ones larger by one where it does not divide.

    Example:
        >>> [shard(10, rank, 3) for rank in range(3)]
        [range(0, 4), range(4, 7), range(7, 10)]
    """
    each, rest = divmod(classes, size)
    start = rank * each + min(rank, rest)
    return range(start, start + each + (rank < rest))


def sampled(positives: Tensor, classes: int, share: float) -> Tensor:
    """Sorted indices of the classes of a step: all positives, and others drawn at random up to the share."""
    count = max(len(positives), int(share * classes), 1)
    order = torch.rand(classes, device=positives.device)
    order[positives] = 2.0
    chosen: Tensor = order.topk(count).indices.sort().values
    return chosen


def _place(group: dist.ProcessGroup | None) -> tuple[int, int]:
    """Rank and number of processes; (0, 1) without torch.distributed."""
    if not (dist.is_available() and dist.is_initialized()):
        return 0, 1
    return dist.get_rank(group), dist.get_world_size(group)


def _summed(values: Tensor, group: dist.ProcessGroup | None, size: int) -> Tensor:
    """The sum over the processes, in place."""
    if size > 1:
        dist.all_reduce(values, dist.ReduceOp.SUM, group)
    return values


class _Amplify(torch.autograd.Function):
    """The identity, with the gradient times a factor: what averaging over the processes will divide by."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.factor, None


class _CrossEntropy(torch.autograd.Function):
    """Mean cross entropy of a softmax over the columns of all processes."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, local: Tensor, group: dist.ProcessGroup | None, size: int) -> Tensor:
        rows = (local >= 0).nonzero().flatten()
        own = logits.new_zeros(len(logits)).index_put_((rows,), logits[rows, local[rows]])
        largest = logits.max(1).values
        if size > 1:
            dist.all_reduce(largest, dist.ReduceOp.MAX, group)
        shares = (logits - largest[:, None]).exp_()
        # one exchange for both: (2, b) sums of exponentials and logits of the own class
        sums = _summed(torch.stack([shares.sum(1), own]), group, size)
        shares /= sums[0, :, None]
        ctx.save_for_backward(shares, rows, local[rows])
        return (sums[0].log() + largest - sums[1]).mean()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        shares, rows, columns = ctx.saved_tensors
        gradient = shares * (gradients[0] / len(shares))
        gradient[rows, columns] -= gradients[0] / len(shares)
        return gradient, None, None, None
