"""Which models answer, and how they are opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

from mien.errors import UsageError
from mien.image import Limits
from mien.models import (
    Card,
    Detector,
    Embedder,
    LoadSettings,
    Store,
    find_card,
    load_detector,
    load_embedder,
    require_licence,
)
from mien.pipeline import Pipeline
from mien.types.results import ModelId
from mien.types.score import OperatingTable

DEFAULT_EMBEDDER = "sface"

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True, slots=True)
class Models:
    """A choice of models; the default is permissively licensed and fast on a CPU.

    Args:
        detector: name of a detector card, or path of a card file.
        embedder: name of an embedder card, or path of a card file; None = the gallery's own, or SFace.
        side: long side in pixels of the finest look for faces; larger finds smaller ones and costs its square. None =
            the detector's own.
        settings: engine, precision, threads and licence policy.
        limits: what a picture may be.
    """

    detector: str = "yunet"
    embedder: str | None = None
    side: int | None = None
    settings: LoadSettings = field(default_factory=LoadSettings)
    limits: Limits = field(default_factory=Limits)

    @property
    def embedder_card(self) -> Card:
        """The card of the embedder, read once a process, as its weights are."""
        return _embedder_card(self.embedder or DEFAULT_EMBEDDER)

    def missing(self) -> list[Card]:
        """Cards whose weights are not cached yet, after their licences were checked; the first call fetches them."""
        store = Store()
        chosen = [find_card(self.detector, "detector"), self.embedder_card]
        for card in chosen:
            require_licence(card, self.settings.allow_licence)
        return [card for card in chosen if not store.has(card)]

    def pipeline(self, *, batch: bool = False) -> Pipeline:
        """Detector and embedder, loaded once a process.

        Args:
            batch: many pictures follow, one worker a core; otherwise all cores serve one picture.
        """
        settings = replace(self.settings, threads="throughput" if batch else "latency")
        embedder = load_embedder(self.embedder or DEFAULT_EMBEDDER, settings)
        return Pipeline(self.load_detector(settings), embedder)

    def load_detector(self, settings: LoadSettings | None = None) -> Detector:
        """The detector alone, loaded once a process."""
        detector = load_detector(self.detector, settings or self.settings)
        return detector if self.side is None else detector.with_side(self.side)

    def table(self) -> OperatingTable:
        """The measured operating table of the embedder.

        Raises:
            UsageError: the card has none, so no error rate can be promised.
        """
        card = self.embedder_card
        if card.operating is None:
            raise UsageError(
                f"{card.name} has no measured operating table, so no error rate can be promised; "
                "benchmarks/operating_tables.py makes one",
                code="model-uncalibrated",
            )
        return card.operating


@cache
def _embedder_card(name: str) -> Card:
    return find_card(name, "embedder")


def model_id(embedder: Embedder) -> ModelId:
    """The embedder as results name it."""
    contract = embedder.contract
    return ModelId(contract.model, contract.digest, embedder.precision.value, embedder.engine)
