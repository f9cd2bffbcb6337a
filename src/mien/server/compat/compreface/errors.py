"""CompreFace's errors: ``{"message", "code"}`` with its numbers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import Scope

from mien.server.access import offered
from mien.server.compat.dialect import Told
from mien.server.keys import PREFIX

UNFORESEEN: Final = 0
FIELD_EMPTY: Final = 5
NO_SERVICE: Final = 10
PREDICTION_COUNT: Final = 12
HEADER_MISSING: Final = 20
EXTENSION: Final = 21
VALIDATION: Final = 26
NO_FACE: Final = 28
SEVERAL_FACES: Final = 31
PARAMETER_MISSING: Final = 33
PART_MISSING: Final = 34
ARGUMENT: Final = 36
EMBEDDING_COUNT: Final = 37
FACE_SERVICE: Final = 41
NO_SUBJECT: Final = 42
SUBJECT_EXISTS: Final = 43
NO_EMBEDDING: Final = 44
_STATUS: Final = {NO_SERVICE: 404, NO_SUBJECT: 404, NO_EMBEDDING: 404, FACE_SERVICE: 500}
NUMBERS: Mapping[str, int] = MappingProxyType(
    {
        "key-missing": HEADER_MISSING,
        "key-unknown": NO_SERVICE,
        "key-expired": NO_SERVICE,
        "key-revoked": NO_SERVICE,
        "role-forbidden": NO_SERVICE,
        "gallery-ambiguous": NO_SERVICE,
        "field-empty": FIELD_EMPTY,
        "prediction-count": PREDICTION_COUNT,
        "file-extension": EXTENSION,
        "image-base64": EXTENSION,
        "no-face": NO_FACE,
        "face-too-small": NO_FACE,
        "several-faces": SEVERAL_FACES,
        "parameter-missing": PARAMETER_MISSING,
        "part-missing": PART_MISSING,
        "argument": ARGUMENT,
        "embedding-count": EMBEDDING_COUNT,
        "embedding-dimension": EMBEDDING_COUNT,
        "subject-unknown": NO_SUBJECT,
        "subject-exists": SUBJECT_EXISTS,
        "name-taken": SUBJECT_EXISTS,
        "reference-unknown": NO_EMBEDDING,
    }
)
"""CompreFace's number for what mien calls by name."""
_KEPT_STATUS: Final = frozenset({408, 413, 429, 503, 507})
"""The client must know that it can come back, or send less: CompreFace has no numbers for these."""


def translate(told: Told, scope: Scope) -> tuple[int, dict[str, Any]]:
    """A problem as CompreFace tells it: HTTP status and JSON."""
    number = _number(told)
    if number == NO_SERVICE and told.code == "key-unknown" and not _looks_like_key(scope):
        number = VALIDATION
    return _status(number, told), {"message": told.detail, "code": number}


def _number(told: Told) -> int:
    if told.code in NUMBERS:
        return NUMBERS[told.code]
    if told.code.startswith("model-"):
        return FACE_SERVICE
    if told.status in _KEPT_STATUS:
        return UNFORESEEN
    if told.code.startswith("image-"):
        return NO_FACE  # CompreFace's core finds no face in what it cannot decode
    return VALIDATION if told.status in (409, 422) else UNFORESEEN


def _status(number: int, told: Told) -> int:
    if number == UNFORESEEN:
        if told.status in _KEPT_STATUS:
            return told.status
        return 404 if told.status in (404, 405) else 400
    return _STATUS.get(number, 400)


def _looks_like_key(scope: Scope) -> bool:
    token = offered(Headers(scope=scope)) or ""
    try:
        return token.startswith(PREFIX) or bool(uuid.UUID(token))
    except ValueError:
        return False
