"""A gallery in a file, and one on a real server."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from PIL import Image

import mien
from mien.gallery import Gallery
from mien.models import LoadSettings
from mien.pipeline import Pipeline
from mien.server.app import create_app
from mien.server.context import Context, open_context
from mien.server.keys import Role
from mien.server.settings import RequestLimits, Settings
from mien.service import GalleryService, LocalGallery, Models
from mien.testing.toys import ToyDetector, draw_picture
from server_toys import NamedToyEmbedder, toy_context

ADA, BOB, CARL, DORA = 1, 2, 3, 4
LIMITS = RequestLimits(per_minute=100_000, in_flight=4)


@dataclass(frozen=True)
class ToyModels(Models):
    """Drawn faces; the error rates are those of the default embedder, whatever they mean for drawings."""

    def pipeline(self, *, batch: bool = False) -> Pipeline:
        del batch
        return Pipeline(ToyDetector(), NamedToyEmbedder())


@contextmanager
def serving(context: Context) -> Iterator[str]:
    """The address of a real server in a thread."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(context.settings, context=context), port=0, log_level="critical", lifespan="on")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def toy_local(tmp_path: Path) -> Iterator[LocalGallery]:
    with LocalGallery(Gallery.open(tmp_path / "local.mien", create=True), ToyModels()) as gallery:
        yield gallery


@pytest.fixture
def toy_audited(tmp_path: Path) -> Iterator[LocalGallery]:
    """A file whose decisions are recorded."""
    store = Gallery.open(tmp_path / "audited.mien", create=True, audit_decisions=True)
    with LocalGallery(store, ToyModels()) as gallery:
        yield gallery


@pytest.fixture
def toy_server(tmp_path: Path) -> Iterator[tuple[str, str, Context]]:
    """Address, key and context of a server."""
    with ExitStack() as stack:
        context = toy_context(tmp_path, stack, limits=LIMITS)
        url = stack.enter_context(serving(context))
        yield url, context.keys.create(Role.OPERATOR)[1], context


@pytest.fixture
def toy_remote(toy_server: tuple[str, str, Context]) -> Iterator[GalleryService]:
    url, key, _ = toy_server
    with mien.open(url, key=key) as gallery:
        yield gallery


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Drawn photographs: two of Ada, one of Bob, one of Carl and Dora, one of nobody, one that is none."""
    folder = tmp_path / "photos"
    for name, people in {
        "ada/1.png": [ADA],
        "ada/2.png": [ADA],
        "bob/1.png": [BOB],
        'both/Müller & "sons".png': [CARL, DORA],
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = draw_picture(people)
        pixels[0, 0] = len(name), name.count("1"), 0  # each file with bytes of its own
        Image.fromarray(pixels).save(path)
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(folder / "nobody.png")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "empty.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, weights: None) -> Iterator[tuple[GalleryService, ...]]:
    """With the default weights: a file, and a server with another.

    On one engine in one precision: left to itself the library takes the fastest for the number of pictures, a server
    that for many, and what was measured on the machine may change both.
    """
    del weights
    folder = tmp_path_factory.mktemp("both")
    models = Models(settings=LoadSettings(engine="onnxruntime", precision="f32"))
    settings = Settings(
        {"family": folder / "family.mien"}, folder / "state.sqlite", limits=LIMITS, workers=1, models=models
    )
    with ExitStack() as stack:
        context = open_context(settings)
        stack.callback(context.close)
        url = stack.enter_context(serving(context))
        key = context.keys.create(Role.OPERATOR, galleries=["family"])[1]
        local = stack.enter_context(mien.open(folder / "local.mien", models=models))
        yield local, stack.enter_context(mien.open(f"{url}/v1/galleries/family", key=key))
