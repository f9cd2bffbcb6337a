"""Names of quality scores to what computes them."""

from __future__ import annotations

from collections.abc import Sequence

from mien.errors import NotFoundError
from mien.evaluate.quality_faces import Raters, Reading
from mien.models import Head, LoadSettings, cards, load_head
from mien.quality.components import components
from mien.quality.head import NAMES, QUALITY, scores
from mien.quality.utility import Ground, measures
from mien.registry import unknown_name
from mien.types.arrays import FloatArray
from mien.types.faces import Column

HEAD = "quality"
UNIFIED, EVERY = "unified", "components"
"""The score of the head `quality`; every component of it."""
LEARNING = ("forest", "recognisability")
"""Measures that need examples."""


def known() -> tuple[str, ...]:
    """Every name that may be asked for."""
    trained = (card.name for card in cards("head") if card.family == "utility")
    return (UNIFIED, *measures, *trained, *components)


def check(names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once, ``components`` written out.

    Raises:
        NotFoundError: one that means nothing.
    """
    wanted = dict.fromkeys(each for name in names for each in (components if name == EVERY else [name]))
    allowed = known()
    for name in wanted:
        if name not in allowed:
            raise NotFoundError(unknown_name("measure of quality", name, [*allowed, EVERY]))
    return tuple(wanted)


def open_raters(names: Sequence[str], ground: Ground) -> Raters:
    """What computes these scores.

    Raises:
        NotFoundError: an unknown name.
        UsageError: a measure that learns, without examples.
        ModelError, LicenceError: as `load_head`.
    """
    readings: dict[str, tuple[str, Reading]] = {}
    for name in check(names):
        if name in measures:
            continue
        if name == UNIFIED:
            readings[name] = HEAD, scores
        elif name in components:
            readings[name] = HEAD, _component(NAMES.index(name))
        else:
            readings[name] = name, _whole
    asked = dict.fromkeys(head for head, _ in readings.values())
    return Raters(
        {name: measures[name](ground) for name in check(names) if name in measures},
        _in_order([load_head(name, ground.settings) for name in asked], ground.settings),
        readings,
    )


def _component(number: int) -> Reading:
    def read(column: Column) -> FloatArray:
        values: FloatArray = column.values[:, 1 + number, QUALITY]
        return values

    return read


def _whole(column: Column) -> FloatArray:
    return column.values


def _in_order(asked: Sequence[Head], settings: LoadSettings) -> tuple[Head, ...]:
    """Each after those that it needs."""
    ordered: dict[str, Head] = {}
    for head in asked:
        for other in _in_order([load_head(name, settings) for name in head.needs], settings):
            ordered.setdefault(other.card.name, other)
        ordered.setdefault(head.card.name, head)
    return tuple(ordered.values())
