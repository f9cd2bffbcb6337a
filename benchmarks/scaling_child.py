"""The fresh process that `bench_scaling.py` measures: imports what a user's would, prints one line of JSON."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mien.gallery import Gallery
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

DIMENSION = 128
PROBES, BATCH = 50, 64
CONTRACT = TemplateContract("drawn", "00" * 32, DIMENSION, "none")
FACE = Face((0.0, 0.0, 100.0, 100.0), 0.9, ((50.0, 50.0),) * 5)


def drawn(first: int, count: int) -> np.ndarray:
    """Unit vectors (count, 128) float32 of different people: cosines of 0.085 ± 0.087, as SFace's on LFW."""
    rng = np.random.default_rng(first)
    vectors = rng.standard_normal((count, DIMENSION), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors *= np.float32(np.sqrt(1 - 0.085))
    vectors[:, 0] += np.float32(np.sqrt(0.085))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def templates(vectors: np.ndarray) -> Templates:
    """With a face each, as they come from a pipeline."""
    return Templates(vectors, Precision.F32, CONTRACT, (FACE,) * len(vectors))


def child_templates(path: Path) -> dict[str, float]:
    """What a fresh process sees of a gallery."""
    probes = drawn(10**9, PROBES + BATCH)
    start = time.perf_counter()
    with Gallery.open(path, read_only=True) as gallery:
        gallery.search(templates(probes[:1]), 10)
        first = time.perf_counter()
        opened = first - start
        single = []
        for row in range(PROBES):
            start = time.perf_counter()
            gallery.search(templates(probes[row : row + 1]), 10)
            single.append(time.perf_counter() - start)
        batches = []
        for _ in range(3):
            start = time.perf_counter()
            gallery.search(templates(probes[PROBES:]), 10)
            batches.append((time.perf_counter() - start) / BATCH)
    return {
        "first": first,
        "open to first search": opened,
        "one search": statistics.median(single),
        f"a probe of a batch of {BATCH}": statistics.median(batches),
        "peak MB": _peak_mb(),
    }


def child_photos(folder: Path) -> dict[str, float]:
    """Index a folder into a new gallery, then group what is in it."""
    import mien
    from mien.service.people import group_gallery

    with tempfile.TemporaryDirectory() as work, mien.open(Path(work) / "new.mien") as gallery:
        gallery.models.pipeline(batch=True)
        start = time.perf_counter()
        gallery.index(folder)
        indexed = time.perf_counter()
        group_gallery(gallery.store, gallery.models)
        grouped = time.perf_counter()
    return {"index": indexed - start, "group": grouped - indexed, "peak MB": _peak_mb()}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    what, path = sys.argv[1:]
    print(json.dumps((child_templates if what == "templates" else child_photos)(Path(path))))
