"""Networks that turn an aligned face into an embedding, one file a family. Needs PyTorch: the extra ``mien[train]``.

    from mien.backbones import build
    network = build("mobilefacenet", dimension=256)
    embeddings = network(pictures)  # (b, 3, 112, 112) float32 -> (b, 256)

This module itself does not import PyTorch; the first look into `backbones` does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mien.errors import UsageError
from mien.registry import Registry, unknown_name

if TYPE_CHECKING:
    from mien.backbones.base import Backbone

__all__ = ["Architecture", "backbones", "build", "require_extra"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network by name: how to make it, and what its authors print of it.

    Args:
        name: as in recipes and on the command line.
        make: called with ``size=``, ``dimension=`` and the options; gives the network with random weights.
        paper: title and address.
        size: pixels of a side of the square input.
        dimension: numbers in an embedding.
        options: of ``make``, where this architecture does not take the defaults.
        parameters: as the paper's or its code's own table prints them; None where none is printed.
        macs: multiply-adds of one picture, likewise; `mien.backbones.cost` says what counts as one.
        printed_as: arguments of `build` under which the printed figures hold, where those are not the defaults.
        source: where the figures are printed.
    """

    name: str
    make: Callable[..., Backbone]
    paper: str
    size: int = 112
    dimension: int = 512
    options: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    macs: int | None = None
    printed_as: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def build(self, *, dimension: int | None = None, size: int | None = None, **options: Any) -> Backbone:
        """The network with random weights.

        Raises:
            UsageError: an option that this family has not, or a size it cannot take.
        """
        known = [name for name in inspect.signature(self.make).parameters if name not in ("size", "dimension")]
        for name in options:
            if name not in known:
                raise UsageError(unknown_name(f"option of {self.name}", name, known), code="unknown-option")
        merged = {**self.options, **options}
        return self.make(size=size or self.size, dimension=dimension or self.dimension, **merged)


backbones: Registry[Architecture] = Registry("backbone", __name__)
"""Architectures by name; an outside package adds its own through the entry-point group ``mien.backbone``."""


def register(architecture: Architecture) -> None:
    """Make an architecture known by its name."""
    backbones.register(architecture.name)(architecture)


def build(name: str, *, dimension: int | None = None, size: int | None = None, **options: Any) -> Backbone:
    """The network of that name with random weights.

    Args:
        name: one of `backbones`.
        dimension: numbers in an embedding; the architecture's own when left out.
        size: pixels of a side of the input; the architecture's own when left out.
        options: of the family, such as ``ibn=True``.

    Returns:
        A module that takes (b, 3, size, size) float32 RGB, ``(pixel - 127.5) / 127.5``, and gives (b, dimension)
        embeddings that are not normalised.

    Raises:
        NotFoundError: no such architecture.
        UsageError: PyTorch is missing, an option that this family has not, or a size it cannot take.
    """
    require_extra()
    return backbones[name].build(dimension=dimension, size=size, **options)


def require_extra() -> None:
    """Raise UsageError unless PyTorch is there."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise UsageError("networks to train are an extra of their own: pip install 'mien[train]'", code="extra-missing")
