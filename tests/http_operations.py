"""What is fuzzed: our own OpenAPI document, and one made up here for the routes in other servers' words."""

import re
from typing import Any

from mien.server.compat import compreface
from mien.server.compat.deepface.routes import routes as deepface_routes

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
_NAMED = re.compile(r"{(\w+)(?::path)?}")
_TEXT: Document = {"type": "string"}
_ANY: Document = {}
_FILE = {"type": "string", "format": "binary"}
QUERY = {
    "/api/v1": {
        "subject": _TEXT,
        "limit": {"type": "integer"},
        "prediction_count": {"type": "integer"},
        "det_prob_threshold": {"type": "number"},
        "face_plugins": _TEXT,
        "status": {"type": "boolean"},
        "detect_faces": {"type": "boolean"},
        "page": {"type": "integer"},
        "size": {"type": "integer"},
    },
    "/deepface": {},
}
"""Query parameters, of which a route reads some."""
BODY = {
    "/api/v1": {"file": _FILE, "source_image": _FILE, "target_image": _FILE, "subject": _TEXT}
    | {"embeddings": _ANY, "source": _ANY, "targets": _ANY},
    "/deepface": {"img": _FILE, "img1": _FILE, "img2": _FILE}
    | {"model_name": {"enum": ["VGG-Face", "sface", "none"]}, "detector_backend": {"enum": ["opencv", "skip", "none"]}}
    | {"distance_metric": {"enum": ["cosine", "euclidean", "euclidean_l2", "angular", "none"]}}
    | {"enforce_detection": {"type": "boolean"}, "align": _ANY, "max_faces": {"type": "integer"}, "actions": _ANY}
    | {"img_name": _TEXT, "k": {"type": "integer"}, "similarity_search": {"type": "boolean"}, "search_method": _TEXT},
}
"""Members of bodies and parts of forms, of which a route reads some."""
ANSWERS = {
    "/api/v1": {"type": "object", "required": ["message", "code"], "properties": {"code": {"type": "integer"}}},
    "/deepface": {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": _TEXT},
}
"""What a refusal looks like."""
REFUSED = {
    "/api/v1": (400, 404, 408, 413, 429, 503, 507),
    "/deepface": (400, 401, 403, 404, 405, 408, 413, 429, 503, 507),
}
"""With which status a refusal comes."""


def compat_document() -> Document:
    """OpenAPI of the CompreFace and DeepFace routes: what they read, and that every refusal is told in their words."""
    doors = [("/api/v1", part.routes) for part in compreface.PARTS] + [("/deepface", deepface_routes.routes)]
    paths: Document = {}
    for prefix, routes in doors:
        for route in routes:
            for method in sorted(route.methods & {each.upper() for each in METHODS}):
                paths.setdefault(prefix + route.path, {})[method.lower()] = _operation(prefix, route.path, method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "in other words", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"header": {"type": "apiKey", "in": "header", "name": "x-api-key"}}},
    }


def _operation(prefix: str, path: str, method: str) -> Document:
    named = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in _NAMED.findall(path)]
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in QUERY[prefix].items()]
    refusal = {"description": "refused", "content": {"application/json": {"schema": ANSWERS[prefix]}}}
    kinds = ("application/json", "application/octet-stream", "text/plain")
    good = {"description": "done", "content": {kind: {} for kind in kinds}}
    operation: Document = {
        "parameters": named + query,
        "responses": {"200": good, "201": good} | {str(status): refusal for status in REFUSED[prefix]},
    }
    if method in ("POST", "PUT", "DELETE"):
        one = {"type": "object", "properties": BODY[prefix]}
        whole = {"anyOf": [one, {"type": "array"}]} if path.endswith("/delete") else one
        content = {"application/json": {"schema": whole}, "multipart/form-data": {"schema": one}}
        operation["requestBody"] = {"content": content}
    return operation
