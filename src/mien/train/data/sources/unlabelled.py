"""A folder of photographs of nobody knows whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.errors import UsageError
from mien.image import find_photos
from mien.train.data.base import UNLABELLED, Pictures
from mien.train.data.sources import sources


@sources.register("unlabelled")
def read_unlabelled(root: Path) -> Pictures:
    """The photographs below `root`, all with label -1.

    Raises:
        NotFoundError: no such folder.
        UsageError: no photograph.
    """
    paths, failures = find_photos(root)
    if not paths:
        raise UsageError(f"{root} holds no photographs; give a folder of photographs")
    names = [path.relative_to(root).as_posix() for path in paths]
    labels = np.full(len(paths), UNLABELLED, np.int64)
    return Pictures(names, labels, (), paths.__getitem__, {"kind": "unlabelled"}, failures=failures)
