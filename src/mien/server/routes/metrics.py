"""What the server counts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from mien.server.access import Operation, allowed, context_of
from mien.server.context import Context
from mien.server.problems import documented

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    dependencies=[Depends(allowed(Operation.METRICS))],
    response_class=Response,
    responses={**documented(), 200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}}},
)
async def metrics(context: Annotated[Context, Depends(context_of)]) -> Response:
    """Counters for Prometheus; nothing about people."""
    return Response(context.metrics.text(), media_type=CONTENT_TYPE_LATEST)
