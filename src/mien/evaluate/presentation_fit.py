"""The regression of the head `pad`, fitted to one part of made material, its threshold fixed on another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.evaluate.metrics.presentation import Errors, equal_error_threshold, errors_at
from mien.evaluate.presentation import LIVE, Part
from mien.models.detectors import Detector
from mien.models.heads.pad import LABELS, Linear
from mien.presentation.fit import Shown, fit
from mien.presentation.look import look
from mien.types.outcome import Failure

Progress = Callable[[int, int], None]
"""Called with (done, total)."""
DIGITS = 5
"""Of a parameter in a card."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What goes into a card.

    Args:
        table: the regression.
        errors: at the threshold, on the part that fixed it.
        failures: pictures that gave no cues.
    """

    table: Linear
    errors: Errors
    failures: tuple[Failure, ...]

    def parameters(self) -> dict[str, float]:
        """For ``[head.parameters]``."""
        return {name: round(value, DIGITS) for name, value in self.table.to_parameters().items()}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "threshold": self.errors.threshold,
            "development": self.errors.to_dict(),
            "parameters": self.parameters(),
        }


def fit_parts(
    train: Part, development: Part, detector: Detector, *, copies: int, progress: Progress | None = None
) -> Fitted:
    """The regression and its threshold.

    Args:
        train: pictures to fit to.
        development: of other people and makers.
        detector: finds the faces.
        copies: smaller JPEGs of each picture to fit to as well.
        progress: told how far each part is.

    Raises:
        ValueError: a label has no picture.
    """
    shown, failed = look(_pictures(train), detector, copies=copies, progress=progress)
    table = fit(shown, LABELS)
    other, lost = look(_pictures(development), detector, copies=0, progress=progress)
    return Fitted(table, _fixed(table, other), (*failed, *lost))


def _pictures(part: Part) -> list[tuple[Path, str]]:
    live = [(path, LIVE) for paths in part.bona_fide.values() for path in paths]
    return live + [(path, name) for name, paths in part.attacks.items() for path in paths]


def _fixed(table: Linear, shown: Shown) -> Errors:
    scores, species = table.probabilities(shown.values)[:, 0], np.array(shown.species)
    attacks = {str(name): scores[species == name] for name in np.unique(species) if name != LIVE}
    live = scores[species == LIVE]
    return errors_at(equal_error_threshold(live, attacks), live, attacks)
