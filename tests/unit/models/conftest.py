from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from model_toys import CARD, DATA, MakeCard

from mien.models import loading
from mien.models.card import Card, read_card


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the folders of the person who runs it."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(loading, "_loaded", {})


@pytest.fixture
def make_card(tmp_path: Path) -> MakeCard:
    """Writes a card of the user's own and reads it."""

    def make(
        *sources: str, data: bytes = DATA, name: str = "toy", weights: str = "MIT", sha256: str = "", more: str = ""
    ) -> Card:
        folder = tmp_path / "config" / "mien" / "cards"
        folder.mkdir(parents=True, exist_ok=True)
        digest = sha256 or hashlib.sha256(data).hexdigest()
        text = CARD.format(name=name, weights=weights, sha256=digest, size=len(data), sources=list(sources))
        (folder / f"{name}.toml").write_text(more + text)
        return read_card(folder / f"{name}.toml")

    return make


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only package index pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in {"CONFIG_FILE": "/dev/null", "NO_INDEX": "1", "FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    for name in ("CONSTRAINT", "INDEX_URL", "EXTRA_INDEX_URL", "CERT"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    return folder
