"""Where a gallery is on the network."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from mien.errors import UsageError

GALLERIES = "/v1/galleries"


@dataclass(frozen=True, slots=True)
class Address:
    """A server, and one of its galleries.

    Args:
        server: scheme, host and port, and what comes before ``/v1``.
        gallery: its name; None: the only one that the key opens.
        loopback: it is this machine.
    """

    server: str
    gallery: str | None
    loopback: bool

    @classmethod
    def parse(cls, text: str, *, insecure: bool = False) -> Self:
        """The address in ``https://host[:port][/prefix][/v1/galleries/name]``.

        Raises:
            UsageError: it is none, or would carry key and pictures unprotected over the network.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _refused(text, str(error)) from error
        if not host or parts.scheme not in ("http", "https"):
            raise _refused(text, "write https://host")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UsageError(f"an address of {host} takes no user, '?' or '#': give the key as key=", code="address")
        loopback = _is_loopback(host)
        if parts.scheme == "http" and not (loopback or insecure):
            raise UsageError(
                f"http to {host} shows key and pictures to whoever is between: use https, or insecure=True",
                code="address-insecure",
            )
        prefix, _, name = parts.path.rstrip("/").partition(GALLERIES)
        gallery = unquote(name.strip("/"))
        if "/" in gallery:
            raise _refused(text, f"it ends with {GALLERIES}/name, or with the host")
        shown = f"[{host}]" if ":" in host else host
        server = f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{prefix}"
        return cls(server, gallery or None, loopback)


def segment(text: str) -> str:
    """A name as one part of a path.

    Raises:
        UsageError: no address can hold it.
    """
    if "/" in text or text in (".", ".."):
        raise UsageError(
            f"'{text}' cannot stand in an address: use its number (#12), or rename it", code="name-address"
        )
    return quote(text, safe="", errors="surrogatepass")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(text: str, why: str) -> UsageError:
    return UsageError(f"'{text:.200}' is no address of a gallery: {why}", code="address")
