from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from mien.models.card import Card

DATA = bytes(range(256)) * 40

CARD = """
name = "{name}"
kind = "embedder"
family = "toy"
summary = "A toy."
dimension = 4
[licences]
code = "MIT"
weights = "{weights}"
training_data = "none"
[[files]]
name = "toy.onnx"
sha256 = "{sha256}"
bytes = {size}
sources = {sources}
[input]
size = [112, 112]
colour = "RGB"
mean = [0, 0, 0]
scale = 1.0
"""

MakeCard = Callable[..., Card]


def make_wheel(folder: Path, members: dict[str, bytes], name: str = "tinydata", version: str = "1.0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    facts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as z:
        for member, data in {**members, **facts}.items():
            z.writestr(member, data)
    return path


def make_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as t:
        for member, data in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return path
