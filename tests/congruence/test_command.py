"""The command with a gallery on a server."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from mien.server.context import Context

Mien = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def url(toy_server: tuple[str, str, Context], monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a gallery whose key stands in the environment."""
    monkeypatch.setenv("MIEN_KEY", toy_server[1])
    return f"{toy_server[0]}/v1/galleries/family"


def test_enrol_index_identify_and_verify_take_an_address(subprocess_mien: Mien, url: str, photos: Path) -> None:
    ada, other = str(photos / "ada" / "1.png"), str(photos / "ada" / "2.png")
    enrolled = subprocess_mien("enrol", "-g", url, "Ada", ada, "--set", "site=berlin")
    assert (enrolled.returncode, enrolled.stdout) == (0, f"Ada: 1 reference added to {url}\n")
    indexed = json.loads(subprocess_mien("index", "-g", url, str(photos), "--json").stdout)
    assert (indexed["files"], indexed["new"], indexed["skipped"], indexed["faces"]) == (7, 4, 1, 4)
    found = subprocess_mien("identify", "-g", url, other, "--where", "site=berlin", "--json")
    assert (found.returncode, json.loads(found.stdout)["probes"][0]["decision"]) == (0, "Ada")
    assert json.loads(found.stdout)["probes"][0]["file"] == other
    assert subprocess_mien("verify", "-g", url, other, "Ada").returncode == 0
    assert subprocess_mien("verify", "-g", url, str(photos / "bob" / "1.png"), "Ada").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("identify", "--engine", "onnxruntime", "a.png"),
        ("enrol", "--embedder", "sface", "Ada", "a.png"),
        ("enrol", "--compact", "Ada", "a.png"),
        ("index", "--workers", "2", "."),
        ("index", "--profile", "."),
    ],
)
def test_options_about_the_models_are_refused(subprocess_mien: Mien, url: str, arguments: tuple[str, ...]) -> None:
    done = subprocess_mien(*arguments, "-g", url)
    assert done.returncode == 2
    assert "leave" in done.stderr
    assert done.stdout == ""


def test_without_a_key_the_command_says_so(
    subprocess_mien: Mien, url: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIEN_KEY")
    done = subprocess_mien("identify", "-g", url, str(photos / "ada" / "1.png"), "--json")
    assert done.returncode == 10
    assert "key-missing" in done.stdout + done.stderr
