"""mien over a list of pictures; variants: ``f32`` on ONNX Runtime, ``index`` that stores them durably as well."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import mien
from mien import Models
from mien.models import LoadSettings
from mien.pipeline import Acquired, stream

PACKAGES = ("mien", "onnxruntime", "openvino", "opencv-python-headless", "simplejpeg", "numpy")
VARIANTS = {
    "": LoadSettings(),
    "f32": LoadSettings(engine="onnxruntime", precision="f32"),
    "index": LoadSettings(),
}


def open_system(weights: Path, variant: str):
    del weights  # its own store; the peers' files are made from it
    models = Models(settings=VARIANTS[variant])
    pipeline = models.pipeline(batch=True)
    how = f"{pipeline.embedder.precision}, {pipeline.embedder.engine}"
    settings = f"YuNet at the picture's own size up to {pipeline.detector.side}, score 0.7; SFace, {how}"

    def process(pictures: Iterable[str]) -> Iterator[tuple[int, list] | None]:
        for outcome in stream(pipeline, pictures):
            if isinstance(outcome, Acquired):
                yield len(outcome.templates), list(outcome.templates.vectors)
            else:
                yield None

    def index(pictures: Iterable[str]) -> Iterator[tuple[int, list] | None]:
        with tempfile.TemporaryDirectory() as work, mien.open(Path(work) / "new.mien", models=models) as gallery:
            folder = Path(work) / "pictures"
            folder.mkdir()
            for number, picture in enumerate(pictures):
                (folder / f"{number}{Path(picture).suffix}").symlink_to(picture)
            report = gallery.index(folder)
            stored = gallery.store.info()["references"]
        yield report.faces, [[0.0]] * stored  # counted in the file; their bytes are checked by the gallery
        yield from [None] * len(report.failures)

    return (f"{settings}, into a new gallery", index) if variant == "index" else (settings, process)
