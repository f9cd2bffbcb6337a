"""What was measured on this machine, and the engine and precision that it speaks for.

Without a measurement the rule of `mien.runtime.choose` stands. A measurement holds for the weights, processor, cores
and versions it was made with, and no longer.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mien.cores import processor, usable_cores
from mien.models.card import Card
from mien.models.store import Store
from mien.runtime.choose import ENGINES
from mien.runtime.prepared import read_whole, write_whole
from mien.types.template import Precision
from mien.version import __version__

WORTH = 1.1
"""bf16 is taken where it is so many times as fast as the best f32: f32 is exact, and starts sooner."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One candidate: milliseconds a face or a picture, with one call running on each core."""

    engine: str
    precision: Precision
    ms: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured of one model.

    Args:
        timings: of every candidate that runs here.
        date: of the measurement, ISO 8601.
    """

    timings: tuple[Timing, ...]
    date: str

    def choice(self, engine: str = "auto", precision: str = "auto") -> Timing | None:
        """The candidate to use.

        Args:
            engine: only of this engine; ``auto`` is any.
            precision: only of this; ``auto`` is f32, or bf16 where it is `WORTH` it, and never int8.

        Returns:
            None when nothing that was measured fits.
        """
        fits = [t for t in self.timings if engine in ("auto", t.engine)]
        best = {p: min((t for t in fits if t.precision is p), key=lambda t: t.ms, default=None) for p in Precision}
        if precision != "auto":
            return best[Precision(precision)]
        exact, short = best[Precision.F32], best[Precision.BF16]
        if exact is None or short is None:
            return exact or short
        return short if short.ms * WORTH <= exact.ms else exact


def remember(card: Card, timings: Sequence[Timing], store: Store) -> Tuning:
    """Keep a measurement; it replaces the one before.

    Raises:
        OSError: the cache cannot be written.
    """
    tuning = Tuning(tuple(timings), datetime.datetime.now(datetime.UTC).date().isoformat())
    write_whole(_path(card, store), json.dumps(asdict(tuning)).encode())
    return tuning


def remembered(card: Card, store: Store) -> Tuning | None:
    """The measurement that holds here and now; None when there is none."""
    data = read_whole(_path(card, store))
    if data is None:
        return None
    with suppress(ValueError, TypeError, KeyError):
        fields = json.loads(data)
        timings = tuple(Timing(t["engine"], Precision(t["precision"]), float(t["ms"])) for t in fields["timings"])
        return Tuning(timings, str(fields["date"]))
    return None


def _path(card: Card, store: Store) -> Path:
    facts = (card.file.sha256, card.rewrites, _versions(), processor(), usable_cores(), __version__)
    return store.folder / "tuned" / hashlib.sha256(repr(facts).encode()).hexdigest()


def _versions() -> tuple[str, ...]:
    """Of the engines, without importing them."""
    found = []
    for name in ENGINES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(name)  # not there, or under another name such as onnxruntime-gpu
    return tuple(found)
