"""Which engine and precision a model is fastest with on this machine: measured, and remembered for the next start."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from mien.cores import usable_cores
from mien.errors import UsageError
from mien.models import Card, LoadSettings, Store, find_card, int8, load_detector, load_embedder
from mien.models.catalogue import parts_of
from mien.models.tuning import Timing, Tuning, remember
from mien.runtime import quiet_libraries
from mien.runtime.choose import ENGINES, choose
from mien.runtime.selftest import golden_input
from mien.types.image import Image
from mien.types.template import Precision

BUDGET_S = 6.0
"""Default seconds of measuring a model, loading not counted."""
ROUNDS = 3
"""Every candidate has at least so many turns, one after the other."""
PICTURE = (1200, 1600)
"""Height and width of what a detector is timed on: a photograph at the long side that detectors look at by default."""

Call = Callable[[], int]
"""Work for one core; returns how many faces or pictures that was."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A model and what was measured of it; `kept` says whether the cache could be written."""

    card: Card
    tuning: Tuning
    kept: bool

    @property
    def unit(self) -> str:
        """What `Timing.ms` counts."""
        return "picture" if self.card.kind == "detector" else "face"

    @property
    def reason(self) -> str:
        """Why the choice is what it is, in one line."""
        chosen = self.tuning.choice()
        if chosen is None:
            return "nothing runs here"
        if chosen.precision is Precision.BF16:
            return "fastest of what mixes with f32 templates"
        short = [t.ms for t in self.tuning.timings if t.precision is Precision.BF16]
        return "exact, and bf16 gains less than a tenth" if short else "fastest in f32; no bf16 here"

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        chosen = self.tuning.choice()
        rows = [{"engine": t.engine, "precision": t.precision.value, "ms": t.ms} for t in self.tuning.timings]
        best = {"engine": chosen.engine, "precision": chosen.precision.value} if chosen else None
        return {
            "model": self.card.name,
            "unit": self.unit,
            "timings": rows,
            "chosen": best,
            "reason": self.reason,
            "remembered": self.kept,
            "date": self.tuning.date,
        }


def tune(name: str, settings: LoadSettings | None = None, *, budget: float = BUDGET_S) -> Iterator[Tuned]:
    """Measure a model with every engine and precision that runs here, and remember it; a fused one part by part.

    All cores work, one call on each, as over many pictures. Candidates take turns, and the median of each counts.

    Args:
        name: of a card, or the path of one.
        settings: licence policy, and whether weights may be fetched.
        budget: seconds of measuring, loading not counted.

    Raises:
        UsageError: a card without a network.
        ModelError: the weights cannot be had.
    """
    card, store = find_card(name), Store()
    for each in parts_of(card) or (card,):
        if each.input is None:
            raise UsageError(f"'{each.name}' has no network to measure")
        calls = {
            (engine, precision): _call(
                each,
                replace(settings or LoadSettings(), engine=engine, precision=precision.value, threads="throughput"),
            )
            for engine, precision in candidates(each)
        }
        timings = [Timing(*key, ms) for key, ms in measure(calls, budget).items()]
        kept = True
        try:
            tuning = remember(each, timings, store)
        except OSError:
            tuning, kept = Tuning(tuple(timings), ""), False
        yield Tuned(each, tuning, kept)


def candidates(card: Card) -> list[tuple[str, Precision]]:
    """Engines and precisions that run this card here; int8 where its network was made."""
    found = []
    for engine in ENGINES:
        for precision in Precision:
            if precision is Precision.INT8 and not (card.kind == "embedder" and int8.has(card, Store())):
                continue
            try:
                choose(engine, precision, "throughput")
            except UsageError:
                continue
            found.append((engine, precision))
    return found


def measure(calls: dict[tuple[str, Precision], Call], budget: float) -> dict[tuple[str, Precision], float]:
    """Median milliseconds an item of each call, with one running on each core, in turns until the budget is spent."""
    cores = usable_cores()
    times: dict[tuple[str, Precision], list[float]] = {key: [] for key in calls}
    with quiet_libraries(), ThreadPoolExecutor(cores) as pool:
        for call in calls.values():
            _burst(call, pool, cores)
        end = time.perf_counter() + budget
        while time.perf_counter() < end or any(len(taken) < ROUNDS for taken in times.values()):
            for key, call in calls.items():
                times[key].append(_burst(call, pool, 2 * cores))
    return {key: round(median(taken) * 1e3, 3) for key, taken in times.items()}


def _burst(call: Call, pool: Executor, count: int) -> float:
    """Seconds an item."""
    start = time.perf_counter()
    items = sum(future.result() for future in [pool.submit(call) for _ in range(count)])
    return (time.perf_counter() - start) / items


def _call(card: Card, settings: LoadSettings) -> Call:
    """The model at work on a picture or a batch of faces made of waves."""
    name = str(card.path)
    height, width = PICTURE if card.kind == "detector" else (112, 112)
    waves = golden_input((1 if card.kind == "detector" else 16, 3, height, width))
    pixels = np.ascontiguousarray(waves.transpose(0, 2, 3, 1)).astype(np.uint8)
    if card.kind == "detector":
        detector, image = load_detector(name, settings), Image(pixels[0])

        def look() -> int:
            detector.detect(image)
            return 1

        return look
    embedder = load_embedder(name, settings)

    def embed() -> int:
        embedder.embed(pixels)
        return len(pixels)

    return embed
