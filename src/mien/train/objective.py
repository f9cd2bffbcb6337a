"""What is minimised: a loss, and the class centres where it has any."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from mien.errors import UsageError
from mien.train.classifier import Classifier, ShardedClassifier
from mien.train.distil import Distillation
from mien.train.distributed import World
from mien.train.losses import ClassLoss, JointLoss, PairLoss, losses, make_loss
from mien.train.recipe import Recipe, require_options


class Objective(nn.Module):
    """Embeddings and labels of a whole batch to the loss.

    Args:
        loss: a pair, class or joint loss; None where a teacher is all there is to learn from.
        classifier: the class centres; None for a pair loss.
        seed: of what the loss draws. It depends on the step alone, so that all processes draw alike, and a run that
            goes on draws what it would have drawn.
        distillation: what a teacher asks for besides; None without one.
    """

    def __init__(
        self,
        loss: nn.Module | None,
        classifier: Classifier | ShardedClassifier | None,
        seed: int,
        distillation: Distillation | None = None,
    ) -> None:
        super().__init__()
        self._loss, self.classifier, self._seed, self.distillation = loss, classifier, seed, distillation

    @property
    def sharded(self) -> bool:
        """Whether every process has class centres of its own."""
        return isinstance(self.classifier, ShardedClassifier)

    def forward(self, embeddings: Tensor, labels: Tensor, step: int, taught: Tensor | None = None) -> Tensor:
        """(b, d) raw embeddings, (b,) labels and (b, e) of the teacher to ()."""
        cuda = embeddings.device.type == "cuda"
        with torch.random.fork_rng([embeddings.device] if cuda else []) if self.training else nullcontext():
            if self.training:
                torch.manual_seed((self._seed << 32) + step)
            own = self._own(embeddings, labels)
            if self.distillation is None or taught is None:
                return own
            return own + torch.as_tensor(self.distillation(embeddings, labels, taught))

    def _own(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Without the teacher."""
        if self._loss is None:
            return embeddings.new_zeros(())
        if self.classifier is None:
            return torch.as_tensor(self._loss(embeddings, labels))
        return self.classifier.loss(self._loss, embeddings, labels)


def make_objective(
    recipe: Recipe, classes: int, dimension: int, world: World, distillation: Distillation | None = None
) -> Objective:
    """The recipe's loss for so many people, and what a teacher asks for.

    Raises:
        UsageError: an option that it has not, a loss that is but a term beside others, or data without people.
    """
    settings = recipe.loss
    if not settings.name:
        return Objective(None, None, recipe.run.seed, distillation)
    entry = losses[settings.name]
    require_options(settings, entry.defaults, "loss")
    loss = make_loss(settings.name, **settings.options)
    if not isinstance(loss, PairLoss | ClassLoss | JointLoss):
        able = [name for name in losses if losses[name].kind in ("pair", "class", "joint")]
        raise UsageError(
            f"'{settings.name}' is a term beside a loss and cannot stand alone (these can: {', '.join(able)})"
        )
    if classes < 2:
        raise UsageError(
            f"{recipe.data.root}: '{settings.name}' tells people apart, and there are {classes} with labels"
        )
    if isinstance(loss, PairLoss):
        return Objective(loss, None, recipe.run.seed, distillation)
    sharded = settings.sample < 1 or (settings.sharded and world.size > 1)
    classifier = ShardedClassifier(classes, dimension, settings.sample) if sharded else Classifier(classes, dimension)
    return Objective(loss, classifier, recipe.run.seed, distillation)
