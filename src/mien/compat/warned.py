"""What differs from the original is said once a process, not with every call."""

from __future__ import annotations

import sys
import warnings

_told: set[str] = set()


class CompatWarning(UserWarning):
    """Something is answered otherwise than the original library would."""


def warn_once(*differences: str) -> None:
    """One warning, at the caller's line, of those differences that were not given before in this process."""
    fresh = [text for text in differences if text not in _told]
    _told.update(fresh)
    if fresh:
        warnings.warn(f"{'; '.join(fresh)} (docs/compat.md)", CompatWarning, stacklevel=_callers_level())


def forget_warnings() -> None:
    """Everything is said once more."""
    _told.clear()


def _callers_level() -> int:
    """How many frames up the first one is that is not of `mien.compat`, as `warn_once` counts them."""
    frame, level = sys._getframe(2), 2
    while frame.f_back and str(frame.f_globals.get("__name__", "")).startswith("mien.compat"):
        frame, level = frame.f_back, level + 1
    return level
