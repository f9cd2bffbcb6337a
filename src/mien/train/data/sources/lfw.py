"""Labeled Faces in the Wild: the folder of its pair lists, with the pictures below it as NAME/NAME_0001.jpg."""

from __future__ import annotations

from pathlib import Path

from mien.errors import NotFoundError
from mien.evaluate.protocols.lfw import FOLDERS
from mien.train.data.base import Pictures
from mien.train.data.sources import sources
from mien.train.data.sources.folder import people_folder


@sources.register("lfw")
def read_lfw(root: Path) -> Pictures:
    """All pictures of the set, labelled; `mien.train.data.holdout` knows who is kept for tests.

    Raises:
        NotFoundError: no pictures where archives of the set put them.
    """
    images = next((root / folder for folder in FOLDERS if any((root / folder).glob("*/*_0001.jpg"))), None)
    if images is None:
        raise NotFoundError(
            f"{root}: no pictures such as NAME/NAME_0001.jpg below {', '.join(FOLDERS)}", source=str(root)
        )
    return people_folder(images, "lfw")
