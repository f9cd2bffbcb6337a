"""Contract checks for plug-ins, and toys that need no weights."""

from __future__ import annotations

from mien.testing.models import check_detector, check_embedder
from mien.testing.toys import ToyDetector, ToyEmbedder, draw_face, draw_picture

__all__ = ["ToyDetector", "ToyEmbedder", "check_detector", "check_embedder", "draw_face", "draw_picture"]
