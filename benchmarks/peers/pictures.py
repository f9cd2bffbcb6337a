"""The sets of photographs: the same files for every system, chosen and made the same way everywhere."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

SETS = {"lfw": 200, "wider": 30, "12mp": 4}
"""Name, and how many pictures by default."""
COLUMNS, ROWS, CELL = 4, 3, 1000
"""A mosaic: 12 cells of 1000 px, 4000 x 3000."""
CROWD = 5
"""Pictures of WIDER FACE with at most so many faces go into mosaics: the group photographs that phones take."""


def choose(name: str, data: Path, cache: Path, count: int | None = None) -> list[Path]:
    """The pictures of a set.

    Args:
        name: ``lfw``: deep-funneled LFW, people of the view 1 test list, 250 px; ``wider``: WIDER FACE validation,
            1024 px, all its kinds of event; ``12mp``: JPEGs of 4000 x 3000 tiled from those two.
        data: folder of the measurement pictures.
        cache: where mosaics are kept.
        count: how many; the set's own number by default.
    """
    count = count or SETS[name]
    if name == "12mp":
        return mosaics(data, cache, count)
    return spread(_lfw(data) if name == "lfw" else _wider(data), count)


def spread(items: Sequence[Path], count: int) -> list[Path]:
    """`count` of them, evenly spaced."""
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def digest(pictures: Sequence[Path]) -> str:
    """12 hexadecimal digits over the contents, so that two runs can tell whether they saw the same."""
    whole = hashlib.sha256()
    for picture in pictures:
        whole.update(hashlib.sha256(picture.read_bytes()).digest())
    return whole.hexdigest()[:12]


def _lfw(data: Path) -> list[Path]:
    from mien.evaluate.protocols.lfw import read_list

    pairs, _ = read_list(data / "lfw" / "pairsDevTest.txt")
    return [data / "lfw" / "images" / name for name in sorted({name for pair in pairs for name in pair})]


def _wider(data: Path) -> list[Path]:
    return sorted((data / "widerface").rglob("*.jpg"))


def mosaics(data: Path, cache: Path, count: int) -> list[Path]:
    """12-megapixel JPEGs of quality 90: half LFW portraits, half small groups of WIDER FACE."""
    truth = json.loads((data / "widerface" / "ground_truth.json").read_text())
    groups = [data / "widerface" / "images" / each["file"] for each in truth if 1 <= len(each["boxes_xywh"]) <= CROWD]
    portraits = _lfw(data)
    folder = cache / "12mp"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            chance = random.Random(number)
            half = COLUMNS * ROWS // 2
            chosen = chance.sample(portraits, half) + chance.sample(groups, half)
            chance.shuffle(chosen)
            draft = path.with_suffix(".draft")
            _tile(chosen).save(draft, "JPEG", quality=90)
            draft.rename(path)
    return paths


def _tile(pictures: Sequence[Path]) -> Image.Image:
    whole = Image.new("RGB", (COLUMNS * CELL, ROWS * CELL))
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        with Image.open(picture) as part:
            cell = ImageOps.fit(part.convert("RGB"), (CELL, CELL), Image.Resampling.BICUBIC)
        whole.paste(cell, (column * CELL, row * CELL))
    return whole
