"""One reference before it is enrolled: what each detector says of it, and whether it is called an attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mien.errors import UsageError
from mien.image import PhotoSource
from mien.manipulation.cues import cues
from mien.manipulation.looking import Looker
from mien.manipulation.trained import Trained, find_trained
from mien.runtime import Session

LIMITS = (
    "The detectors have learnt from landmark morphs and up-convolved faces made of one set of studio portraits. They "
    "are unproven against other tools, and call nearly every picture of another kind an attack: nine in ten untouched "
    "press photographs. For your own captures train them on your own: mien morph make, mien morph train."
)

DIFFERENTIAL, SINGLE = ("embedding",), ("residual",)
"""Of each sort the one that missed fewest morphs on people held out in training."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one detector says.

    Args:
        detector: with its threshold and its error rates.
        score: higher is more like an attack.
    """

    detector: Trained
    score: float

    @property
    def called(self) -> bool:
        """Whether it calls the picture an attack."""
        return self.score >= self.detector.threshold

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts = self.detector.facts
        return {
            "detector": self.detector.cue,
            "attack": self.detector.attack,
            "differential": self.detector.differential,
            "score": round(self.score, 4),
            "threshold": round(self.detector.threshold, 4),
            "called": self.called,
            "measured": facts.get("measured"),
            "elsewhere": facts.get("elsewhere"),
            "data": facts.get("data"),
        }


def default_detectors(*, live: bool) -> list[str]:
    """The built-in detectors that decide: with a live capture the differential one, else those of a single picture."""
    return list(DIFFERENTIAL if live else SINGLE)


def check(
    reference: PhotoSource,
    live: PhotoSource | None,
    detectors: Sequence[str],
    looker: Looker,
    *,
    encoder: Session | None = None,
) -> tuple[Verdict, ...]:
    """What detectors say of a reference.

    Args:
        reference: the picture to be enrolled.
        live: of the same person, taken where nobody could change it; None where there is none.
        detectors: names, or ``.json`` files of `mien morph train`.
        looker: with embedders where a live capture is given.
        encoder: the network of the detector ``encoder``, where that is among them.

    Raises:
        UsageError: a detector needs what is not there.
        NotFoundError: no such detector.
        FaceError: no face in a picture.
        ImageError: a picture cannot be used.
    """
    chosen = [find_trained(name) for name in detectors]
    if not chosen:
        raise UsageError("no detector is chosen")
    for one in chosen:
        if one.differential and live is None:
            raise UsageError(f"'{one.cue}' compares with a trusted live capture: --live PICTURE")
    seen = looker.look(reference)
    beside = None if live is None else looker.look(live)
    found = []
    for one in chosen:
        features = cues[one.cue](encoder).features(seen, beside)
        found.append(Verdict(one, float(one.linear.score(features))))
    return tuple(found)
