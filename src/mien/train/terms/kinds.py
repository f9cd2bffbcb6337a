"""A term for each kind of loss that is one: what it looks at, and the weights it has of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.backbones.base import Backbone
from mien.errors import UsageError
from mien.train.classifier import Classifier, ShardedClassifier
from mien.train.losses import HalvesLoss, QualityLoss, RecognisabilityLoss, StructureLoss, losses, make_loss
from mien.train.losses.recognisability import unrecognisable_centre, unrecognisable_cosines
from mien.train.recipe import Terms, require_known
from mien.train.terms.views import Seen

CENTRE_MOMENTUM = 0.9
"""Of the unrecognisable centre: it is that of the last dozen batches, as the network moves."""


class Term(nn.Module, ABC):
    """A loss that is added to another one."""

    views: ClassVar[tuple[str, ...]] = ()
    """Fields of `Seen` that it looks at beside the embedding."""
    classes: ClassVar[bool] = False
    """Whether it compares with class centres."""

    @abstractmethod
    def forward(self, seen: Seen, cosines: Tensor, labels: Tensor) -> Tensor:
        """To a scalar.

        Args:
            seen: rows of the whole batch.
            cosines: (b, c) to the class centres, without gradient; (b, 0) where no term asks for them.
            labels: (b,) int64.
        """


class HalvesTerm(Term):
    """Compares the two halves of each face."""

    views = ("left", "right")

    def __init__(self, loss: HalvesLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, seen: Seen, cosines: Tensor, labels: Tensor) -> Tensor:
        """See `Term`."""
        del cosines, labels
        return torch.as_tensor(self.loss(seen.left, seen.right))


class StructureTerm(Term):
    """Compares the batch of pictures, as they were before their augmentation, with that of embeddings."""

    views = ("plain",)

    def __init__(self, loss: StructureLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, seen: Seen, cosines: Tensor, labels: Tensor) -> Tensor:
        """See `Term`."""
        del cosines, labels
        return torch.as_tensor(self.loss(seen.plain, seen.embedding))


class QualityTerm(Term):
    """A linear head on the embedding predicts quality.

    Attributes:
        head: from (b, d) raw embeddings to (b, 1).
    """

    classes = True

    def __init__(self, loss: QualityLoss, dimension: int) -> None:
        super().__init__()
        self.loss, self.head = loss, nn.Linear(dimension, 1)

    def forward(self, seen: Seen, cosines: Tensor, labels: Tensor) -> Tensor:
        """See `Term`."""
        return torch.as_tensor(self.loss(self.head(seen.embedding)[:, 0], cosines, labels))


class TokenTerm(Term):
    """The network's own quality token predicts quality."""

    views = ("quality",)
    classes = True

    def __init__(self, loss: QualityLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, seen: Seen, cosines: Tensor, labels: Tensor) -> Tensor:
        """See `Term`."""
        assert seen.quality is not None
        return torch.as_tensor(self.loss(seen.quality[:, 0], cosines, labels))


class RecognisabilityTerm(Term):
    """A linear head on the embedding predicts recognisability; the unrecognisable centre moves with the network.

    Attributes:
        head: from (b, d) raw embeddings to (b, 1).
        centre: (d,) running mean direction of unrecognisable faces; it moves while training only.
    """

    views = ("lost",)
    classes = True

    def __init__(self, loss: RecognisabilityLoss, dimension: int) -> None:
        super().__init__()
        self.loss, self.head = loss, nn.Linear(dimension, 1)
        self.centre: Tensor
        self.register_buffer("centre", torch.zeros(dimension))

    def forward(self, seen: Seen, cosines: Tensor, labels: Tensor) -> Tensor:
        """See `Term`."""
        assert seen.lost is not None
        if self.training:
            fresh = unrecognisable_centre(seen.lost.detach())
            moved = CENTRE_MOMENTUM * self.centre + (1 - CENTRE_MOMENTUM) * fresh
            self.centre.copy_(functional.normalize(moved, dim=0))
        index, lost_index = self.head(seen.embedding)[:, 0], self.head(seen.lost)[:, 0]
        lost = unrecognisable_cosines(seen.embedding.detach(), self.centre)
        return torch.as_tensor(self.loss(index, cosines, labels, lost, lost_index))


def view_names(terms: Iterable[Term]) -> tuple[str, ...]:
    """What `Views` must give for some terms: each once, in the order of `Seen`."""
    wanted = {name for term in terms for name in term.views}
    return tuple(name for name in Seen.__slots__ if name in wanted)


def make_terms(
    settings: Terms, backbone: Backbone, classifier: Classifier | ShardedClassifier | None
) -> dict[str, Term]:
    """The recipe's terms for a network, by their names.

    Args:
        settings: ``[terms]``.
        backbone: the network.
        classifier: of the main loss; None where that has no class centres.

    Raises:
        NotFoundError: no such loss.
        UsageError: it is no term; an option that it has not; class centres that are missing, or
            in several processes; a quality token that is missing.
    """
    made: dict[str, Term] = {}
    for name, options in settings.options.items():
        entry = losses[name]
        if entry.section != "terms":
            able = [other for other in losses if losses[other].section == "terms"]
            raise UsageError(
                f"'{name}' is no term beside a loss (these are: {', '.join(able)}); name it in [{entry.section}]",
                code="recipe",
            )
        require_known(options, entry.defaults, f"terms.{name}")
        made[name] = _term(name, make_loss(name, **options), backbone)
        if made[name].classes and not isinstance(classifier, Classifier):
            raise UsageError(
                f"'terms.{name}' compares with all class centres in one place; take a loss that has them, with "
                "loss.sharded = false and loss.sample = 1",
                code="recipe",
            )
    return made


def _term(name: str, loss: nn.Module, backbone: Backbone) -> Term:
    """The term that a loss of its kind is called by."""
    match loss:
        case HalvesLoss():
            return HalvesTerm(loss)
        case StructureLoss():
            return StructureTerm(loss)
        case RecognisabilityLoss():
            return RecognisabilityTerm(loss, backbone.dimension)
        case QualityLoss() if not loss.token:
            return QualityTerm(loss, backbone.dimension)
        case QualityLoss():
            if not has_token(backbone):
                raise UsageError(
                    f"'terms.{name}' teaches a quality token, and the network has none; take a backbone with one "
                    "(vit_s_quality), or terms.cr-fiqa",
                    code="recipe",
                )
            return TokenTerm(loss)
    raise AssertionError(f"{name} is no term")


def has_token(backbone: Backbone) -> bool:
    """Whether the network itself says how useful a picture is."""
    training = backbone.training
    device = next(backbone.parameters()).device
    with torch.no_grad():
        answers = backbone.eval().outputs(torch.zeros(1, 3, backbone.size, backbone.size, device=device))
    backbone.train(training)
    return "quality" in answers
