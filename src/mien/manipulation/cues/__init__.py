"""What betrays a morphed or made face, one file a cue: numbers that a linear detector weighs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from mien.registry import Registry

if TYPE_CHECKING:
    from mien.manipulation.looking import Seen
    from mien.runtime import Session
    from mien.types.arrays import FloatArray

Attack: TypeAlias = Literal["morph", "made"]


class Cue(Protocol):
    """Says something of a picture, or of a picture beside a trusted one."""

    @property
    def attack(self) -> Attack:
        """What it is to betray."""
        ...

    @property
    def differential(self) -> bool:
        """Whether it needs a trusted live capture of the person (ISO/IEC 20059: differential), or none (single)."""
        ...

    def features(self, suspect: Seen, live: Seen | None) -> FloatArray:
        """(d,) float32, always as many."""
        ...


CueFactory: TypeAlias = "Callable[[Session | None], Cue]"
"""Given the network of a trained encoder where there is one."""

cues: Registry[CueFactory] = Registry("cue", __name__)
"""By name; an outside package adds its own through the entry-point group ``mien.cue``."""
