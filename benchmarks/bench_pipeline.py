"""Photographs to templates: mien's stream against OpenCV's FaceDetectorYN and FaceRecognizerSF, A B A B.

    python benchmarks/bench_pipeline.py --rounds 3 --sets lfw,wider,mosaics

Both run the same YuNet and SFace weights on all cores, find faces at the same long side and score, and cut and embed
every face. Each turn is a process of its own that is warmed up before the clock starts. `mosaics` are 4000 x 3000 JPEGs
made of LFW and WIDER FACE pictures. With `--profile` mien's last turn also prints its stages.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from lfw import DATA
from mien.cli.profile import table
from mien.models import LoadSettings, Store, find_card
from mien.pipeline import Acquired, Recorder, stream
from mien.runtime.rewrites import Graph, rewrite
from mien.service.engine import Models

SIDE, SCORE = 1600, 0.7
PICTURES = {"lfw": (1000, 300), "wider": (100, 40), "mosaics": (16, 8)}
"""Of each set: how many mien is given, and how many OpenCV."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the measurement pictures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sets", default="lfw,wider,mosaics")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--profile", action="store_true", help="the stages of mien's turns, on stderr")
    parser.add_argument("--turn", choices=["mien", "opencv"], help="(one turn, as the main process starts it)")
    options = parser.parse_args()
    if options.turn:
        print(json.dumps(turn(options, [Path(line) for line in sys.stdin.read().splitlines()])))
        return
    with tempfile.TemporaryDirectory() as work:
        for name in options.sets.split(","):
            compare(options, name, pictures(options.data, name, Path(work)))


def compare(options: argparse.Namespace, name: str, paths: list[Path]) -> None:
    """One line a side, and the ratio."""
    turns: dict[str, list[dict[str, float]]] = {"mien": [], "opencv": []}
    for _ in range(options.rounds):
        for who, count in zip(turns, PICTURES[name], strict=True):
            arguments = ["--turn", who, "--engine", options.engine, *(["--profile"] if options.profile else [])]
            chosen = "\n".join(map(str, paths[:count]))
            command = [sys.executable, __file__, *arguments]
            done = subprocess.run(command, input=chosen, stdout=subprocess.PIPE, text=True, check=True)
            turns[who].append(json.loads(done.stdout))
    for who, results in turns.items():
        median = {key: statistics.median(result[key] for result in results) for key in results[0]}
        print(
            f"{name:8} {who:7} {median['rate']:7.1f} pictures/s, {median['cpu']:7.2f} ms of processor a picture, "
            f"{median['faces']:.2f} faces a picture, at most {median['mib']:.0f} MiB"
        )
    ratios = [a["rate"] / b["rate"] for a, b in zip(*turns.values(), strict=True)]
    print(
        f"{name:8} ratio   {statistics.median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})",
        flush=True,
    )


def turn(options: argparse.Namespace, paths: list[Path]) -> dict[str, float]:
    """One side's run over the pictures."""
    run = mien_run(options) if options.turn == "mien" else opencv_run()
    run(paths[: max(2, len(paths) // 20)])
    wall, cpu = time.perf_counter(), time.process_time()
    faces = run(paths)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n = len(paths)
    return {"rate": n / wall, "cpu": cpu / n * 1e3, "faces": faces / n, "mib": peak}


def mien_run(options: argparse.Namespace) -> Callable[[list[Path]], int]:
    settings = LoadSettings(engine=options.engine)
    pipeline = Models(detector="yunet", embedder="sface", side=SIDE, settings=settings).pipeline(batch=True)

    def run(paths: list[Path]) -> int:
        recorder = Recorder() if options.profile else None
        outcomes = stream(pipeline, paths, recorder=recorder)
        faces = sum(len(outcome.templates) for outcome in outcomes if isinstance(outcome, Acquired))
        if recorder is not None:
            print(table(recorder.profile()), file=sys.stderr)
        return faces

    return run


def opencv_run() -> Callable[[list[Path]], int]:
    store, files = Store(), {}
    with tempfile.TemporaryDirectory() as work:
        for name in ("yunet", "sface"):
            card = find_card(name)
            data = store.read(card, card.file)
            if name == "sface":  # OpenCV 5 does not load it with its blocks of int8: the same weights as float32
                data = rewrite(Graph.parse(data), (), split_prelus=False).to_bytes()
            files[name] = Path(work) / f"{name}.onnx"
            files[name].write_bytes(data)
        detector = cv2.FaceDetectorYN.create(str(files["yunet"]), "", (320, 320), SCORE, 0.4, 5000)
        embedder = cv2.FaceRecognizerSF.create(str(files["sface"]), "")

    def run(paths: list[Path]) -> int:
        faces = 0
        for path in paths:
            picture = cv2.imread(str(path))
            scale = min(1.0, SIDE / max(picture.shape[:2]))
            small = cv2.resize(picture, None, fx=scale, fy=scale) if scale < 1 else picture
            detector.setInputSize((small.shape[1], small.shape[0]))
            found = detector.detect(small)[1]
            for row in [] if found is None else found:
                row[:14] /= scale
                embedder.feature(embedder.alignCrop(picture, row))
                faces += 1
        return faces

    return run


def pictures(data: Path, name: str, work: Path) -> list[Path]:
    """The paths of a set; mosaics are made."""
    lfw = sorted((data / "lfw" / "images").glob("*/*.jpg"))
    wider = sorted((data / "widerface").rglob("*.jpg"))
    if name != "mosaics":
        chosen = {"lfw": lfw[::8], "wider": wider}[name]
        return chosen[: max(PICTURES[name])]
    draw = random.Random(1)
    return [
        mosaic(work / f"{i:02}.jpg", *((lfw, 6, 4) if i % 2 else (wider, 4, 3)), draw)
        for i in range(max(PICTURES["mosaics"]))
    ]


def mosaic(path: Path, sources: list[Path], columns: int, rows: int, draw: random.Random) -> Path:
    """A JPEG of 4000 x 3000 pixels, quality 90, of pictures enlarged to fill their tiles."""
    canvas = np.zeros((3000, 4000, 3), np.uint8)
    width, height = 4000 // columns, 3000 // rows
    for place in range(columns * rows):
        picture = cv2.imread(str(draw.choice(sources)))
        scale = max(width / picture.shape[1], height / picture.shape[0]) + 1e-3
        large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        y, x = place // columns * height, place % columns * width
        canvas[y : y + height, x : x + width] = large[:height, :width]
    cv2.imwrite(str(path), canvas, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path


if __name__ == "__main__":
    main()
