"""insightface's `FaceAnalysis`, `Face` and `model_zoo.get_model`, answered by mien; written against insightface 2.1.

    from mien.compat.insightface.app import FaceAnalysis

    app = FaceAnalysis(name="buffalo_l")
    app.prepare(ctx_id=0)
    faces = app.get(bgr)

`mien.compat.operating_point().threshold` is the cosine at which two embeddings match. docs/compat.md lists what
differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.compat.lazy import lazily

if TYPE_CHECKING:
    from mien.compat.insightface import app, model_zoo

__all__ = ["app", "model_zoo"]

__getattr__ = lazily(__name__, {"app": "mien.compat.insightface.app", "model_zoo": "mien.compat.insightface.model_zoo"})
