"""What comes in: strict JSON, and pictures as parts of a form or as base64. Nothing of it touches the disk."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import PurePath, PureWindowsPath
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from mien.server.access import context_of
from mien.server.decoding import Picture
from mien.server.problems import Problem

MAX_ITEMS = 10_000
"""Members and elements of a JSON document; base64 has none of the characters that are counted."""
MAX_FIELDS = 32
_FILE_NAME = 200


class StrictRequest(Request):
    """A request whose JSON is what RFC 8259 allows, and no NaN."""

    async def json(self) -> Any:
        """The body."""
        return parse_json(await self.body())


class StrictRoute(APIRoute):
    """A route that refuses other bodies than it understands before it looks at them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a `StrictRequest`."""
        handle = super().get_route_handler()
        wants_json = self.body_field is not None

        async def strict(request: Request) -> Response:
            if wants_json and media_type(request) not in ("", "application/json"):
                raise Problem(415, "media-type", "this takes application/json")
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def router(tag: str, prefix: str = "/v1") -> APIRouter:
    """A router of strict routes."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute)


def media_type(request: Request) -> str:
    """The content type, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse_json(data: bytes) -> Any:
    """A JSON document.

    Raises:
        Problem: it is none (400), or has too many parts (413).
    """
    if sum(data.count(sign) for sign in (b",", b"[", b"{")) > MAX_ITEMS:
        raise Problem(413, "json-too-large", f"a document has at most {MAX_ITEMS:,} members and elements")
    try:
        return json.loads(
            data.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_named_once
        )
    except UnicodeDecodeError as error:
        raise Problem(400, "json-invalid", "the body is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number, name or depth beyond what is read"
        raise Problem(400, "json-invalid", f"the body is no JSON: {reason}") from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Who checks a document before us could read the first of two members, where we would read the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


async def pictures(request: Request) -> list[Picture]:
    """The pictures of a request: parts called ``image``, or ``{"image": base64}`` or a list of them.

    Raises:
        Problem: none (422), too many (413), or not readable (400, 415, 422).
    """
    return (await named_pictures(request, ("image",)))["image"]


async def named_pictures(request: Request, names: tuple[str, ...]) -> Mapping[str, list[Picture]]:
    """The pictures of a request by the names of their parts, each of which must be there.

    Raises:
        Problem: as `pictures`.
    """
    limit = context_of(request).settings.limits.pictures
    match media_type(request):
        case "multipart/form-data":
            found = await _from_form(request, names, limit)
        case "application/json":
            found = _from_json(parse_json(await request.body()), names)
        case _:
            raise Problem(415, "media-type", "this takes multipart/form-data or application/json")
    if sum(map(len, found.values())) > limit:
        raise too_many(limit)
    for name in names:
        if not found.get(name):
            raise Problem(422, "picture-missing", f"a picture called '{name}' is missing")
    return found


def too_many(limit: int) -> Problem:
    """The refusal of more pictures than a request may have."""
    return Problem(413, "too-many-pictures", f"a request has at most {limit} pictures; send several, or start a job")


@asynccontextmanager
async def read_form(request: Request, *, files: int, fields: int = MAX_FIELDS) -> AsyncIterator[FormData]:
    """The parts of a form, held in memory until the block is left.

    Args:
        request: ``multipart/form-data``.
        files: how many files it may have.
        fields: how many other parts it may have.

    Raises:
        Problem: it is no form (400), or has too many parts (413).
    """
    body_bytes = context_of(request).settings.limits.body_bytes
    parser = MultiPartParser(request.headers, request.stream(), max_files=files, max_fields=fields)
    parser.spool_max_size = body_bytes + 1  # or pictures of people would lie in temporary files
    form = await _parsed(parser, files)
    try:
        yield form
    finally:
        await form.close()


async def _parsed(parser: MultiPartParser, files: int) -> FormData:
    try:
        return await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise too_many(files) from error
        if error.message.startswith(("Too many", "Part exceeded")):
            raise Problem(413, "form-too-large", "the form has too many or too long fields") from error
        raise Problem(400, "form-invalid", "the form cannot be read: check its boundary and headers") from error
    except (ValueError, LookupError) as error:
        raise Problem(400, "form-invalid", "the form cannot be read: check its boundary and headers") from error


async def _from_form(request: Request, names: tuple[str, ...], limit: int) -> dict[str, list[Picture]]:
    found: dict[str, list[Picture]] = {}
    async with read_form(request, files=limit) as form:
        for name, part in form.multi_items():
            if name not in names:
                raise Problem(422, "part-unknown", f"the form has parts called {', '.join(names)} only")
            if not isinstance(part, UploadFile):
                raise Problem(422, "part-no-file", f"send '{name}' as a file")
            found.setdefault(name, []).append(Picture(shown_name(part.filename or name), await part.read()))
    return found


def _from_json(document: Any, names: tuple[str, ...]) -> dict[str, list[Picture]]:
    if not isinstance(document, dict):
        raise Problem(422, "request-invalid", "the body must be an object")
    if not set(document) <= set(names):
        raise Problem(422, "request-invalid", f"the body has members called {', '.join(names)} only")
    found: dict[str, list[Picture]] = {}
    for name, value in document.items():
        texts = value if isinstance(value, list) else [value]
        found[name] = [Picture(name, from_base64(text)) for text in texts]
    return found


def from_base64(text: object) -> bytes:
    """The bytes of a base64 text (RFC 4648, with padding).

    Raises:
        Problem: it is something else.
    """
    try:
        return base64.b64decode(cast(str, text), validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        detail = "a picture in JSON is base64 text with padding; no address, no 'data:' prefix"
        raise Problem(422, "image-base64", detail) from error


def shown_name(name: str) -> str:
    """A file name as it is kept and shown: the last part, printable, not too long; never used as a path."""
    last = PureWindowsPath(PurePath(name).name).name
    return "".join(c for c in last if c.isprintable())[:_FILE_NAME] or "image"


Pictures = Annotated[list[Picture], Depends(pictures)]
"""The pictures of a request, as a parameter of a route."""


def picture_body(*names: str, several: bool = True) -> dict[str, Any]:
    """How OpenAPI describes a body of pictures."""
    binary = {"type": "string", "format": "binary"}
    text = {"type": "string", "format": "byte", "description": "base64 of the file"}
    many = len(names) == 1 and several

    def schema(one: dict[str, Any]) -> dict[str, Any]:
        each = {"type": "array", "items": one, "minItems": 1, "description": "at most 64"} if many else one
        return {"type": "object", "required": list(names), "additionalProperties": False} | {
            "properties": dict.fromkeys(names, each)
        }

    example = {name: ["/9j/4AAQSkZJRg=="] if many else "/9j/4AAQSkZJRg==" for name in names}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": schema(binary)},
                "application/json": {"schema": schema(text), "example": example},
            },
        }
    }
