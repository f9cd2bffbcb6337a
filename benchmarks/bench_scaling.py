"""Cost against work: galleries of 100 to 1,000,000 templates, folders of 1 to 10,000 photographs.

python benchmarks/bench_scaling.py                          # templates, drawn at random
python benchmarks/bench_scaling.py --what photos --data DATA
python benchmarks/bench_scaling.py --most 100000            # stop there

Every size is measured in fresh processes, `--runs` of them; the median counts. A gallery grows from size to size, and
gets its search file, if it is due one, before it is measured. Writes a CSV into `--results` and plots into
`--plots`, prints Markdown with the exponents of cost ~ work^exponent fitted above a floor that is stated.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from figures import on_its_own, scaling, three
from fits import power_law
from machine import machine, machine_class
from mien.gallery import Gallery
from scaling_child import drawn, templates

HERE = Path(__file__).parent
TEMPLATES = [100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000]
PHOTOS = [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000]
FLOOR = {"templates": 10_000, "photos": 100}
"""Below, what does not depend on the work (imports, models, opening a file) hides how the rest grows."""
CHUNK = 10_000
"""Templates of one call of `enrol_many`."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One figure: what (``templates`` or ``photos``), how much work, which measure, its value in seconds or MB."""

    what: str
    work: int
    measure: str
    value: float


def measure_templates(most: int, runs: int, work: Path) -> Iterator[Cost]:
    """Enrol up to each size, then open and search in fresh processes."""
    path, stored, seconds = work / "scaling.mien", 0, 0.0
    for size in [size for size in TEMPLATES if size <= most]:
        with Gallery.open(path, create=True) as gallery:
            for first in range(stored, size, CHUNK):
                last = min(first + CHUNK, size)
                people, drawing = [f"p{i:07}" for i in range(first, last)], templates(drawn(first, last - first))
                start = time.perf_counter()
                gallery.enrol_many(drawing, people)
                seconds += time.perf_counter() - start
            stored = size
            gallery.optimize_if_due()
        yield Cost("templates", size, "enrol all", seconds)
        yield from _children("templates", size, runs, [path])


def measure_photos(most: int, runs: int, work: Path, data: Path) -> Iterator[Cost]:
    """Index and group a folder of each size in fresh processes."""
    photos = sorted((data / "lfw" / "images").glob("*/*.jpg")) + sorted((data / "utkface").rglob("*.jpg"))
    order = np.random.default_rng(0).permutation(len(photos))
    for size in [size for size in PHOTOS if size <= min(most, len(photos))]:
        folder = work / f"photos-{size}"
        folder.mkdir()
        for number in order[:size]:
            (folder / f"{number}.jpg").symlink_to(photos[number])
        yield from _children("photos", size, runs, [folder])


def _children(what: str, size: int, runs: int, arguments: Sequence[Path]) -> Iterator[Cost]:
    answers = []
    for _ in range(runs):
        start = time.perf_counter()
        command = [sys.executable, str(HERE / "scaling_child.py"), what, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{what} {size}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        answer = json.loads(done.stdout)
        if "first" in answer:  # the clock is the system's, the same for both processes
            answer["start to first search"] = answer.pop("first") - start
        answers.append(answer)
    print(f"{what} {size}: {answers[-1]}", file=sys.stderr)
    for measure in answers[0]:
        yield Cost(what, size, measure, statistics.median(answer[measure] for answer in answers))


def report(costs: Sequence[Cost], what: str) -> str:
    """Markdown: a row a size, a column a measure, the exponents last."""
    measures = list(dict.fromkeys(cost.measure for cost in costs if cost.what == what))
    sizes = list(dict.fromkeys(cost.work for cost in costs if cost.what == what))
    value = {(cost.work, cost.measure): cost.value for cost in costs if cost.what == what}
    rows = [f"| {what} | {' | '.join(measures)} |", "|---" * (1 + len(measures)) + "|"]
    rows += [f"| {size:,} | {' | '.join(shown(m, value[size, m]) for m in measures)} |" for size in sizes]
    fits = [power_law(sizes, [value[size, m] for size in sizes], FLOOR[what]) for m in measures]
    rows.append(f"| exponent from {FLOOR[what]:,} | {' | '.join(str(fit or '') for fit in fits)} |")
    return "\n".join(rows) + "\n"


def shown(measure: str, value: float) -> str:
    """A cost for people: MB, s, ms or µs, three digits."""
    if measure.endswith("MB"):
        return f"{value:,.0f}"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 1 or unit == "µs":
            return f"{three(value * factor)} {unit}"
    raise AssertionError("unreachable")


def curves(costs: Sequence[Cost], what: str) -> dict[str, tuple[list[int], list[float]]]:
    """(work, seconds) by measure; names carry the exponent."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for cost in costs:
        if cost.what == what and not cost.measure.endswith("MB"):
            work, value = found.setdefault(cost.measure, ([], []))
            work.append(cost.work)
            value.append(cost.value)
    fits = {name: power_law(*points, FLOOR[what]) for name, points in found.items()}
    return {f"{name}: {fits[name]}" if fits[name] else name: points for name, points in found.items()}


def write_csv(path: Path, costs: Sequence[Cost], where: dict[str, str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow([*where, "what", "work", "measure", "value"])
        writer.writerows([*where.values(), c.what, c.work, c.measure, f"{c.value:.6g}"] for c in costs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("templates", "photos"), default="templates")
    parser.add_argument("--data", type=Path, help="folder of the measurement pictures, for photos")
    parser.add_argument("--most", type=int, default=10**6, help="largest size")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--plots", type=Path, default=HERE.parent / "docs")
    options = parser.parse_args()
    if options.what == "photos" and options.data is None:
        parser.error("--what photos needs --data")
    with tempfile.TemporaryDirectory() as work:
        if options.what == "templates":
            costs = list(measure_templates(options.most, options.runs, Path(work)))
        else:
            costs = list(measure_photos(options.most, options.runs, Path(work), options.data))
    where = machine()
    options.results.mkdir(parents=True, exist_ok=True)
    stem = f"scaling-{options.what}-{where['date']}-{machine_class(where)}-{where['commit']}"
    write_csv(options.results / f"{stem}.csv", costs, where)
    note = f"{where['cpu']}, {where['cores']} cores, {where['date']}, commit {where['commit']}"
    label = "templates in the gallery" if options.what == "templates" else "photographs"
    picture = scaling(curves(costs, options.what), title=f"Cost against {label}", note=note, label=label)
    (options.plots / f"scaling-{options.what}.svg").write_text(on_its_own(picture), "utf-8")
    print(f"{note}; medians of {options.runs} processes\n\n{report(costs, options.what)}")


if __name__ == "__main__":
    main()
