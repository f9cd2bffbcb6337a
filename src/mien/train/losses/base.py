"""What losses take, and the registry they are in.

    kind             base class           forward
    pair             PairLoss             embeddings (b, d), labels (b,)
    class            ClassLoss            cosines (b, c), labels (b,), norms (b,)
      margin           MarginLoss           … by softmax: has `logits`, so that classes can be sharded
      separable        SeparableLoss        … a sum over classes: has `partial`, so that classes can be sharded
    joint            JointLoss            embeddings (b, d), cosines (b, c), labels (b,)
    halves           HalvesLoss           left (b, d), right (b, d)
    structure        StructureLoss        inputs (b, …), embeddings (b, d)
    quality          QualityLoss          quality (b,), cosines (b, c), labels (b,)
    recognisability  RecognisabilityLoss  index (b,), cosines (b, c), labels (b,), lost (b,), lost_index (u,)
    compatible       CompatibleLoss       embeddings (b, d), old (b, d), labels (b,)
    taught           TaughtLoss           embeddings (b, d), taught (b, e)
    taught-class     TaughtClassLoss      cosines (b, c), labels (b,), assured (b,)

Embeddings are raw (not of length 1); cosines are those of embeddings and class centres; norms are the lengths of the
embeddings; labels are int64. A face with label -1 has no label and no part in the loss. Each gives a scalar of at least
float32, whatever precision came in. In `eval()` mode a loss neither draws random numbers nor changes its state.
"""

from __future__ import annotations

import difflib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import UsageError
from mien.registry import Registry

SECTIONS = {
    **dict.fromkeys(("pair", "class", "joint"), "loss"),
    **dict.fromkeys(("halves", "structure", "quality", "recognisability"), "terms"),
    **dict.fromkeys(("compatible", "taught", "taught-class"), "teacher"),
}
"""Of a recipe, by kind of the losses that are named there."""
HALF = (torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True)
class LossEntry:
    """A loss that can be named in a recipe."""

    make: Callable[..., nn.Module]
    kind: str
    paper: str
    summary: str

    @property
    def section(self) -> str:
        """Where a recipe names it: ``loss`` (it stands alone), ``terms`` (beside one) or ``teacher``."""
        return SECTIONS[self.kind]

    @property
    def defaults(self) -> dict[str, object]:
        """The options of `make` and their defaults."""
        parameters = inspect.signature(self.make).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}


losses: Registry[LossEntry] = Registry("loss", "mien.train.losses")
"""Losses by name."""


class Loss(nn.Module, ABC):
    """Root of the losses."""

    kind: ClassVar[str]
    rescales: ClassVar[bool] = False
    """Whether the gradient is not that of the value on purpose: parts of the value are taken as constants."""


L = TypeVar("L", bound=type[Loss])


def register(name: str, *, paper: str) -> Callable[[L], L]:
    """Class decorator: the loss gets a name; the first line of its docstring is its summary."""

    def add(loss: L) -> L:
        summary = (inspect.getdoc(loss) or "").partition("\n")[0]
        losses.register(name)(LossEntry(loss, loss.kind, paper, summary))
        return loss

    return add


