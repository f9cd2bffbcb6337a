"""The error rates and models behind all compatible calls, which have no argument for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mien.compare import at_fmr
from mien.service.engine import Models
from mien.types.score import OperatingPoint


@dataclass(frozen=True, slots=True)
class Settings:
    """What thresholds promise, and who answers.

    Args:
        fmr: false match rate of a comparison of two pictures.
        fpir: how often a stranger is found in a gallery.
        models: detector and embedder, where the caller names none of mien's.
    """

    fmr: float = 1e-4
    fpir: float = 0.003
    models: Models = field(default_factory=Models)


_settings = [Settings()]


def current() -> Settings:
    """The settings in force."""
    return _settings[0]


def configure(*, fmr: float | None = None, fpir: float | None = None, models: Models | None = None) -> Settings:
    """Change what is given, for the whole process; everything else stays.

    Args:
        fmr: in (0, 1); refused if the embedder's table does not support it.
        fpir: in (0, 1).
        models: detector and embedder.

    Returns:
        The settings now in force; their former values can be given back the same way.

    Raises:
        UsageError: the rate is not supported, or the embedder has no measured operating table.
    """
    given = {name: value for name, value in (("fmr", fmr), ("fpir", fpir), ("models", models)) if value is not None}
    changed = replace(current(), **given)  # type: ignore[arg-type]
    at_fmr(changed.models.table(), changed.fmr)
    _settings[0] = changed
    return changed


def operating_point() -> OperatingPoint:
    """The cosine at which two faces match, and what it rests on."""
    settings = current()
    return at_fmr(settings.models.table(), settings.fmr)
