"""How wide mouths grow when people smile, for the challenge of `mien pad`.

    python benchmarks/challenge_smile.py ../shared/data/london

The folder holds `neutral_front` and `smiling_front`, with the same person under the same first three digits. Width of
the mouth is measured as the challenge does: corner to corner, in distances of the eyes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from mien.evaluate.heads import central
from mien.evaluate.rates import Rate
from mien.image import open_photo
from mien.models import load_detector, load_head
from mien.models.views import Cuts

BOUNDS = (1.05, 1.08, 1.1, 1.12, 1.15, 1.2)


def width(path: Path) -> float | None:
    image = open_photo(path).decode()
    face = central(load_detector().with_side(640).detect(image))
    if face is None:
        return None
    points = load_head("landmarks68").look(Cuts(image, face)).values[0]
    eyes = np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0))
    return float(np.linalg.norm(points[54] - points[48]) / eyes)


def main(root: Path) -> None:
    smiling = {path.name[:3]: path for path in (root / "smiling_front").iterdir()}
    neutral = {path.name[:3]: path for path in (root / "neutral_front").iterdir()}
    pairs = [(width(neutral[who]), width(smiling[who])) for who in sorted(set(smiling) & set(neutral))]
    grown = np.array([wide / rest for rest, wide in pairs if rest and wide])
    print(f"{len(grown)} people; a smile makes the mouth wider by a factor of", np.quantile(grown, [0.05, 0.5, 0.95]))
    for bound in BOUNDS:
        print(f"at {bound:g}: smiles not seen {Rate(int((grown < bound).sum()), len(grown))}")
    rest = np.array([rest for rest, _ in pairs if rest])
    print("spread of widths at rest between people:", np.quantile(rest / np.median(rest), [0.05, 0.5, 0.95]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
