"""Copies of pictures with the faces drawn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mien.image import draw_faces, encode_jpeg, open_photo
from mien.types.faces import Faces


def draw_copies(found: Iterable[Faces], folder: Path) -> list[Path]:
    """Write ``<name>.faces.jpg`` for every picture into `folder`; a number is added where names collide.

    Returns:
        The paths written, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for faces in found:
        stem, number = Path(faces.source).stem, 1
        path = folder / f"{stem}.faces.jpg"
        while path in written:
            number += 1
            path = folder / f"{stem}-{number}.faces.jpg"
        image = open_photo(faces.source).decode()
        path.write_bytes(encode_jpeg(draw_faces(image, faces), 90))
        written.append(path)
    return written
