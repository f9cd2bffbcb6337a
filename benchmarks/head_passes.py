"""Milliseconds a picture with 1..N heads in one pass, against as many runs of one head each. See bench_heads.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mien.image import find_photos
from mien.service.analyze import Analyzer, open_analyzer

ORDER = ("landmarks68", "pose", "eyes", "liveness", "age", "sex", "expression")
REPEATS = 3
SETS = {"London, 810x810, one face": ("london/neutral_front", 25), "WIDER FACE, crowds": ("widerface", 41)}
"""Folder, and which of its pictures: every n-th."""


def run_passes(data: Path) -> dict[str, Any]:
    """By set: pictures, faces, and a row for each number of heads.

    Processor milliseconds, decoding and detection included, the least of `REPEATS` runs for each picture: other work on
    the machine only adds to them.
    """
    apart = [open_analyzer([name]) for name in ORDER]
    together = [open_analyzer(ORDER[: count + 1]) for count in range(len(ORDER))]
    found = {}
    for name, (folder, every) in SETS.items():
        paths = find_photos(data / folder)[0][::every]
        alone = [spent(analyzer.look, paths) for analyzer in apart]
        rows = [
            {"heads": list(ORDER[: count + 1]), "ms": spent(analyzer.look, paths), "apart_ms": sum(alone[: count + 1])}
            for count, analyzer in enumerate(together)
        ]
        faces = sum(len(apart[0].find(path)[1]) for path in paths)
        found[name] = {"pictures": len(paths), "faces": faces, "none_ms": spent(apart[0].find, paths), "rows": rows}
    return {"sets": found, "engine": engines(together[-1])}


def engines(analyzer: Analyzer) -> str:
    return ", ".join(sorted({f"{h.session.engine} {h.session.precision.value}" for h in analyzer.heads if h.session}))


def spent(look: Callable[[Path], object], paths: Sequence[Path]) -> float:
    """Mean of the pictures' milliseconds."""
    return sum(min(_timed(look, path) for _ in range(REPEATS)) for path in paths) / len(paths)


def _timed(look: Callable[[Path], object], path: Path) -> float:
    start = time.process_time()
    look(path)
    return 1000 * (time.process_time() - start)


def passes_table(passes: dict[str, Any]) -> str:
    """Rows are numbers of heads."""
    sets = list(passes["sets"].items())
    names = [f"{name} ({row['pictures']} pictures, {row['faces']} faces)" for name, row in sets]
    nothing = " | ".join(f"{row['none_ms']:.1f}" for _, row in sets)
    lines = [
        "Processor milliseconds a picture, decoding and detection included; heads on "
        f"{passes['engine']}, one thread. In brackets: as many runs of one head each.",
        "",
        f"| heads | added | {' | '.join(names)} |",
        f"|---|---|{'---|' * len(names)}",
        f"| 0 | – | {nothing} |",
    ]
    for count, name in enumerate(ORDER):
        rows = [row["rows"][count] for _, row in sets]
        cells = " | ".join(f"{row['ms']:.1f} ({row['apart_ms']:.1f})" for row in rows)
        lines.append(f"| {count + 1} | `{name}` | {cells} |")
    return "\n".join(lines)
