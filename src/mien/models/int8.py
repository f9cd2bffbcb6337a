"""int8 networks of embedders: made on this machine from a card's weights, kept with what they were checked against."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mien.errors import ModelMissingError
from mien.models.card import Card
from mien.models.store import Store
from mien.runtime.prepared import name_of, read_whole, write_whole

ALLOWED_LOSS = 0.0005
"""Of the accuracy on the pairs of the check: 0.05 points."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an int8 network may be used.

    Args:
        calibrated: faces it was calibrated on.
        check: the pairs it was checked on.
        pairs: how many.
        accuracy: with the int8 network.
        reference: with the network it was made of, in f32.
    """

    calibrated: int
    check: str
    pairs: int
    accuracy: float
    reference: float

    @property
    def passed(self) -> bool:
        """Whether accuracy fell by no more than `ALLOWED_LOSS`."""
        return self.accuracy >= self.reference - ALLOWED_LOSS - 1e-9


def keep(card: Card, network: bytes, evidence: Evidence, store: Store) -> None:
    """Keep a network that passed its check.

    Raises:
        ValueError: it did not pass.
        OSError: the cache cannot be written.
    """
    if not evidence.passed:
        raise ValueError(f"the int8 network of '{card.name}' loses accuracy")
    head = json.dumps(asdict(evidence)).encode()
    write_whole(_path(card, store), head + b"\n" + network)


def read(card: Card, store: Store) -> tuple[Evidence, bytes]:
    """The evidence and the network.

    Raises:
        ModelMissingError: none was made here for these weights, or it is damaged.
    """
    data = read_whole(_path(card, store))
    if data is None:
        raise ModelMissingError(
            f"there is no int8 network of '{card.name}' here; make and check one: "
            f"`mien models tune {card.name} --int8 --calibrate FOLDER --check LFW`",
            source=card.name,
        )
    head, _, network = data.partition(b"\n")
    return Evidence(**json.loads(head)), network


def has(card: Card, store: Store) -> bool:
    """Whether a network was made here for these weights."""
    return _path(card, store).exists()


def _path(card: Card, store: Store) -> Path:
    return store.folder / "int8" / name_of("int8", card.file.sha256, card.rewrites)
