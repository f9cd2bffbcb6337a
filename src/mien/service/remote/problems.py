"""Problem documents of a server (RFC 9457), as the errors that they were."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from mien.errors import (
    AccessError,
    ConflictError,
    LimitError,
    MienError,
    NotFoundError,
    StoreError,
    StoreFullError,
    UsageError,
)

URN: Final = "urn:mien:"
KINDS: Final[Mapping[str, type[MienError]]] = {
    name: kind
    for name, kind in vars(import_module(MienError.__module__)).items()
    if isinstance(kind, type) and issubclass(kind, MienError)
}
_BY_STATUS: Final[Mapping[int, type[MienError]]] = {
    400: UsageError,
    401: AccessError,
    403: AccessError,
    404: NotFoundError,
    405: UsageError,
    408: LimitError,
    409: ConflictError,
    413: LimitError,
    415: UsageError,
    422: UsageError,
    429: LimitError,
    503: LimitError,
    507: StoreFullError,
}
"""Classes of the problems that are none of mien's errors: what a server says about the request itself."""


def error_of(status: int, document: object, server: str) -> MienError:
    """The error that a problem document tells.

    Args:
        status: of the answer.
        document: its JSON; None when it is none.
        server: who answered.
    """
    if not isinstance(document, dict) or not str(document.get("type")).startswith(URN):
        text = f"{server} answered with status {status} as no mien server does: check the address, or its proxy"
        return StoreError(text, code="server-answer", source=server)
    kind = KINDS.get(str(document.get("error"))) or _BY_STATUS.get(status, MienError)
    return kind(str(document.get("detail")), code=code_of(document))


def code_of(document: Mapping[str, Any]) -> str:
    """The stable name of a problem."""
    return str(document.get("type")).removeprefix(URN)
