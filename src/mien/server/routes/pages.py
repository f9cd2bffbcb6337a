"""The pages: plain files of the package, the same for everybody, with nothing about anybody in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from mien.server.problems import Problem

router = APIRouter(include_in_schema=False)
PAGES = ("/", "/find", "/compare", "/add", "/review", "/trust")
"""Addresses of pages; all are one document, whose script shows the right one."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `tag` is of its content."""

    data: bytes
    kind: str
    tag: str


@cache
def assets() -> dict[str, Asset]:
    """Every file of the pages by its address below ``/web/``; what is not here is not served."""
    found: dict[str, Asset] = {}
    waiting: list[tuple[str, Traversable]] = [("", files("mien.server").joinpath("web"))]
    while waiting:
        prefix, folder = waiting.pop()
        for entry in folder.iterdir():
            kind = _TYPES.get("." + entry.name.rpartition(".")[2])
            if entry.is_dir():
                waiting.append((f"{prefix}{entry.name}/", entry))
            elif kind is not None:
                data = entry.read_bytes()
                found[prefix + entry.name] = Asset(data, kind, f'"{hashlib.sha256(data).hexdigest()[:32]}"')
    return found


def _send(name: str, known: str | None) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise Problem(404, "not-found", "no such page")
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache"}
    if known is not None and asset.tag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(asset.data, headers=headers, media_type=asset.kind)


IfNoneMatch = Annotated[str | None, Header()]


async def show_page(if_none_match: IfNoneMatch = None) -> Response:
    """The document of all pages."""
    return _send("index.html", if_none_match)


for _path in PAGES:
    router.add_api_route(_path, show_page, methods=["GET", "HEAD"], name="page")


@router.api_route("/web/{name:path}", methods=["GET", "HEAD"])
async def show_asset(name: str, if_none_match: IfNoneMatch = None) -> Response:
    """A script, style or drawing."""
    return _send(name, if_none_match)
