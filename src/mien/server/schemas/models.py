"""Models."""

from __future__ import annotations

from pydantic import ConfigDict

from mien.server.schemas.parts import Out


class CardOut(Out):
    """A model."""

    model_config = ConfigDict(extra="allow")

    name: str
    kind: str
    summary: str
    licence: dict[str, str]
    policy: str
    in_use: bool


class Models(Out):
    """The models that are known here."""

    models: list[CardOut]
