"""Which of a picture's faces become templates."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from mien.errors import FaceError
from mien.types.faces import Faces


class Policy(StrEnum):
    """What to do with several faces in one picture."""

    ONE = "one"
    """Exactly one face, otherwise the picture fails."""
    LARGEST = "largest"
    """The face with the largest box."""
    CENTRAL = "central"
    """The face whose centre is nearest to the picture's."""
    ALL = "all"
    """Every face."""


def choose(faces: Faces, policy: Policy) -> Faces:
    """The faces that the policy takes; at least one.

    Raises:
        FaceError: ``no-face``, or under ``one`` ``several-faces`` with their boxes.
    """
    if not faces:
        raise FaceError(f"{faces.source}: no face found", code="no-face", source=faces.source)
    if policy is Policy.ALL or len(faces) == 1:
        return faces
    if policy is Policy.ONE:
        boxes = "; ".join(" ".join(f"{v:.0f}" for v in box) for box in faces.boxes[:5])
        raise FaceError(
            f"{faces.source}: {len(faces)} faces found where one is wanted, at {boxes}"
            f"{' …' if len(faces) > 5 else ''}; crop the picture, or choose with --faces largest",
            code="several-faces",
            source=faces.source,
        )
    if policy is Policy.LARGEST:
        row = int(np.argmax(faces.widths * faces.heights))
    else:
        centres = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
        row = int(np.argmin(np.linalg.norm(centres - np.array(faces.size) / 2, axis=1)))
    return faces[[row]]


def require_size(faces: Faces, least: float) -> Faces:
    """The same faces, if each is at least `least` pixels high; FaceError ``face-too-small`` if one is not."""
    if faces and float(faces.heights.min()) < least:
        raise FaceError(
            f"{faces.source}: the face is {faces.heights.min():.0f} px high, at least {least:g} are needed; "
            "use a closer or larger photograph",
            code="face-too-small",
            source=faces.source,
        )
    return faces
