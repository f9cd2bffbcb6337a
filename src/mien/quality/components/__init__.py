"""Components of face image quality after ISO/IEC 29794-5, one file a small family.

Each has a native value in its own unit and a quality value of 0..100. Definitions, regions and parameters are those of
OFIQ 1.1 (BSI) where the docstring says nothing else; none needs a network of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mien.quality.portrait import Portrait
from mien.registry import Registry

Measure: TypeAlias = Callable[[Portrait], float]


@dataclass(frozen=True, slots=True)
class Component:
    """One component.

    Args:
        name: of the standard's component.
        unit: of the native value; empty for shares and ratios.
        measure: the native value of a face, NaN where it cannot be told.
        convert: native value to quality, 0..100; NaN stays NaN.
        advice: what would raise it, as a short order; empty = a person can do nothing about it.
    """

    name: str
    unit: str
    measure: Measure
    convert: Callable[[float], float]
    advice: str


components: Registry[Component] = Registry("quality_component", __name__)
"""Components by name; an outside package adds its own through the entry-point group ``mien.quality_component``."""


def component(
    name: str, convert: Callable[[float], float], *, unit: str = "", advice: str = ""
) -> Callable[[Measure], Measure]:
    """Decorator that makes a component of the function that measures its native value."""

    def add(measure: Measure) -> Measure:
        components.register(name)(Component(name, unit, measure, convert, advice))
        return measure

    return add
