"""Compare two pictures."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.requests import Request

from mien.compare import at_fmr, similarity
from mien.pipeline import Policy
from mien.server import schemas
from mien.server.access import Operation, allowed, context_of
from mien.server.bodies import named_pictures, picture_body
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.decoding import Picture
from mien.server.problems import PICTURES, Problem, documented
from mien.server.shaping import answer
from mien.service.functions import decide

router = make_router("comparisons")


async def _pair(request: Request) -> tuple[Picture, Picture]:
    found = await named_pictures(request, ("probe", "reference"))
    if any(len(several) > 1 for several in found.values()):
        raise Problem(422, "too-many-pictures", "a comparison takes one probe and one reference")
    return found["probe"][0], found["reference"][0]


@router.post(
    "/comparisons",
    dependencies=[Depends(allowed(Operation.COMPARE))],
    response_model=schemas.Verification,
    responses=documented(*PICTURES),
    openapi_extra=picture_body("probe", "reference"),
)
def compare_pictures(
    pair: Annotated[tuple[Picture, Picture], Depends(_pair)],
    context: Annotated[Context, Depends(context_of)],
    fmr: Annotated[schemas.Rate, Query(description="How often two different people may match.")] = 1e-4,
    faces: Annotated[Policy, Query(description="Which faces are compared.")] = Policy.LARGEST,
) -> dict[str, Any]:
    """Whether two pictures show the same person, at a stated false match rate."""
    start = time.perf_counter()
    engine = context.engine
    table = engine.models.table()
    if faces is not Policy.ALL:
        at_fmr(table, fmr)  # refuses an unsupported rate before any work
    a, b = (engine.acquire(picture, faces).templates for picture in pair)
    scores = similarity(a.vectors, b.vectors)
    result = decide(scores, a.faces, b.faces, fmr=fmr, table=table, model=engine.model)
    return answer(result, start)
