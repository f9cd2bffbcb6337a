"""What runs in each system's own process: `python -P worker.py SYSTEM WEIGHTS`, one JSON line in, one JSON line out.

First line out: {"versions": {...}, "settings": "..."}. Then for each {"pictures": [...]} in:
{"faces": n, "templates": n, "failed": n}. The end of stdin ends it. Uses the standard library only.

A system is a file beside this one with PACKAGES and `open_system(weights, variant) -> (settings, process)`, where
`process(pictures)` yields (faces found, list of templates) for each picture, or None for one it cannot read.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import math
import os
import signal
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

PR_SET_PDEATHSIG = 1


def load(system: str) -> tuple[ModuleType, str]:
    """The module of a system such as ``mien-f32``, and its variant, ``f32``; the module's name shadows no package."""
    name, _, variant = system.partition("-")
    spec = importlib.util.spec_from_file_location(f"peer_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, variant


def tally(results: Iterable[tuple[int, list[Iterable[float]]] | None]) -> dict[str, int]:
    """Faces found, templates made, pictures failed. Every number of a template is looked at: it must be finite."""
    faces = templates = failed = 0
    for result in results:
        if result is None:
            failed += 1
            continue
        found, vectors = result
        faces += found
        templates += sum(all(map(math.isfinite, vector)) for vector in vectors)
    return {"faces": faces, "templates": templates, "failed": failed}


def main() -> None:
    system, weights = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a stopped process would outlive its harness
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries that print do not reach the harness
    module, variant = load(system)
    settings, process = module.open_system(Path(weights), variant)
    facts = {"versions": {name: version(name) for name in module.PACKAGES}, "settings": settings}
    print(json.dumps(facts), file=answers)
    for line in sys.stdin:
        print(json.dumps(tally(process(json.loads(line)["pictures"]))), file=answers)


if __name__ == "__main__":
    main()
