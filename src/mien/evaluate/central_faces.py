"""One face of each picture of a list, for measurements that do more with it than ask heads once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mien.errors import MienError
from mien.evaluate.heads import LEAST_SIDE, Progress, central
from mien.image import Limits, open_photo
from mien.models import Detector
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.outcome import Failure


def central_faces(
    paths: Sequence[Path], detector: Detector, failures: list[Failure], progress: Progress | None = None
) -> Iterator[tuple[int, Image, Faces]]:
    """The row, the decoded picture and the face nearest to its middle, of every picture that has one.

    Args:
        paths: pictures.
        detector: finds the faces.
        failures: pictures without a face, or that cannot be read, are added here.
        progress: told how far it is.
    """
    for row, path in enumerate(paths):
        if progress:
            progress(row, len(paths))
        try:
            image = open_photo(path, limits=Limits(min_side=LEAST_SIDE)).decode()
            face = central(detector.detect(image))
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, str(path)))
            continue
        if face is None:
            failures.append(Failure(str(path), "no-face", f"{path}: no face found"))
            continue
        yield row, image, face
    if progress:
        progress(len(paths), len(paths))
