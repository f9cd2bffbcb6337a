"""What CompreFace's clients send: pictures as files with a known ending or as base64, and parameters as text."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from mien.gallery.search.probes import MAX_TOP
from mien.gallery.store.names import check_name
from mien.server.bodies import from_base64, media_type, parse_json, read_form, shown_name
from mien.server.compat.serving import Wanted
from mien.server.decoding import Picture
from mien.server.problems import Problem

ENDINGS: Final = frozenset({"jpeg", "jpg", "ico", "png", "bmp", "gif", "tif", "tiff", "webp"})
PLUGINS: Final = frozenset({"age", "gender", "landmarks", "landmarks2d106", "calculator", "mask", "pose"})
_FORBIDDEN: Final = frozenset(";/\\")
_MAX_NAME: Final = 50
_MAX_FILES: Final = 8
_TRUE: Final = frozenset({"true", "on", "yes", "1"})
_FALSE: Final = frozenset({"false", "off", "no", "0"})


def pictures(*names: str) -> Callable[[Request], Awaitable[list[Picture]]]:
    """The dependency of a route: the pictures of these names, each of which must be there."""

    async def read(request: Request) -> list[Picture]:
        if media_type(request) == "multipart/form-data":
            async with read_form(request, files=_MAX_FILES) as form:
                return [await _part(form, name) for name in names]
        document = await json_object(request)
        return [Picture(name, from_base64(required(document, name))) for name in names]

    return read


async def _part(form: FormData, name: str) -> Picture:
    part = form.get(name)
    if not isinstance(part, UploadFile):
        raise Problem(422, "part-missing", f"Required request part '{name}' is not present")
    called = shown_name(part.filename or "")
    if PurePath(called).suffix.lower().removeprefix(".") not in ENDINGS:
        raise Problem(422, "file-extension", f"the name of '{name}' must end in {', '.join(sorted(ENDINGS))}")
    return Picture(called, await part.read())


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON object of a body, whatever its media type says."""
    document = parse_json(await request.body())
    if not isinstance(document, dict):
        raise Problem(400, "json-invalid", "the body must be a JSON object")
    return document


def required(document: dict[str, Any], name: str) -> Any:
    """A member that must be there and not be empty."""
    value = document.get(name)
    if value is None or value == [] or value == "":
        raise Problem(422, "field-empty", f"Required field {name} is empty")
    return value


def subject_name(value: object) -> str:
    """A name that CompreFace and mien allow.

    Raises:
        Problem: CompreFace allows it not.
        UsageError: mien allows it not.
    """
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_NAME or _FORBIDDEN & set(value):
        raise Problem(422, "name-length", f"a subject has 1 to {_MAX_NAME} characters, and none of ; / \\")
    return check_name(value)


@dataclass(frozen=True, slots=True)
class Options:
    """The query parameters of routes that take a picture.

    Args:
        wanted: which faces.
        predictions: subjects a face.
        plugins: what else to tell of a face.
        status: tell times and versions.
    """

    wanted: Wanted
    predictions: int
    plugins: frozenset[str]
    status: bool


def options(request: Request) -> Options:
    """The dependency that reads them."""
    predictions = _whole(request, "prediction_count", 1)
    if not 1 <= predictions <= MAX_TOP:
        raise Problem(422, "prediction-count", f"prediction_count lies between 1 and {MAX_TOP}")
    wanted = Wanted(
        most=_whole(request, "limit", 0),
        least_score=least_score(request),
        whole=not _flag(request, "detect_faces", True),
    )
    if wanted.most < 0:
        raise Problem(422, "limit", "limit must be greater or equal zero")
    return Options(wanted, predictions, _plugins(request), _flag(request, "status", False))


def least_score(request: Request) -> float | None:
    """``det_prob_threshold``; None for the detector's own."""
    text = request.query_params.get("det_prob_threshold", "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise _mismatch("det_prob_threshold", "a number")
    if not 0 <= value <= 1:
        raise Problem(422, "det-prob-threshold", "det_prob_threshold lies between 0 and 1")
    return value


def page_of(request: Request) -> tuple[int, int]:
    """``page`` and ``size``; a page has at most 1000 rows."""
    page, size = _whole(request, "page", 0), _whole(request, "size", 20)
    return max(0, page), min(size, 1000) if size > 0 else 20


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if len(text) > 10 or not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
        raise _mismatch(name, "a whole number")
    return int(text)


def _flag(request: Request, name: str, default: bool) -> bool:
    text = request.query_params.get(name, "").lower()
    if text not in _TRUE | _FALSE | {""}:
        raise _mismatch(name, "true or false")
    return text in _TRUE if text else default


def _plugins(request: Request) -> frozenset[str]:
    given = request.query_params.get("face_plugins", "").split(",")
    names = frozenset(name.strip() for name in given) - {""}
    if not names <= PLUGINS:
        raise Problem(422, "face-plugins", f"face_plugins are some of {', '.join(sorted(PLUGINS))}")
    return names


def _mismatch(name: str, kind: str) -> Problem:
    return Problem(422, "argument", f"{name} must be {kind}")
