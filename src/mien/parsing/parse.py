"""Which part of which face a pixel shows: by a head that was trained for it, or from landmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.geometry.face_parts import OCCLUSION, PARTS, Labels, parts_of
from mien.geometry.tanh_polar import restore
from mien.models import Head
from mien.models.heads.landmarks import Landmarks
from mien.models.heads.occlusion import Occlusion
from mien.models.heads.parsing import Parsing, logits_of
from mien.models.views import Cuts
from mien.types.faces import Faces
from mien.types.image import Image

Parser: TypeAlias = Callable[[Image, Faces], "NDArray[np.uint8]"]
"""(n, h, w) uint8 for the n faces of a decoded picture, in its pixels."""
BAND = 1 << 19
"""Pixels that are worked on at a time."""
BASELINE = "landmarks68"
"""The head whose points draw the parts where no parsing head is named."""


def parser_of(head: Head) -> tuple[tuple[str, ...], Parser]:
    """The classes, by number, and what finds them.

    Raises:
        UsageError: the head is of another family than parsing, occlusion and landmarks68.
    """
    if isinstance(head, Landmarks):
        return PARTS, lambda image, faces: by_landmarks(head, image, faces)
    if not isinstance(head, Parsing | Occlusion):
        raise UsageError(f"the head '{head.card.name}' tells no parts of a face; {BASELINE} and parsing heads do")
    facts = head.card.head
    classes = OCCLUSION if isinstance(head, Occlusion) else facts.labels if facts else ()
    return classes, lambda image, faces: by_network(head, image, faces)


def by_network(head: Parsing | Occlusion, image: Image, faces: Faces) -> NDArray[np.uint8]:
    """(n, h, w) likeliest class of every pixel, from boxes alone."""
    cuts = Cuts(image, faces)
    boxes = faces.scaled(*image.scale, image.size).boxes
    logits = logits_of(head.card, head.session, cuts)
    maps = [_likeliest(one, box, image.size) for one, box in zip(logits, boxes, strict=True)]
    return np.stack(maps)


def by_landmarks(head: Landmarks, image: Image, faces: Faces) -> NDArray[np.uint8]:
    """(n, h, w) numbers in `PARTS`, as 68 points outline them; what lies over a face is not seen."""
    points = head.look(Cuts(image, faces)).values * np.array(image.scale, np.float32)
    return np.stack([parts_of(one, image.size) for one in points])


def _likeliest(logits: NDArray[np.float32], box: NDArray[np.float32], size: tuple[int, int]) -> Labels:
    """(h, w) in bands of rows, so that a large picture takes little memory."""
    powers = np.exp(logits - logits.max(axis=0))
    shares = np.ascontiguousarray((powers / powers.sum(axis=0)).transpose(1, 2, 0))
    width, height = size
    step = max(1, BAND // width)
    bands = [(top, min(step, height - top)) for top in range(0, height, step)]
    parts = [restore(shares, box, (width, rows), top=top).argmax(axis=2) for top, rows in bands]
    return np.concatenate(parts).astype(np.uint8)
