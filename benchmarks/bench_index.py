"""Index N photographs of LFW into a new gallery, end to end, in a process of its own: seconds, pictures/s, peak memory.

python benchmarks/bench_index.py --count 1000 --runs 3
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lfw import arguments


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    pictures = sorted((options.data / "lfw" / "images").glob("*/*.jpg"))[: options.count]
    seconds = []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "photos"
        folder.mkdir()
        for picture in pictures:
            (folder / picture.name).symlink_to(picture)
        for run in range(options.runs):
            gallery = Path(work) / f"{run}.mien"
            command = [sys.executable, "-m", "mien", "index", "-g", str(gallery), str(folder), "--json"]
            command += ["--engine", options.engine, "--precision", options.precision]
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds.append(time.perf_counter() - start)
            report = json.loads(done.stdout)
            speed = report["new"] / seconds[-1]
            print(
                f"run {run + 1}: {report['new']} pictures, {report['faces']} faces, "
                f"{len(report['failures'])} failures, {seconds[-1]:.1f} s from start to exit, {speed:.0f} pictures/s"
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    cores = len(os.sched_getaffinity(0))
    print(f"median {statistics.median(seconds):.1f} s on {cores} cores, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
