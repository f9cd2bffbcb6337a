"""What a run was made from, so that another can be made alike."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mien.errors import StoreCorruptError
from mien.evaluate.environment import environment
from mien.train.data import FaceData, data_digest
from mien.train.recipe import Recipe

MANIFEST = "manifest.json"
RECIPE = "recipe.toml"
WEIGHTS = "model.safetensors"


def manifest(recipe: Recipe, data: FaceData, *, command: str, processes: int) -> dict[str, Any]:
    """Versions, commit, data and seed; no names of people."""
    return {
        "command": command,
        "environment": environment() | {"torch": version("torch")},
        "commit": commit(),
        "processes": processes,
        "seed": recipe.run.seed,
        "data": {
            "pictures": len(data),
            "people": len(data.people),
            "failures": len(data.failures),
            "facts": dict(data.facts),
            "licence": recipe.data.licence,
            "sha256": data_digest(data),
        },
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run.

    Raises:
        StoreCorruptError: missing or no JSON.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreCorruptError(f"{folder / MANIFEST}: {error}", source=str(folder)) from error
    return facts


def commit() -> str | None:
    """The commit of mien's own checkout, with ``+`` where it has changes; None for an installed package."""
    home = Path(__file__).parent
    try:
        head, changed = (
            subprocess.run(["git", "-C", str(home), *words], capture_output=True, text=True, check=True).stdout.strip()
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no", "."))
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changed else "")
