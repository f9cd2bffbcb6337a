"""Faces cut from a reduced decode of a 12-megapixel JPEG, against cut from all its pixels: accuracy and cost.

    python benchmarks/bench_decode.py --heights 20,28,40,56,80,112

Faces of London (102 people, two pictures each) and of LFW view 1 (500 mated and 500 non-mated pairs) are pasted into
mosaics of 4000 x 3000 pixels, so that a face is `height` pixels high in the decode at 1/2 or 1/4; LFW only where that
is hardly enlarged. Each face is found once, in the reduced decode, and cut twice. Accuracy is at the best threshold.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from lfw import arguments, models, read_pairs
from mien.geometry.align import align_faces
from mien.image import open_photo
from mien.pipeline import Pipeline
from mien.runtime import quiet_libraries

WIDTH, HEIGHT = 4000, 3000
QUALITY = 90

Vectors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Face:
    """A picture cut to a square around its face, and the face's height in it, pixels."""

    name: str
    pixels: NDArray[np.uint8]
    height: float


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--heights", default="20,28,40,56,80,112", help="of the face in the reduced decode, pixels")
    options = parser.parse_args()
    heights = [int(height) for height in options.heights.split(",")]
    pipeline = models(options, options.embedder.split(",")[0]).pipeline(batch=True)
    pairs = read_pairs(options.data / "lfw" / "pairsDevTest.txt")
    lfw = [(pair.a, pair.b, pair.mated) for pair in pairs]
    names = sorted({name for a, b, _ in lfw for name in (a, b)})
    london = sorted((options.data / "london").glob("*_front/*.jpg"))
    with quiet_libraries(), tempfile.TemporaryDirectory() as work:
        costs(london, Path(work))
        faces = {
            "london": [face for path in london if (face := square(pipeline, path, path.name))],
            "lfw": [face for n in names if (face := square(pipeline, options.data / "lfw" / "images" / n, n))],
        }
        for dataset, factor in (("london", 2), ("london", 4), ("lfw", 2)):
            for height in heights:
                if height * factor > 1.25 * np.median([face.height for face in faces[dataset]]):
                    continue
                compared = lfw if dataset == "lfw" else all_pairs([face.name for face in faces[dataset]])
                measure(pipeline, dataset, faces[dataset], compared, factor, height)


def square(pipeline: Pipeline, path: Path, name: str) -> Face | None:
    """The most central face with as much again around it."""
    image = open_photo(path).decode()
    found = pipeline.detector.detect(image)
    if not found:
        return None
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    row = int(np.argmin(np.linalg.norm(centres - np.array(image.size) / 2, axis=1)))
    half = float(found.heights[row])
    x0, y0 = np.maximum(0, centres[row] - half).astype(int)
    x1, y1 = (centres[row] + half).astype(int)
    return Face(name, image.pixels[y0:y1, x0:x1], half)


def all_pairs(names: list[str]) -> list[tuple[str, str, bool]]:
    """London: every neutral picture with every smiling one; the first three letters are the person."""
    neutral, smiling = ([name for name in names if name.endswith(end)] for end in ("_03.jpg", "_08.jpg"))
    return [(a, b, a[:3] == b[:3]) for a in neutral for b in smiling]


def mosaics(faces: list[Face], height: float) -> Iterator[tuple[bytes, list[Face], int]]:
    """JPEGs with the faces `height` pixels high, row by row, the faces in each, and the side of a tile."""
    tile = int(2 * height) + 8
    columns, rows = WIDTH // tile, HEIGHT // tile
    for start in range(0, len(faces), columns * rows):
        shown = faces[start : start + columns * rows]
        canvas = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
        for place, face in enumerate(shown):
            scale = height / face.height
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            small = cv2.resize(face.pixels, None, fx=scale, fy=scale, interpolation=method)[:tile, :tile]
            y, x = place // columns * tile, place % columns * tile
            canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
        yield simplejpeg.encode_jpeg(canvas, QUALITY), shown, tile


def measure(
    pipeline: Pipeline, dataset: str, faces: list[Face], pairs: list[tuple[str, str, bool]], factor: int, height: int
) -> None:
    """One line: faces of this height in the decode at 1/factor."""
    full, reduced = {}, {}
    for jpeg, shown, tile in mosaics(faces, height * factor):
        photo = open_photo(jpeg)
        whole, part = photo.decode(), photo.decode(WIDTH // factor)
        found = pipeline.detector.detect(part)
        for place, name, row in placed(found.boxes, shown, tile):
            del place
            points = found.points[[row]]
            full[name] = align_faces(whole.pixels, points)[0]
            reduced[name] = align_faces(part.pixels, points * np.array(part.scale, np.float32))[0]
    names = sorted(full)
    vectors = [
        dict(zip(names, pipeline.embedder.embed(np.stack([crops[name] for name in names])), strict=True))
        for crops in (full, reduced)
    ]
    kept = [pair for pair in pairs if pair[0] in full and pair[1] in full]
    texts = [f"{accuracy:.2%} mated {mated:.4f}" for accuracy, mated in (verify(v, kept) for v in vectors)]
    same = np.mean([np.dot(vectors[0][name], vectors[1][name]) for name in names])
    print(
        f"{dataset:6} 1/{factor} {height:4} px: {len(names):4} of {len(faces)} found; full {texts[0]}; "
        f"reduced {texts[1]}; cosine between them {same:.4f}",
        flush=True,
    )


def placed(boxes: NDArray[np.float32], shown: list[Face], tile: int) -> Iterator[tuple[int, str, int]]:
    """(place, name, row of the box) of the first face in each tile."""
    columns = WIDTH // tile
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2 // tile).astype(int)
    places = centres[:, 1] * columns + centres[:, 0]
    for place in np.unique(places):
        if place < len(shown):
            yield int(place), shown[place].name, int(np.flatnonzero(places == place)[0])


def verify(vectors: Vectors, pairs: list[tuple[str, str, bool]]) -> tuple[float, float]:
    """Balanced accuracy at the best threshold, and the mean mated cosine."""
    scores = np.array([np.dot(vectors[a], vectors[b]) for a, b, _ in pairs])
    mated = np.array([same for _, _, same in pairs])
    cuts = np.unique(scores)
    hits = 1 - np.searchsorted(np.sort(scores[mated]), cuts) / mated.sum()
    rejections = np.searchsorted(np.sort(scores[~mated]), cuts) / (~mated).sum()
    return float(((hits + rejections) / 2).max()), float(scores[mated].mean())


def costs(pictures: list[Path], work: Path) -> None:
    """Milliseconds to decode a mosaic of photographs at each scale."""
    del work
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for place, path in enumerate(pictures[:20]):
        tile = cv2.resize(open_photo(path).decode().pixels, (800, 750))
        y, x = place // 5 * 750, place % 5 * 800
        canvas[y : y + 750, x : x + 800] = tile
    photo = open_photo(simplejpeg.encode_jpeg(canvas, QUALITY))
    for factor in (1, 2, 4):
        spent = []
        for _ in range(9):
            start = time.thread_time()
            photo.decode(WIDTH // factor)
            spent.append(time.thread_time() - start)
        print(f"decode 12 megapixels at 1/{factor}: {np.median(spent) * 1e3:.1f} ms", flush=True)


if __name__ == "__main__":
    main()
