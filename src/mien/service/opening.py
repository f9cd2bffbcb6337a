"""Galleries by where they are: a file, or an address."""

from __future__ import annotations

from os import PathLike
from typing import overload

from mien.errors import UsageError
from mien.service.base import GalleryService
from mien.service.engine import Models
from mien.service.local import LocalGallery, open_gallery

TIMEOUT_S = 60.0
"""How long a server may be silent."""


def is_address(place: str | PathLike[str]) -> bool:
    """Whether a gallery is on a server."""
    return isinstance(place, str) and place.lower().startswith(("http://", "https://"))


@overload
def open_service(
    place: PathLike[str],
    *,
    models: Models | None = None,
    create: bool = True,
    compact: bool = False,
    audit_decisions: bool = False,
) -> LocalGallery: ...


@overload
def open_service(
    place: str,
    *,
    models: Models | None = None,
    create: bool = True,
    compact: bool = False,
    audit_decisions: bool = False,
    key: str | None = None,
    insecure: bool = False,
    timeout: float = TIMEOUT_S,
) -> GalleryService: ...


def open_service(
    place: str | PathLike[str],
    *,
    models: Models | None = None,
    create: bool = True,
    compact: bool = False,
    audit_decisions: bool = False,
    key: str | None = None,
    insecure: bool = False,
    timeout: float = TIMEOUT_S,
) -> GalleryService:
    """Open a gallery: a file such as ``family.mien``, or one that a server has.

    Args:
        place: the file; or ``https://host[:port]`` when the key opens one gallery there, and
            ``https://host[:port]/v1/galleries/family`` to say which.
        models: detector and embedder of a file; without a named embedder the gallery's own is used, or SFace for a
            new one. A server has its own.
        create: make the file if it is not there. Nothing is made on a server.
        compact: a new file stores templates with 1 byte a dimension instead of 4.
        audit_decisions: `identify` and `verify` leave audit records in a file too; a server always writes them.
        key: for a server, as ``mien keys create`` shows it.
        insecure: allow plain http to another machine; whoever is between reads key and pictures.
        timeout: seconds that a server may be silent.

    Raises:
        NotFoundError: it is not there, and `create` is False or it is on a server.
        AccessError: the key does not open it.
        ConflictError: `compact` is asked of a gallery with whole templates.
        ModelMismatchError: it was made with another embedder than the one asked for.
        StoreError: it cannot be opened or reached.
        UsageError: the address cannot be used, or an argument is not for such a gallery.
    """
    if not is_address(place):
        if key is not None or insecure:
            raise UsageError(f"key and insecure are for galleries on a server, {place} is a file: leave them out")
        return open_gallery(place, models=models, create=create, compact=compact, audit_decisions=audit_decisions)
    if models is not None or compact:
        raise UsageError(f"a server chooses its models and how it stores: leave models and compact out for {place}")
    from mien.service.remote import open_remote

    return open_remote(str(place), key=key, insecure=insecure, timeout=timeout)
