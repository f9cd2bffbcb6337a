"""What `mien prepare` wrote."""

from __future__ import annotations

from pathlib import Path

from mien.train.data.sources import sources
from mien.train.data.store import Prepared, open_prepared


@sources.register("prepared")
def read_prepared(path: Path) -> Prepared:
    """The faces of a prepared folder; raises as `open_prepared`."""
    return open_prepared(path)
