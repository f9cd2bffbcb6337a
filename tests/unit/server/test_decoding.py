"""Processes that decode: what becomes of those that end while no picture is at work."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.errors import ModelError
from mien.server.decoding import Decoders, Picture
from mien.server.metrics import Metrics
from server_toys import DrawnModels, png

PICTURE = Picture("ada.png", png(1))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """While this file is there no process starts."""
    return tmp_path / "broken"


@pytest.fixture
def decoders(metrics: Metrics, broken: Path) -> Iterator[Decoders]:
    made = Decoders(DrawnModels(broken=broken), metrics, workers=1)
    made.wait_ready()
    yield made
    made.close()


def kill() -> None:
    """The one process."""
    (process,) = multiprocessing.active_children()
    process.kill()
    process.join()


def test_a_process_killed_while_idle_costs_no_picture(decoders: Decoders, metrics: Metrics) -> None:
    assert len(decoders.look(PICTURE, None).faces) == 1
    kill()
    assert len(decoders.look(PICTURE, None).faces) == 1
    assert "mien_decoder_deaths_total 1.0" in metrics.text().decode()


def test_when_none_starts_any_more_it_is_told_until_one_does(decoders: Decoders, broken: Path) -> None:
    decoders.require_start()
    broken.touch()
    kill()
    for ask in (decoders.require_start, lambda: decoders.look(PICTURE, None)):
        with pytest.raises(ModelError, match="do not start") as refusal:
            ask()
        assert refusal.value.code == "decoder-start"
    broken.unlink()
    decoders.require_start()
    assert len(decoders.look(PICTURE, None).faces) == 1


def test_a_system_that_grants_no_process_is_told_so(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    kill()
    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.context.SpawnProcess.start", _refuse)
        with pytest.raises(ModelError, match="Resource temporarily unavailable"):
            decoders.require_start()
    decoders.require_start()


def _refuse(_: object) -> None:
    raise BlockingIOError(11, "Resource temporarily unavailable")
