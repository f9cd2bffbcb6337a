"""Who did what in a gallery, and when."""

from __future__ import annotations

from typing import Any

from fastapi import Depends

from mien.gallery.store.audit import AuditRecord
from mien.server import schemas
from mien.server.access import Operation, allowed
from mien.server.bodies import router as make_router
from mien.server.paging import Cursor, PageLimit, page
from mien.server.problems import documented
from mien.server.routes.galleries import Served

router = make_router("audit", "/v1/galleries/{gallery}")


@router.get(
    "/audit",
    dependencies=[Depends(allowed(Operation.AUDIT))],
    response_model=schemas.AuditTrail,
    responses=documented(),
)
def list_audit(served: Served, limit: PageLimit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """The audit trail, newest first, after every record was compared with its hash. No names and nothing biometric."""
    found, after = page(served.reader.store.audit()[::-1], _order, limit, cursor)
    return {"records": [record.to_dict() for record in found], "next": after}


def _order(record: AuditRecord) -> tuple[int]:
    return (-record.sequence,)
