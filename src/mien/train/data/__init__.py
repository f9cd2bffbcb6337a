"""Faces to train on: where they come from, how they are kept, drawn, changed and handed to the step.

>>> from mien.train.data import open_data                     # doctest: +SKIP
>>> faces = open_data("webface/")                             # doctest: +SKIP
>>> len(faces), len(faces.people), faces.read(0).shape        # doctest: +SKIP
(494414, 10575, (112, 112, 3))
"""

from __future__ import annotations

from mien.train.data.base import FaceData, Pictures, data_digest
from mien.train.data.prepare import Aligner, load_aligner, prepare
from mien.train.data.sets import View, join, pick
from mien.train.data.sources import open_data
from mien.train.data.store import Prepared

__all__ = [
    "Aligner",
    "FaceData",
    "Pictures",
    "Prepared",
    "View",
    "data_digest",
    "join",
    "load_aligner",
    "open_data",
    "pick",
    "prepare",
]
