"""Whether the server is up, and can do its work."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Model, Out


class Health(Out):
    """The process answers."""

    status: str = Field(examples=["ok"])
    version: str


class Ready(Out):
    """The server can do its work."""

    status: str = Field(examples=["ready"])
    galleries: int
    model: Model
