"""What an embedder's templates may be compared with, told from its card alone: opening a gallery loads no network."""

from __future__ import annotations

from collections.abc import Sequence

from mien.errors import ModelInvalidError, UsageError
from mien.models.card import Card, Fuse
from mien.models.catalogue import parts_of
from mien.models.embedders.arcface import preprocessing
from mien.types.template import TemplateContract


def contract_of(card: Card) -> TemplateContract:
    """The contract of an embedder's card; the same that the loaded embedder has.

    Raises:
        UsageError: the card is not an embedder's.
        ModelInvalidError: a fused card that does not add up.
    """
    if card.fuse:
        return joint_contract(card, card.fuse, [contract_of(part) for part in parts_of(card)])
    if card.kind != "embedder" or card.input is None or card.dimension is None:
        raise UsageError(f"'{card.name}' is a card of kind {card.kind}, embedder was asked for", source=card.name)
    return TemplateContract(card.name, card.file.sha256, card.dimension, preprocessing(card.input))


def joint_contract(card: Card, recipe: Fuse, contracts: Sequence[TemplateContract]) -> TemplateContract:
    """The contract of vectors made of several.

    Raises:
        ModelInvalidError: the card's dimension is not the sum of its parts'.
    """
    dimension = sum(contract.dimension for contract in contracts)
    if dimension != card.dimension:
        raise ModelInvalidError(
            f"{card.path}: 'dimension' must be {dimension}, the sum of its parts, got {card.dimension}"
        )
    return TemplateContract(
        model=card.name,
        weights="+".join(contract.weights for contract in contracts),
        dimension=dimension,
        # The shares change every score, so they are part of what makes templates comparable.
        preprocessing="+".join(f"{w:g}*{c.preprocessing}" for w, c in zip(recipe.weights, contracts, strict=True)),
    )
