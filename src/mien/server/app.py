"""The application: routes, what stands before them, and its description."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from mien.server.access import Authentication
from mien.server.compat.dialect import Dialects
from mien.server.compat.routing import compat_dialects, compat_routers
from mien.server.context import Context, open_context
from mien.server.headers import Headers
from mien.server.leaving import Leaving
from mien.server.limits import BodyLimit, HeadLimit, InFlight, Rate
from mien.server.metrics import Measured
from mien.server.problems import add_problems
from mien.server.routes import (
    audit,
    comparisons,
    consents,
    faces,
    galleries,
    groups,
    health,
    identifications,
    jobs,
    metrics,
    models,
    pages,
    people,
    pictures,
    references,
    reports,
    subjects,
    verifications,
)
from mien.server.schemas import PROBLEM_SCHEMA
from mien.server.settings import Settings
from mien.version import __version__

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    metrics.router,
    models.router,
    faces.router,
    comparisons.router,
    galleries.router,
    references.router,
    pictures.router,
    subjects.router,
    consents.router,
    identifications.router,
    verifications.router,
    groups.router,
    audit.router,
    jobs.router,
    people.router,
    reports.router,
    reports.documents,
    pages.router,
)
"""All resources, in the order in which they are described."""


def create_app(settings: Settings, *, context: Context | None = None) -> FastAPI:
    """A server, ready to be run by uvicorn.

    Args:
        settings: what it serves.
        context: opened before, and closed by who opened it; None: opened and closed with the application.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = await run_in_threadpool(open_context, settings) if context is None else context
        app.state.context = opened
        try:
            yield
        finally:
            if context is None:
                await run_in_threadpool(opened.close)

    # A line for each mistake of a client would fill the log; the client is told of them.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    app = FastAPI(
        title="mien",
        version=__version__,
        summary="Finds faces, verifies and identifies people, and says how far each answer can be trusted.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )
    for router in (*ROUTERS, *compat_routers(settings.compat)):
        app.include_router(router)
    add_problems(app)
    limits = settings.limits
    # the last one added stands first
    app.add_middleware(Leaving)
    app.add_middleware(InFlight, limit=limits.in_flight)
    app.add_middleware(Rate, per_minute=limits.per_minute)
    app.add_middleware(Authentication)
    app.add_middleware(BodyLimit, limits=limits)  # outside of all that may answer without reading the body
    app.add_middleware(HeadLimit, limits=limits)
    app.add_middleware(Measured)
    app.add_middleware(Dialects, dialects=compat_dialects(settings.compat))
    app.add_middleware(Headers, tls=settings.tls)
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI: how keys are sent, and what a problem looks like, besides what the routes say."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `mien keys create`."},
            "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
        document["security"] = [{"bearer": []}, {"header": []}]
        app.openapi_schema = document
    return app.openapi_schema
