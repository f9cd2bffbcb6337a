"""Whether data keep up with training: pictures/s of preparing, of the loader, and of a step with and without it.

    python benchmarks/bench_train_data.py --prepare 1000
    python benchmarks/bench_train_data.py --prepared lfw-faces/ --backbone mobilefacenet --json result.json

The step is forward, backward and an SGD update of a backbone; "alone" repeats one batch, "fed" takes each from the
loader, whose thread shares the cores with the step as it does in training.
"""

from __future__ import annotations

import argparse
import io
import json
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lfw import DATA
from machine import machine
from mien.train.data import FaceData, load_aligner, open_data, pick, prepare
from mien.train.data.augment import RECIPES
from mien.train.data.loader import Batch, Loader
from mien.train.data.samplers import Shuffled
from mien.train.data.sources.recordio import FRAME, MAGIC

SECONDS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the measurement pictures")
    parser.add_argument("--prepared", type=Path, help="faces that were prepared before; otherwise LFW is, at first")
    parser.add_argument("--prepare", type=int, default=8120, help="pictures of LFW to prepare")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--backbone", default="mobilefacenet", help="whose step is fed; '' for none")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as work:
        folder = options.prepared or Path(work) / "faces"
        if options.prepared is None:
            figures["prepare LFW"] = prepared(options.data / "lfw", options.prepare, folder)
        faces = open_data(folder)
        for name in ("none", "flip", "adaface", "degraded", "masked"):
            figures[f"loader, memory-mapped, {name}"] = fed(loader(faces, options.batch, name))
        records = as_recordio(faces, Path(work) / "set", min(len(faces), 2000))
        for name in ("none", "adaface"):
            figures[f"loader, RecordIO (JPEG), {name}"] = fed(loader(records, options.batch, name))
        if options.backbone:
            figures |= step_figures(faces, options.backbone, options.batch)
    for name, rate in figures.items():
        print(f"{name:44} {rate:10,.0f} pictures/s")
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "batch": options.batch, "figures": figures}, indent=1)
        )


def prepared(root: Path, count: int, out: Path) -> float:
    """Pictures/s of finding, aligning and storing, models loaded before."""
    lfw = open_data(f"lfw:{root}")
    aligner = load_aligner()
    start = time.perf_counter()
    prepare(pick(lfw, np.arange(min(count, len(lfw)))), out, aligner=aligner)
    return min(count, len(lfw)) / (time.perf_counter() - start)


def loader(data: FaceData, batch: int, augment: str) -> Loader:
    return Loader(data, Shuffled(len(data), batch), augment=RECIPES[augment])


def fed(source: Loader, step: Callable[[Batch], Any] = lambda batch: None) -> float:
    """Pictures/s through the step, after the first batches."""
    batches = source.batches()
    return rate(batches, step)


def rate(batches: Iterator[Batch], step: Callable[[Batch], Any]) -> float:
    for _ in range(3):
        step(next(batches))
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        batch = next(batches)
        step(batch)
        count += len(batch.rows)
    seconds = time.perf_counter() - start
    batches.close()  # type: ignore[attr-defined]
    return count / seconds


def repeated(batch: Batch) -> Iterator[Batch]:
    while True:
        yield batch


def step_figures(faces: FaceData, backbone: str, batch: int) -> dict[str, float]:
    """The step alone, and fed."""
    import torch

    from mien.backbones import build

    model = build(backbone)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)

    def step(given: Batch) -> None:
        optimizer.zero_grad()
        model(given.faces).square().mean().backward()
        optimizer.step()

    one = next(iter(loader(faces, batch, "none").batches()))
    figures = {f"step of {backbone} alone": rate(repeated(one), step)}
    for name in ("flip", "adaface"):
        figures[f"step of {backbone} fed, {name}"] = fed(loader(faces, batch, name), step)
    return figures


def as_recordio(faces: FaceData, folder: Path, count: int) -> FaceData:
    """The first faces as JPEGs (quality 95) in the format of InsightFace's training sets."""
    folder.mkdir()
    offset = 0
    with (folder / "train.rec").open("wb") as record, (folder / "train.idx").open("w") as index:
        for row in range(count):
            out = io.BytesIO()
            Image.fromarray(faces.read(row)).save(out, "JPEG", quality=95)
            content = struct.pack("<IfQQ", 0, float(faces.labels[row]), row + 1, 0) + out.getvalue()
            content = FRAME.pack(MAGIC, len(content)) + content + b"\0" * (-len(content) % 4)
            index.write(f"{row + 1}\t{offset}\n")
            record.write(content)
            offset += len(content)
    return open_data(folder)


if __name__ == "__main__":
    main()
