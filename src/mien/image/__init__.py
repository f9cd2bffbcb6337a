"""Bytes to upright RGB pixels, safely, and back to small pictures.

>>> photo = open_photo("party.jpg")                # doctest: +SKIP
>>> photo.decode(side=640).pixels.shape            # doctest: +SKIP
(563, 750, 3)
"""

from __future__ import annotations

from mien.image.draw import draw_faces
from mien.image.encode import encode_jpeg, encode_webp, preview, thumbnail
from mien.image.find import find_photos
from mien.image.limits import Limits
from mien.image.photo import SUFFIXES, Photo, load_image, open_photo
from mien.image.reading import PhotoSource

__all__ = [
    "SUFFIXES",
    "Limits",
    "Photo",
    "PhotoSource",
    "draw_faces",
    "encode_jpeg",
    "encode_webp",
    "find_photos",
    "load_image",
    "open_photo",
    "preview",
    "thumbnail",
]
