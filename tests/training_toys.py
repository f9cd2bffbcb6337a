"""People who are patterns: what a network can learn in seconds, as crops on disk, and a recipe for them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.testing.toys import draw_face

SMALL = "mobilefacenet_x025"


def draw_crop(person: int, picture: int, *, noise: int = 30) -> NDArray[np.uint8]:
    """(112, 112, 3) uint8 RGB of a person; no two pictures are alike, and its green stays that of a drawn face."""
    face = draw_face(person).astype(np.int64)
    random = np.random.default_rng((person, picture))
    face[:, :, [0, 2]] += random.integers(-noise, noise + 1, (112, 112, 2))
    return np.clip(face, 0, 255).astype(np.uint8)


def draw_people(folder: Path, people: range, pictures: int) -> Path:
    """A folder a person, with aligned crops in it; what `open_data` takes is returned with its kind."""
    for person in people:
        home = folder / f"person{person:03d}"
        home.mkdir(parents=True)
        for picture in range(pictures):
            crop = draw_crop(person, picture)
            cv2.imwrite(str(home / f"person{person:03d}_{picture + 1:04d}.png"), crop[:, :, ::-1])
    return folder


def write_pairs(path: Path, people: range) -> Path:
    """An LFW list: each person with themselves, and with the next one."""
    names = [f"person{person:03d}" for person in people]
    lines = [f"{name}\t1\t2" for name in names]
    lines += [f"{a}\t1\t{b}\t2" for a, b in zip(names, names[1:] + names[:1], strict=True)]
    path.write_text(f"{len(names)}\n" + "\n".join(lines) + "\n")
    return path


def write_toy_recipe(folder: Path, *, steps: int = 4, people: int = 6, more: str = "") -> Path:
    """A recipe, and the faces it names, below a folder."""
    draw_people(folder / "faces", range(people), 4)
    draw_people(folder / "others", range(100, 108), 3)
    pairs = write_pairs(folder / "pairs.txt", range(100, 108))
    path = folder / "toy.toml"
    path.write_text(
        f"""
[data]
root = "folder:{folder / "faces"}"
licence = "CC0-1.0"
batch = 8
workers = 1

[model]
backbone = "{SMALL}"
dimension = 16

[loss]
name = "cosface"

[optimizer]
lr = 0.05

[run]
folder = "{folder / "runs"}"
steps = {steps}
log_steps = 1
threads = 1
deterministic = true

[validate]
root = "folder:{folder / "others"}"
pairs = "{pairs}"

[export]
development = "folder:{folder / "others"}"
{more}
"""
    )
    return path
