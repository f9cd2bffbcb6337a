"""The models that are known here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from mien.models import cards
from mien.models.describe import describe
from mien.server import schemas
from mien.server.access import Operation, allowed, context_of
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.problems import documented

router = make_router("models")
_INSIDE = frozenset({"card", "files"})
"""Where things lie on this machine."""


@router.get(
    "/models",
    dependencies=[Depends(allowed(Operation.MODELS))],
    response_model=schemas.Models,
    responses=documented(),
)
def list_models(context: Annotated[Context, Depends(context_of)]) -> dict[str, Any]:
    """Detectors and embedders with their licences and measured error rates; those in use are marked."""
    in_use = {context.settings.models.detector, context.engine.model.name}
    in_use |= {gallery.engine.model.name for gallery in context.galleries.values()}
    found = [describe(card) for card in cards() if card.kind != "samples"]
    shown = [{key: value for key, value in each.items() if key not in _INSIDE} for each in found]
    return {"models": [{**each, "in_use": each["name"] in in_use} for each in shown]}
