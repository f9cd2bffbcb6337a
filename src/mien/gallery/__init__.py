"""People, their templates and their pictures in one durable file."""

from mien.gallery.gallery import Gallery, import_gallery
from mien.gallery.people.attributes import Attributes
from mien.gallery.people.attributes import check as check_attributes
from mien.gallery.people.attributes import parse as parse_attributes
from mien.gallery.people.consent import BASES, Consent, Moment
from mien.gallery.people.records import Enrolled, GroupedFaces, Hit, Person, PictureRecord, Reference, Searched, Subject
from mien.gallery.store.audit import AuditRecord
from mien.gallery.store.database import LEAST_SQLITE
from mien.gallery.store.names import check_name
from mien.gallery.store.trail import Decision, Head, acting

__all__ = [
    "BASES",
    "LEAST_SQLITE",
    "Attributes",
    "AuditRecord",
    "Consent",
    "Decision",
    "Enrolled",
    "Gallery",
    "GroupedFaces",
    "Head",
    "Hit",
    "Moment",
    "Person",
    "PictureRecord",
    "Reference",
    "Searched",
    "Subject",
    "acting",
    "check_attributes",
    "check_name",
    "import_gallery",
    "parse_attributes",
]
