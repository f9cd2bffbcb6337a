"""``mien keys …``: who may use the server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import output
from mien.cli.options import Json

if TYPE_CHECKING:
    from mien.server.keys import Key, KeyStore, Role

app = typer.Typer(help="Keys of the server: make, list, revoke, rotate.", no_args_is_help=True)
State = Annotated[Path | None, typer.Option(help="Database of the server; $MIEN_STATE, or the user's folder.")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The id that `mien keys list` shows.")]


@app.command("create")
def create(
    role: Annotated[str, typer.Option(help="viewer, operator, admin or auditor.")],
    gallery: Annotated[
        list[str] | None, typer.Option(help="A gallery it opens, by name; several are fine. Default: all.")
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="90d", help="12h, 90d, 2w or 1y. Default: never.")] = None,
    label: Annotated[str, typer.Option(help="What you call it.")] = "",
    compreface: Annotated[
        bool, typer.Option("--compreface", help="A UUID, for clients of CompreFace; give one --gallery with it.")
    ] = False,
    state: State = None,
    json: Json = False,
) -> int:
    """Make a key. It is shown once and kept nowhere."""
    with _store(state) as keys:
        from mien.server.keys import parse_lifetime

        lifetime = None if expires is None else parse_lifetime(expires)
        made = keys.create(_role(role), galleries=gallery, lifetime=lifetime, label=label, as_uuid=compreface)
        _show(*made, json=json)
    return 0


@app.command("list")
def list_keys(state: State = None, json: Json = False) -> int:
    """All keys, without their tokens."""
    with _store(state) as keys:
        found = keys.list()
    if json:
        output.document({"keys": [key.to_dict() for key in found]})
        return 0
    for key in found:
        output.say(_line(key))
    return 0


@app.command("revoke")
def revoke(number: KeyId, state: State = None, json: Json = False) -> int:
    """Make a key open nothing, from the next request on."""
    with _store(state) as keys:
        key = keys.revoke(number)
    if json:
        output.document(key.to_dict())
    else:
        output.say(_line(key))
    return 0


@app.command("rotate")
def rotate(
    number: KeyId,
    overlap: Annotated[
        str | None, typer.Option(metavar="1d", help="How long the old key stays good. Default: not at all.")
    ] = None,
    state: State = None,
    json: Json = False,
) -> int:
    """A new key with the rights of an old one."""
    with _store(state) as keys:
        from datetime import timedelta

        from mien.server.keys import parse_lifetime

        _show(*keys.rotate(number, overlap=parse_lifetime(overlap) if overlap else timedelta(0)), json=json)
    return 0


@contextlib.contextmanager
def _store(state: Path | None) -> Iterator[KeyStore]:
    from mien.cli.serve import require_extra

    require_extra()
    from mien.server.keys import KeyStore
    from mien.server.settings import state_path

    with contextlib.closing(KeyStore(state or state_path())) as keys:
        yield keys


def _role(name: str) -> Role:
    from mien.errors import UsageError
    from mien.server.keys import Role

    if name not in list(Role):
        raise UsageError(f"--role takes {', '.join(Role)}, not '{name}'")
    return Role(name)


def _show(key: Key, token: str, *, json: bool) -> None:
    if json:
        output.document({**key.to_dict(), "token": token})
        return
    output.say(token)
    output.note(f"{_line(key)}; the key is shown once and kept nowhere")


def _line(key: Key) -> str:
    where = "all galleries" if key.galleries is None else ", ".join(sorted(key.galleries))
    end = (
        f"revoked {key.revoked[:10]}" if key.revoked else f"expires {key.expires[:10]}" if key.expires else "no expiry"
    )
    return f"{key.id}  {key.role:<8}  {where}  {end}" + (f"  {key.label}" if key.label else "")
