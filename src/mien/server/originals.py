"""Pictures that faces came from: read again only in folders that the operator allows.

A gallery file says where its pictures lay, and may have been made elsewhere, by anybody. So a recorded path counts for
nothing by itself: only below a folder of ``--folder``, with links followed, is a file opened, and only the very bytes
that were indexed are shown.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from mien.errors import MienError, NotFoundError
from mien.gallery import Reference
from mien.image.reading import read_bytes
from mien.server.bodies import shown_name
from mien.server.decoding import Picture
from mien.server.settings import Settings


def kept_picture(reference: Reference, settings: Settings) -> Picture:
    """The picture of a face.

    Args:
        reference: the face.
        settings: which folders may be read, and what a picture may be.

    Raises:
        NotFoundError: it lies in no allowed folder, is gone, or has changed; the answer does not tell which.
    """
    missing = NotFoundError(f"reference {reference.id}: its picture is not kept here", code="picture-not-kept")
    path = allowed_path(reference.face.source, settings.folders.values())
    if path is None:
        raise missing
    name = shown_name(path.name)
    try:
        data, _ = read_bytes(path, name, settings.models.limits)
    except MienError as error:
        raise missing from error
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise missing
    return Picture(name, data)


def allowed_path(source: str, folders: Iterable[Path]) -> Path | None:
    """Where a recorded path leads, when that is below one of the folders.

    Args:
        source: as it stands in the gallery; relative ones begin where the server was started.
        folders: absolute, with links followed.
    """
    try:
        path = Path(os.path.realpath(source))
    except ValueError:  # a NUL
        return None
    return path if any(path.is_relative_to(folder) for folder in folders) else None