def make_loss(name: str, **options: object) -> nn.Module:
    """The loss of that name with those options.

    Raises:
        NotFoundError: no loss has this name.
        UsageError: it has no such option.
    """
    entry = losses[name]
    for option in options:
        if option not in entry.defaults:
            near = difflib.get_close_matches(option, entry.defaults, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            known = ", ".join(entry.defaults) or "none"
            raise UsageError(f"the loss '{name}' has no option '{option}'{hint} (known: {known})", code="loss-option")
    return entry.make(**options)


class PairLoss(Loss):
    """Compares the embeddings of a batch with each other; needs at least two faces of some people in it."""

    kind = "pair"

    @abstractmethod
    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(b, d) embeddings and (b,) labels to ()."""


class ClassLoss(Loss):
    """Compares embeddings with the centre of each class."""

    kind = "class"

    @abstractmethod
    def forward(self, cosines: Tensor, labels: Tensor, norms: Tensor) -> Tensor:
        """(b, c) cosines, (b,) labels and (b,) norms to ()."""


class MarginLoss(ClassLoss):
    """Cross entropy of logits `scale * cos`, the one of the own class made harder by a margin.

    A subclass gives `scale` and `target`; the rest is here, for classes in one place and in shards.
    """

    scale: float = 1.0

    @abstractmethod
    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """What takes the place of the (b,) cosines to the own class, before scaling."""

    def negatives(self, cosines: Tensor, own: Tensor) -> Tensor:
        """What takes the place of the (b, c) cosines to other classes, before scaling."""
        del own
        return cosines

    def scales(self, norms: Tensor) -> Tensor:
        """(b, 1) or (1, 1) factors from cosines to logits."""
        return norms.new_full((1, 1), self.scale)

    def regulariser(self, norms: Tensor) -> Tensor:
        """() what is added to the mean cross entropy."""
        return norms.new_zeros(())

    def logits(self, cosines: Tensor, labels: Tensor, norms: Tensor, *, own: Tensor | None = None) -> Tensor:
        """Logits with margin and scale.

        Args:
            cosines: (b, c); of the classes that are here.
            labels: (b,) int64 columns; -1 = the class is not here, and no column gets a margin.
            norms: (b,) lengths of the embeddings.
            own: (b,) cosines to the own classes, wherever these are; taken from `cosines` when left out.

        Returns:
            (b, c), at least float32.
        """
        cosines, norms = widened(cosines), widened(norms)
        own = own_cosines(cosines, labels) if own is None else own
        scales = self.scales(norms)
        logits = self.negatives(cosines, own) * scales
        rows = (labels >= 0).nonzero().flatten()
        target = self.target(own, norms) * scales[:, 0]
        return logits.index_put_((rows, labels[rows]), target[rows])  # on a fresh tensor: one (b, c) fewer

    def forward(self, cosines: Tensor, labels: Tensor, norms: Tensor) -> Tensor:
        """Mean cross entropy of the labelled rows, and the regulariser."""
        here = labels >= 0
        cosines, labels, norms = cosines[here], labels[here], norms[here]
        if not len(labels):
            return nothing(cosines)
        return functional.cross_entropy(self.logits(cosines, labels, norms), labels) + self.regulariser(widened(norms))


class SeparableLoss(ClassLoss):
    """A sum over classes, so that every shard of classes can contribute its part alone."""

    @abstractmethod
    def partial(self, cosines: Tensor, labels: Tensor) -> Tensor:
        """() the part of the classes that are here; label -1 = the own class is not."""

    def forward(self, cosines: Tensor, labels: Tensor, norms: Tensor) -> Tensor:
        """The whole of the labelled rows."""
        del norms
        here = labels >= 0
        return self.partial(widened(cosines[here]), labels[here]) if here.any() else nothing(cosines)


class JointLoss(Loss):
    """Compares embeddings with class centres and with each other."""

    kind = "joint"

    @abstractmethod
    def forward(self, embeddings: Tensor, cosines: Tensor, labels: Tensor) -> Tensor:
        """(b, d) embeddings, (b, c) cosines and (b,) labels to ()."""


class HalvesLoss(Loss):
    """A term added to another loss: compares the embeddings of the two halves of each face. No labels."""

    kind = "halves"

    @abstractmethod
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """(b, d) and (b, d) embeddings to ()."""


class StructureLoss(Loss):
    """A term added to another loss: compares the structure of a batch before and after the network. No labels."""

    kind = "structure"

    @abstractmethod
    def forward(self, inputs: Tensor, embeddings: Tensor) -> Tensor:
        """(b, …) pictures and (b, d) embeddings to ()."""


class QualityLoss(Loss):
    """A term added to a class loss: teaches a head to predict how well a face is recognised."""

    kind = "quality"
    token: ClassVar[bool] = False
    """Whether the network itself predicts, by a token, instead of a head on its embedding."""

    @abstractmethod
    def forward(self, quality: Tensor, cosines: Tensor, labels: Tensor) -> Tensor:
        """(b,) predictions, (b, c) cosines and (b,) labels to ()."""


class RecognisabilityLoss(Loss):
    """A term added to a class loss: predicts recognisability, and moves hard faces away from unrecognisable ones."""

    kind = "recognisability"

    @abstractmethod
    def forward(self, index: Tensor, cosines: Tensor, labels: Tensor, lost: Tensor, lost_index: Tensor) -> Tensor:
        """To a scalar.

        Args:
            index: (b,) predictions.
            cosines: (b, c) to the class centres.
            labels: (b,) int64.
            lost: (b,) cosines to the centre of unrecognisable faces.
            lost_index: (u,) predictions for unrecognisable faces.
        """


class CompatibleLoss(Loss):
    """Makes the embeddings of a new network comparable with stored ones of an old network."""

    kind = "compatible"

    @abstractmethod
    def forward(self, embeddings: Tensor, old: Tensor, labels: Tensor) -> Tensor:
        """(b, d) new and (b, d) old embeddings of the same faces, and (b,) labels, to ()."""


class TaughtLoss(Loss):
    """Compares embeddings with a teacher's. No labels."""

    kind = "taught"
    same_space: ClassVar[bool] = False
    """Whether the two are compared number by number, so that they must have one dimension."""

    @abstractmethod
    def forward(self, embeddings: Tensor, taught: Tensor) -> Tensor:
        """(b, d) embeddings and (b, e) of the teacher, of the same faces, to ()."""


class TaughtClassLoss(Loss):
    """Compares embeddings with class centres in a teacher's space."""

    kind = "taught-class"

    @abstractmethod
    def forward(self, cosines: Tensor, labels: Tensor, assured: Tensor) -> Tensor:
        """(b, c) cosines, (b,) labels and (b,) cosines of the teacher's embeddings to the own centres, to ()."""


def widened(values: Tensor) -> Tensor:
    """At least float32: angles near 0 and sums of exponentials do not survive in 8 bits of mantissa."""
    return values.float() if values.dtype in HALF else values


def unit(embeddings: Tensor) -> Tensor:
    """Rows of length 1, at least float32."""
    return functional.normalize(widened(embeddings), dim=-1)


def nothing(values: Tensor) -> Tensor:
    """A zero that can be differentiated: the loss of a batch with nothing to learn from."""
    return widened(values).sum() * 0.0


def own_cosines(cosines: Tensor, labels: Tensor) -> Tensor:
    """(b,) the entries of (b, c) at the labels; 0 where the label is -1."""
    rows = (labels >= 0).nonzero().flatten()
    # by index, since `gather` keeps the whole (b, c) for its backward pass
    return cosines.new_zeros(len(labels)).index_put((rows,), cosines[rows, labels[rows]])


def plus_angle(cosines: Tensor, angle: Tensor) -> Tensor:
    """cos(theta + angle) from cos(theta), for theta in [0, pi].

    By the addition theorem, since the derivative of the arc cosine is infinite at 0 and pi.
    """
    sines = (1 - cosines.square()).clamp_min(torch.finfo(cosines.dtype).eps).sqrt()
    return cosines * angle.cos() - sines * angle.sin()


def same_label(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Two (b, b) masks: other faces of the same person, faces of other people. Label -1 is in neither."""
    known = (labels >= 0)[:, None] & (labels >= 0)[None]
    same = labels[:, None] == labels[None]
    off = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return known & same & off, known & ~same
