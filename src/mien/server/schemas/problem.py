"""What a problem looks like."""

from __future__ import annotations

from typing import Any

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:mien:[a-z0-9-]+$", "description": "Stable name of the problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do, in one line."},
        "error": {"type": "string", "description": "Class of the error in mien's library, where it has one."},
        "answer": {"type": "object", "description": "What became of each picture, where none could be used."},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "One entry a value that is wrong."},
    },
    "example": {
        "type": "urn:mien:no-face",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "ada.jpg: no face found",
    },
}
