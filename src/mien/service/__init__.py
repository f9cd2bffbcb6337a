"""What users call: pictures in, answers out. Joins the pipeline, the comparison and the gallery."""

from mien.service.base import GalleryService
from mien.service.engine import Models
from mien.service.functions import faces, verify
from mien.service.group import group
from mien.service.local import LocalGallery, open_gallery
from mien.service.opening import is_address, open_service
from mien.service.reembed import reembed

__all__ = [
    "GalleryService",
    "LocalGallery",
    "Models",
    "faces",
    "group",
    "is_address",
    "open_gallery",
    "open_service",
    "reembed",
    "verify",
]
