"""Galleries on a server, over HTTP. Imported only when an address is opened."""

from mien.service.remote.gallery import RemoteGallery, open_remote

__all__ = ["RemoteGallery", "open_remote"]
