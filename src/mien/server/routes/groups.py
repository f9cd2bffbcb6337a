"""Sort the faces of a gallery into people."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Depends

from mien.server import schemas
from mien.server.access import Operation, allowed
from mien.server.bodies import router as make_router
from mien.server.problems import documented
from mien.server.routes.galleries import Served
from mien.server.shaping import answer

router = make_router("groups", "/v1/galleries/{gallery}")


@router.post(
    "/groups",
    dependencies=[Depends(allowed(Operation.GROUP))],
    response_model=schemas.Groups,
    response_model_exclude_none=True,
    responses=documented(413, 415, 507),
)
def group_faces(regroup: schemas.Regroup, served: Served) -> dict[str, Any]:
    """Sort all faces into people. Names and corrections stay; people without a name may grow together."""
    start = time.perf_counter()
    return answer(served.group(full=regroup.full), start)
