"""insightface's `Face`: a dict whose keys are attributes too."""

from __future__ import annotations

from typing import Any

import numpy as np


class Face(dict[str, Any]):
    """One face; what was not determined is None.

    Keys: ``bbox`` (4,) float32 x0 y0 x1 y1 and ``kps`` (5, 2) float32 in pixels, ``det_score`` in 0..1, and with a
    recogniser ``embedding`` (d,) float32. ``normed_embedding``, ``embedding_norm`` and ``sex`` follow from the others.
    """

    def __getattr__(self, name: str) -> Any:
        """What is under a key, or None; names of Python's own protocols are no keys."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    @property
    def embedding_norm(self) -> float | None:
        """Length of the embedding."""
        return None if self.embedding is None else float(np.linalg.norm(self.embedding))

    @property
    def normed_embedding(self) -> Any:
        """The embedding at length 1."""
        return None if self.embedding is None else self.embedding / self.embedding_norm

    @property
    def sex(self) -> str | None:
        """``M`` or ``F``; mien determines none, but a face may be given one."""
        return None if self.gender is None else "M" if self.gender == 1 else "F"
