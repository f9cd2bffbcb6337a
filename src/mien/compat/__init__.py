"""Other libraries' calls, answered by mien: `deepface`, `face_recognition` and `insightface`.

    from mien.compat import deepface as DeepFace
    from mien.compat import face_recognition
    from mien.compat import insightface

    mien.compat.configure(fmr=1e-3)                # every threshold below follows

Names, arguments and results are theirs; models, thresholds and refusals are mien's, and docs/compat.md lists what
differs. Thresholds come from the measured operating table of the embedder at the rates of `configure`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.compat.lazy import lazily

if TYPE_CHECKING:
    from mien.compat.settings import Settings, configure, operating_point
    from mien.compat.warned import CompatWarning

__all__ = ["CompatWarning", "Settings", "configure", "operating_point"]

__getattr__ = lazily(
    __name__,
    {
        "CompatWarning": "mien.compat.warned",
        "Settings": "mien.compat.settings",
        "configure": "mien.compat.settings",
        "operating_point": "mien.compat.settings",
    },
)
