"""Heads, one file a family: a factory takes a card, and a running session if there is a network, and gives a Head."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from mien.registry import Registry

if TYPE_CHECKING:
    from mien.models.card import Card
    from mien.models.views import Cuts
    from mien.runtime import Session
    from mien.types.faces import Column


class Head(Protocol):
    """Says one thing about every face of a picture; safe to call from several threads."""

    @property
    def card(self) -> Card:
        """Its card: name, digest, licence, measured error."""
        ...

    @property
    def session(self) -> Session | None:
        """The network, with engine and precision; None where the head is arithmetic on pixels and other columns."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Heads whose columns must be there first."""
        ...

    def look(self, cuts: Cuts) -> Column:
        """One row for each face of `cuts.faces`, all through the network together; there is at least one."""
        ...

    def describe(self, column: Column, row: int) -> Any:
        """The answer for one face as JSON."""
        ...


HeadFactory: TypeAlias = "Callable[[Card, Session], Head]"

heads: Registry[HeadFactory] = Registry("head", __name__)
"""Factories by family; an outside package adds its own through the entry-point group ``mien.head``."""

arithmetic: Registry[Callable[[Card], Head]] = Registry("arithmetic_head", __name__)
"""Factories of heads whose cards name no file; the entry-point group is ``mien.arithmetic_head``."""
