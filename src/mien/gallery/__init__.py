"""People, their templates and their pictures in one durable file."""

from mien.gallery.database import LEAST_SQLITE
from mien.gallery.gallery import Gallery, import_gallery
from mien.gallery.names import check_name
from mien.gallery.records import Enrolled, GroupedFaces, Hit, Person, PictureRecord, Reference, Subject

__all__ = [
    "LEAST_SQLITE",
    "Enrolled",
    "Gallery",
    "GroupedFaces",
    "Hit",
    "Person",
    "PictureRecord",
    "Reference",
    "Subject",
    "check_name",
    "import_gallery",
]
