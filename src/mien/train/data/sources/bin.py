"""The .bin test sets of InsightFace as pictures of unknown people: for distilling, and for looking at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.evaluate.protocols.insightface_bin import read_bin
from mien.train.data.base import UNLABELLED, Pictures
from mien.train.data.sources import sources


@sources.register("bin")
def read_pictures(path: Path) -> Pictures:
    """Every different picture of a pair file; nothing is unpickled. Who they show, the file does not say.

    Raises:
        NotFoundError, UsageError: as `read_bin`.
    """
    pairs = read_bin(path)
    labels = np.full(len(pairs.samples), UNLABELLED, np.int64)
    return Pictures(pairs.samples, labels, (), pairs.sources.__getitem__, {"kind": "bin"}, aligned=True)
