"""mien finds faces, groups, verifies and identifies people, and says with every answer how far it can be trusted.

    import mien

    mien.verify("a.jpg", "b.jpg", fmr=1e-4)
    mien.faces("crowd.jpg")
    mien.group("photos/")

    gallery = mien.open("family.mien")
    gallery.enrol("ada", ["ada1.jpg", "ada2.jpg"])
    gallery.index("photos/")
    gallery.identify("crowd.jpg", fpir=0.003)
    gallery.forget("ada")

    mien.open("https://host", key="mien_…")  # the same, on a server

Importing mien only defines names; models, engines and pictures are loaded by the first call that needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.version import __version__

if TYPE_CHECKING:
    from mien.errors import MienError
    from mien.service import GalleryService, LocalGallery, Models, faces, verify
    from mien.service import open_service as open
    from mien.service.group import group

__all__ = ["GalleryService", "LocalGallery", "MienError", "Models", "__version__", "faces", "group", "open", "verify"]

_HOMES = {
    "GalleryService": ("mien.service", "GalleryService"),
    "LocalGallery": ("mien.service", "LocalGallery"),
    "MienError": ("mien.errors", "MienError"),
    "Models": ("mien.service", "Models"),
    "faces": ("mien.service", "faces"),
    "group": ("mien.service", "group"),
    "open": ("mien.service", "open_service"),
    "verify": ("mien.service", "verify"),
}


def __getattr__(name: str) -> object:
    """Public names are looked up when they are first used (PEP 562), so that `import mien` stays fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    import importlib

    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
