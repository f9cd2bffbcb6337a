"""The family ``quality``, whose arithmetic lies in the package `mien.quality`.

That package builds on the models, so it is named here as an outside package's entry point would name it, and imported
on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from mien.models.heads import arithmetic

if TYPE_CHECKING:
    from mien.models.card import Card
    from mien.models.heads import Head


@arithmetic.register("quality")
def quality(card: Card) -> Head:
    """The head of a card."""
    return cast("Head", import_module("mien.quality.head").Quality(card))
