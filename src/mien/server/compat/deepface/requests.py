"""What DeepFace's clients send: JSON, a form, or a form with files; truth values in forms are words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends
from starlette.datastructures import UploadFile
from starlette.requests import Request

from mien.compat.deepface.naming import DETECTORS, MODELS, SKIP
from mien.registry import unknown_name
from mien.server.bodies import from_base64, media_type, parse_json, read_form, shown_name
from mien.server.decoding import Picture
from mien.server.engine import Engine
from mien.server.problems import Problem

_MAX_FILES: Final = 8
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
METHODS: Final = ("exact", "ann")


@dataclass(frozen=True, slots=True)
class Sent:
    """The members of a request by name: JSON values, texts of a form, or files of a form."""

    members: Mapping[str, Any]

    def picture(self, name: str) -> Picture:
        """A file, or base64 with or without ``data:image/…;base64,`` before it. Nothing else is ever opened.

        Raises:
            Problem: it is missing, or a path or an address.
        """
        value = self.members.get(name)
        if isinstance(value, Picture):
            return value
        if not isinstance(value, str) or not value:
            raise Problem(422, "picture-missing", f"'{name}' must be a file or base64")
        head, comma, text = value.partition(",")
        if comma and not (head[:11].lower() == "data:image/" and head.endswith(";base64")):
            raise _not_fetched(name)
        try:
            return Picture(name, from_base64(text if comma else value))
        except Problem as problem:
            raise _not_fetched(name) from problem

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        value = self.members.get(name)
        if value is None or value == "":
            return default
        word = str(value).lower()
        if isinstance(value, bool | str) and word in _TRUE | _FALSE:
            return word in _TRUE
        raise Problem(422, "request-invalid", f"{name} is true or false")

    def count(self, name: str) -> int | None:
        """A number from 1, or None."""
        value = self.members.get(name)
        if value is None or value in ("", "null", "None"):
            return None
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
            raise Problem(422, "request-invalid", f"{name} is a whole number from 1")
        return int(text[:9])

    def word(self, name: str, default: str, choices: tuple[str, ...] | None = None) -> str:
        """A text, one of `choices` if there are any."""
        value = self.members.get(name)
        value = default if value is None or value == "" else value
        if not isinstance(value, str) or (choices and value not in choices):
            raise Problem(
                422, "request-invalid", f"{name} is one of {', '.join(choices or ())}".removesuffix(" one of ")
            )
        return value


def _not_fetched(name: str) -> Problem:
    detail = f"'{name}' must be a file or base64: this server opens no path and fetches no address"
    return Problem(422, "image-not-fetched", detail)


async def _sent(request: Request) -> Sent:
    match media_type(request):
        case "application/json":
            document = parse_json(await request.body())
            if not isinstance(document, dict):
                raise Problem(422, "request-invalid", "the body must be an object")
            return Sent(document)
        case "multipart/form-data":
            async with read_form(request, files=_MAX_FILES) as form:
                return Sent({name: await _value(name, part) for name, part in form.multi_items()})
        case "application/x-www-form-urlencoded":
            async with request.form(max_fields=_MAX_FILES * 4) as form:
                return Sent(dict(form))
    raise Problem(415, "media-type", "this takes application/json or a form")


async def _value(name: str, part: UploadFile | str) -> Picture | str:
    if isinstance(part, str):
        return part
    return Picture(shown_name(part.filename or name), await part.read())


Body = Annotated[Sent, Depends(_sent)]


@dataclass(frozen=True, slots=True)
class Way:
    """How faces are to be found.

    Args:
        enforce: a picture without a face is an error.
        whole: the picture is an aligned face.
    """

    enforce: bool
    whole: bool


def way_of(sent: Sent, engine: Engine) -> Way:
    """What a request says about it; names are checked, and answered by the server's own models.

    Raises:
        Problem: neither DeepFace nor the server knows a name, or a spoof check is asked for.
    """
    own = (engine.models.detector, engine.model.name)
    detector = sent.word("detector_backend", "opencv")
    model = sent.word("model_name", "VGG-Face")
    for kind, name, names in (("detector", detector, (*DETECTORS, SKIP)), ("model", model, MODELS)):
        if name not in (*names, *own):
            raise Problem(422, "unknown-model", unknown_name(kind, name[:60], list(names)))
    if sent.flag("anti_spoofing", False):
        raise Problem(422, "unimplemented", "anti_spoofing: no model here detects presentation attacks; pass false")
    sent.flag("align", True)
    return Way(sent.flag("enforce_detection", True), detector == SKIP)
