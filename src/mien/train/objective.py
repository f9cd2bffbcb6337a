"""What is minimised: a loss, the class centres where it has any, and terms beside it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from mien.backbones.base import Backbone
from mien.errors import UsageError
from mien.train.classifier import Classifier, ShardedClassifier
from mien.train.distil import Distillation
from mien.train.distributed import World
from mien.train.losses import ClassLoss, JointLoss, PairLoss, losses, make_loss
from mien.train.recipe import Recipe, require_options
from mien.train.terms import Seen, Term, make_terms, view_names, view_widths


class Objective(nn.Module):
    """What a network says of a whole batch, and its labels, to the loss.

    Args:
        loss: a pair, class or joint loss; None where a teacher is all there is to learn from.
        classifier: the class centres; None for a pair loss.
        seed: of what the loss draws. It depends on the step alone, so that all processes draw alike, and a run that
            goes on draws what it would have drawn.
        distillation: what a teacher asks for besides; None without one.
        terms: beside the loss, by name.
        widths: of the rows that come in, as `view_widths` gives them; None = embeddings alone.

    Attributes:
        terms: as given.
    """

    def __init__(
        self,
        loss: nn.Module | None,
        classifier: Classifier | ShardedClassifier | None,
        seed: int,
        distillation: Distillation | None = None,
        terms: Mapping[str, Term] | None = None,
        widths: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self._loss, self.classifier, self._seed, self.distillation = loss, classifier, seed, distillation
        self.terms = nn.ModuleDict(dict(terms or {}))
        self._widths = dict(widths or {})

    @property
    def sharded(self) -> bool:
        """Whether every process has class centres of its own."""
        return isinstance(self.classifier, ShardedClassifier)

    @property
    def views(self) -> tuple[str, ...]:
        """What the rows hold beside the embedding: fields of `Seen`."""
        return tuple(self._widths)[1:]

    @property
    def scores(self) -> Tensor | None:
        """(n,) weights of the labelled faces of the last batch, where the loss weighs them (`structure-damage`)."""
        scores = getattr(self._loss, "scores", None)
        return scores if isinstance(scores, Tensor) else None

    def forward(self, rows: Tensor, labels: Tensor, step: int, taught: Tensor | None = None) -> Tensor:
        """(b, d) raw embeddings or the (b, k) rows of `Views`, (b,) labels and (b, e) of the teacher to ()."""
        seen = Seen.of(rows, self._widths) if self._widths else Seen(rows)
        embeddings = seen.embedding
        cuda = embeddings.device.type == "cuda"
        with torch.random.fork_rng([embeddings.device] if cuda else []) if self.training else nullcontext():
            if self.training:
                torch.manual_seed((self._seed << 32) + step)
            total = self._own(embeddings, labels)
            if self.terms:
                total = total + self._beside(seen, labels)
            if self.distillation is not None and taught is not None:
                total = total + torch.as_tensor(self.distillation(embeddings, labels, taught))
            return total

    def _own(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Without the teacher."""
        if self._loss is None:
            return embeddings.new_zeros(())
        if self.classifier is None:
            return torch.as_tensor(self._loss(embeddings, labels))
        return self.classifier.loss(self._loss, embeddings, labels)

    def _beside(self, seen: Seen, labels: Tensor) -> Tensor:
        """The sum of the terms."""
        cosines = seen.embedding.new_zeros(len(labels), 0)
        if self.classifier is not None and any(getattr(term, "classes", False) for term in self.terms.values()):
            with torch.no_grad():
                cosines = self.classifier(seen.embedding)
        return torch.stack([term(seen, cosines, labels) for term in self.terms.values()]).sum()


def make_objective(
    recipe: Recipe, classes: int, backbone: Backbone, world: World, distillation: Distillation | None = None
) -> Objective:
    """The recipe's loss and terms for so many people, and what a teacher asks for.

    Raises:
        NotFoundError: no such term.
        UsageError: an option that they have not, a loss in another's place, or data without people.
    """
    loss, classifier = _loss(recipe, classes, backbone.dimension, world)
    terms = make_terms(recipe.terms, backbone, classifier)
    names = view_names(terms.values())
    widths = view_widths(backbone, names) if names else None
    return Objective(loss, classifier, recipe.run.seed, distillation, terms, widths)


def _loss(
    recipe: Recipe, classes: int, dimension: int, world: World
) -> tuple[nn.Module | None, Classifier | ShardedClassifier | None]:
    """The main loss, and its class centres; None where a teacher is all there is, or pairs are."""
    settings = recipe.loss
    if not settings.name:
        return None, None
    entry = losses[settings.name]
    require_options(settings, entry.defaults, "loss")
    loss = make_loss(settings.name, **settings.options)
    if not isinstance(loss, PairLoss | ClassLoss | JointLoss):
        able = [name for name in losses if losses[name].section == "loss"]
        raise UsageError(
            f"'{settings.name}' cannot stand alone (these can: {', '.join(able)}); name it in [{entry.section}]",
            code="recipe",
        )
    if classes < 2:
        raise UsageError(
            f"{recipe.data.root}: '{settings.name}' tells people apart, and there are {classes} with labels"
        )
    if isinstance(loss, PairLoss):
        return loss, None
    sharded = settings.sample < 1 or (settings.sharded and world.size > 1)
    return loss, (ShardedClassifier(classes, dimension, settings.sample) if sharded else Classifier(classes, dimension))
