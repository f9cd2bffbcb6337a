from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mien.server.context import Context
from mien.server.keys import Role
from server_toys import Client, toy_app, toy_context


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    album = tmp_path / "album"
    album.mkdir()
    with ExitStack() as stack:
        yield toy_context(tmp_path, stack, names=("family", "office"), folders={"album": album.resolve()})


@pytest.fixture
def client(context: Context) -> Client:
    """A client without a key."""
    return Client(toy_app(context))


@pytest.fixture
def admin(context: Context, client: Client) -> Client:
    """A client that may do everything."""
    client.headers["x-api-key"] = context.keys.create(Role.ADMIN)[1]
    return client
