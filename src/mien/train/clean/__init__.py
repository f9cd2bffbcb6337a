"""Cleaning labels that were gathered, not checked: by clusters (CAST), or by what a network makes of them.

>>> from mien.train.clean import CastSettings, cast                      # doctest: +SKIP
>>> cleaned = cast(vectors, data.labels, len(data.people), CastSettings())  # doctest: +SKIP
>>> cleaned.counts()                                                      # doctest: +SKIP
{'kept': 2101, 'moved': 214, 'no-cluster': 131, 'outlier': 96, 'twin': 14}
"""

from __future__ import annotations

from mien.train.clean.bootstrap import BootstrapSettings, bootstrap
from mien.train.clean.cast import CastSettings, cast
from mien.train.clean.result import Cleaned, Merge, Reason
from mien.train.clean.score import LabelScore, score_labels

__all__ = [
    "BootstrapSettings",
    "CastSettings",
    "Cleaned",
    "LabelScore",
    "Merge",
    "Reason",
    "bootstrap",
    "cast",
    "score_labels",
]
