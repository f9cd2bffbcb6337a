"""Results as clients see them: no paths of this machine."""

from __future__ import annotations

import time
from typing import Any, Protocol

from mien.server.bodies import shown_name


class Result(Protocol):
    """Anything that mien answers."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        ...


def answer(result: Result, start: float, **members: Any) -> dict[str, Any]:
    """A result as JSON, with the seconds since `start` of `time.perf_counter`."""
    document: dict[str, Any] = hide_paths(result.to_dict())
    return {**document, **members, "seconds": round(time.perf_counter() - start, 4)}


def hide_paths(value: Any) -> Any:
    """The same JSON in which every ``file`` is a name without folders, and messages speak of that."""
    if isinstance(value, list):
        return [hide_paths(each) for each in value]
    if not isinstance(value, dict):
        return value
    shown = {key: hide_paths(each) for key, each in value.items()}
    path = value.get("file")
    if isinstance(path, str):
        shown["file"] = shown_name(path) if path else ""
        if path and isinstance(value.get("message"), str):
            shown["message"] = value["message"].replace(path, shown["file"])
    return shown
