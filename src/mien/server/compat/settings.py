"""What the answers in other servers' words promise."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import UsageError


@dataclass(frozen=True, slots=True)
class CompatSettings:
    """Error rates and addresses of the compatible routes, whose clients cannot ask for them.

    Args:
        fmr: how often two strangers may match when pictures are compared.
        fpir: how often a stranger may be found in the gallery.
        cut_off: CompreFace's `recognize` leaves out who does not match, instead of naming the nearest whoever it is.
        deepface_at_root: DeepFace's routes answer at ``/represent`` too, not only at ``/deepface/represent``.
    """

    fmr: float = 1e-4
    fpir: float = 0.003
    cut_off: bool = False
    deepface_at_root: bool = False

    def __post_init__(self) -> None:
        for name in ("fmr", "fpir"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} must lie between 0 and 1, got {getattr(self, name):g}", code=f"{name}-range")
