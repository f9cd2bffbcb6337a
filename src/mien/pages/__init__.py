"""Pages that people open: one file each, no network."""

from mien.pages.page import PageFace, PagePerson, PagePhoto, PeoplePage, preview_side
from mien.pages.people import render_people, write_people

__all__ = ["PageFace", "PagePerson", "PagePhoto", "PeoplePage", "preview_side", "render_people", "write_people"]
