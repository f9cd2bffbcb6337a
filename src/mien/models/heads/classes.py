"""Networks that sort a face into named classes: expression, sex, bona fide or attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mien.models.card import Card
from mien.models.heads import heads
from mien.models.network import answers, by_label, softmax
from mien.models.views import Cuts, Shape, Upright, View
from mien.types.faces import Column

if TYPE_CHECKING:
    from mien.runtime import Session

EXPRESSION = View(Shape.SQUARE, 1.0, 224)
PORTRAIT = Upright(128)
"""Shared by age and sex, which average it down to 64 and 32 pixels."""
SURROUNDINGS = View(Shape.INSIDE, 2.7, 128)


@dataclass(frozen=True, slots=True)
class Classes:
    """Probabilities of the classes that the card's labels name.

    Args:
        view: what it looks at.
        logits: the network gives logits, not probabilities.
    """

    card: Card
    session: Session
    view: View | Upright
    logits: bool = True
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n, k) probabilities in the order of the labels."""
        (given,) = answers(self.card, self.session, cuts.cut(self.view))
        return Column(softmax(given / self.temperature) if self.logits else given)

    @property
    def temperature(self) -> float:
        """What logits are divided by, so that probabilities are as often right as they say (Guo et al., ICML 2017)."""
        return self.card.head.parameters.get("temperature", 1.0) if self.card.head else 1.0

    def describe(self, column: Column, row: int) -> dict[str, Any]:
        """The likeliest label, and the probability of each."""
        labels = self.card.head.labels if self.card.head else ()
        shares = column.values[row]
        return {"label": labels[int(shares.argmax())], "probabilities": by_label(labels, shares)}


@heads.register("expression")
def expression(card: Card, session: Session) -> Classes:
    """The head of a card."""
    return Classes(card, session, EXPRESSION)


@heads.register("sex")
def sex(card: Card, session: Session) -> Classes:
    """The head of a card; the network ends in a softmax of its own."""
    return Classes(card, session, PORTRAIT, logits=False)


@heads.register("liveness")
def liveness(card: Card, session: Session) -> Classes:
    """The head of a card; the first class is bona fide."""
    return Classes(card, session, SURROUNDINGS)
