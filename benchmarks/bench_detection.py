"""How well and how fast a detector finds faces.

    python benchmarks/bench_detection.py ../shared/data --detector yunet --side 640 --side 1600

prints, for each side, the average precision of the official WIDER FACE evaluation (easy, medium, hard), milliseconds of
processor time a picture, precision and recall by height of the face at the operating score; then how many tight crops,
portraits and LFW pictures give no face or several. The metrics are those of `mien evaluate detection`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mien.evaluate.detection import measure, run_detector
from mien.evaluate.protocols.widerface import WiderFace, read_widerface
from mien.image import Limits, open_photo
from mien.models import Detector, LoadSettings, load_detector


def crop_sets(data: Path) -> Iterator[tuple[str, list[Path]]]:
    """Sets of pictures of one face each (LFW: at least one)."""
    for name in ("utkface", "mtfl", "fer2013", "london", "lfw"):
        yield name, sorted((data / name).rglob("*.jpg"))


def bench_wider(detector: Detector, data: WiderFace) -> None:
    result = measure(run_detector(detector, data), data).to_dict()
    at = result["operating"]
    heights = (f"{band['from_px']} px {100 * band['value']:.1f}" for band in at["recall_by_height"] if band["trials"])
    print(
        f"side {detector.side}: AP " + " / ".join(f"{100 * s['ap']['value']:.2f}" for s in result["settings"].values()),
        f"| {result['milliseconds']['detect']['cpu_mean']:.1f} CPU ms a picture",
        f"| score {at['score']}: {at['precision']['trials']} finds,",
        f"precision {100 * at['precision']['value']:.1f} %, recall by height",
        ", ".join(heights),
        flush=True,
    )


def bench_crops(detector: Detector, data: Path, most: int) -> None:
    for name, paths in crop_sets(data):
        paths = paths[:: max(1, len(paths) // most)]
        photos = [open_photo(path, limits=Limits(min_side=1)) for path in paths]
        start = time.process_time()
        counts = np.array([len(detector.detect(photo.decode(detector.side))) for photo in photos])
        each = 1000 * (time.process_time() - start) / len(paths)
        print(
            f"{name}: {len(paths)} pictures, {np.sum(counts == 0)} without a face, {np.sum(counts > 1)} with several,",
            f"{each:.1f} CPU ms with decoding",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--side", type=int, action="append", help="long side of the finest look; may be repeated")
    parser.add_argument("--crops", type=int, default=100_000, help="about so many pictures of each set of crops")
    options = parser.parse_args()
    detector = load_detector(options.detector, LoadSettings(engine=options.engine))
    print(options.detector, options.engine)
    data = read_widerface(options.data / "widerface")
    for side in options.side or [detector.side]:
        bench_wider(detector.with_side(side), data)
    bench_crops(detector, options.data, options.crops)


if __name__ == "__main__":
    main()
