"""Embedders, one file a family: a factory takes a card and a running session and gives an Embedder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from mien.registry import Registry

if TYPE_CHECKING:
    from mien.models.card import Card
    from mien.runtime import Session
    from mien.types.arrays import Crops, Embeddings
    from mien.types.template import Precision, TemplateContract


class Embedder(Protocol):
    """Turns aligned faces into unit vectors; safe to call from several threads."""

    @property
    def contract(self) -> TemplateContract:
        """What its templates may be compared with."""
        ...

    @property
    def precision(self) -> Precision:
        """Arithmetic in use."""
        ...

    @property
    def engine(self) -> str:
        """What runs the network; several joined by '+' for a fused embedder."""
        ...

    @property
    def batch(self) -> int:
        """Crops for one call that the engine handles best; any number is accepted."""
        ...

    def embed(self, crops: Crops) -> Embeddings:
        """(n, 112, 112, 3) uint8 RGB aligned crops to (n, d) float32 rows of length 1."""
        ...


EmbedderFactory: TypeAlias = "Callable[[Card, Session], Embedder]"

embedders: Registry[EmbedderFactory] = Registry("embedder", __name__)
"""Factories by family; an outside package adds its own through the entry-point group ``mien.embedder``."""
