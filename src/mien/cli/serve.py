"""``mien serve``."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    import uvicorn

    from mien.server.context import Context
    from mien.server.settings import Settings

SERVER = "Server"
COMPAT = "In the words of other servers"
FILES = 65_536
"""Open files that a server asks the system for."""


def serve(
    gallery: Annotated[
        list[Path], typer.Option("--gallery", "-g", help="A gallery file, made if it is not there; several are fine.")
    ],
    host: Annotated[str, typer.Option(help="Where to listen; others than this machine need TLS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 = any free one.", min=0, max=65535)] = 8000,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file of the certificate chain.", rich_help_panel=SERVER)
    ] = None,
    private_key: Annotated[Path | None, typer.Option(help="PEM file of its key.", rich_help_panel=SERVER)] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy in front of it speaks TLS.", rich_help_panel=SERVER)
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(help="Database of keys and jobs; $MIEN_STATE, or the user's folder.", rich_help_panel=SERVER),
    ] = None,
    folder: Annotated[
        list[str] | None,
        typer.Option(
            help="A folder that jobs may index: photos=/srv/photos; several are fine.", rich_help_panel=SERVER
        ),
    ] = None,
    keep_crops: Annotated[
        bool,
        typer.Option(
            "--keep-crops",
            help="Keep a small picture of each face that is sent, in the gallery; `mien gallery crops --drop` ends it.",
            rich_help_panel=SERVER,
        ),
    ] = False,
    sweep_every: Annotated[
        str,
        typer.Option(
            metavar="1d",
            help="How often those whose consent has ended are erased: 12h, 1d, 1w; or never.",
            rich_help_panel=SERVER,
        ),
    ] = "1d",
    reports: Annotated[
        Path | None,
        typer.Option(help="A folder of evaluation reports to show on the Trust page.", rich_help_panel=SERVER),
    ] = None,
    per_minute: Annotated[
        int, typer.Option(help="Requests a minute and key; reading counts a tenth.", min=1, rich_help_panel=SERVER)
    ] = 60,
    in_flight: Annotated[
        int, typer.Option(help="Requests at work at once; more get 503.", min=1, rich_help_panel=SERVER)
    ] = 16,
    body_seconds: Annotated[
        float, typer.Option(help="Until a request's body must have come.", min=0.1, rich_help_panel=SERVER)
    ] = 30.0,
    workers: Annotated[
        int | None, typer.Option(help="Decoding processes; one a core.", min=1, rich_help_panel=SERVER)
    ] = None,
    compat_fmr: Annotated[
        float,
        typer.Option(
            help="How often strangers may match in CompreFace's and DeepFace's words.", rich_help_panel=COMPAT
        ),
    ] = 1e-4,
    compat_fpir: Annotated[
        float, typer.Option(help="How often a stranger may be recognised there.", rich_help_panel=COMPAT)
    ] = 0.003,
    compreface_cut_off: Annotated[
        bool,
        typer.Option("--compreface-cut-off", help="recognize names only who matches.", rich_help_panel=COMPAT),
    ] = False,
    deepface_at_root: Annotated[
        bool,
        typer.Option("--deepface-at-root", help="/represent, not only /deepface/represent.", rich_help_panel=COMPAT),
    ] = False,
    detector: options.Detector = "yunet",
    embedder: options.Embedder = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    side: options.Side = None,
    allow_licence: options.AllowLicence = "permissive",
) -> int:
    """Serve galleries over HTTP: API and pages. The first start prints one admin key, once."""
    require_extra()
    from mien.server.compat.settings import CompatSettings
    from mien.server.keys import parse_lifetime
    from mien.server.settings import (
        RequestLimits,
        Settings,
        named_folders,
        named_galleries,
        reports_folder,
        state_path,
    )

    settings = Settings(
        galleries=named_galleries(gallery),
        state=state or state_path(),
        host=host,
        port=port,
        certificate=certificate,
        private_key=private_key,
        behind_proxy=behind_proxy,
        limits=RequestLimits(per_minute=per_minute, in_flight=in_flight, body_s=body_seconds),
        models=options.models(detector, embedder, engine, precision, allow_licence, side),
        workers=workers,
        folders=named_folders(folder or []),
        reports=reports_folder(reports),
        keep_crops=keep_crops,
        sweep_s=None if sweep_every == "never" else parse_lifetime(sweep_every).total_seconds(),
        compat=CompatSettings(compat_fmr, compat_fpir, compreface_cut_off, deepface_at_root),
    )
    settings.require_safe()
    settings.require_certificate()
    options.fetch(settings.models)
    _first_key(settings)
    run(settings)
    return 0


def require_extra() -> None:
    """Raise UsageError unless what ``mien[serve]`` installs is there."""
    from importlib.util import find_spec

    from mien.errors import UsageError

    missing = [name for name in ("fastapi", "uvicorn", "python_multipart", "prometheus_client") if not find_spec(name)]
    if missing:
        raise UsageError("the server is an extra of its own: pip install 'mien[serve]'", code="extra-missing")


def _first_key(settings: Settings) -> None:
    """An admin key where there is no key yet; its token is shown here and never again."""
    from mien.server.keys import KeyStore, Role

    with contextlib.closing(KeyStore(settings.state)) as keys:
        if not keys.list():
            _, token = keys.create(Role.ADMIN, label="first start")
            output.say(f"admin key: {token}")
            output.note("this key is shown once and kept nowhere; `mien keys create` makes others")


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; requests at work are finished first."""
    import uvicorn

    from mien.server.app import create_app
    from mien.server.connections import Connection
    from mien.server.context import open_context

    _allow_files()
    listening = listen(settings)
    settings = replace(settings, port=listening.getsockname()[1])
    with _shown_log(), contextlib.closing(listening), contextlib.closing(open_context(settings)) as context:
        config = uvicorn.Config(
            create_app(settings, context=context),
            http=Connection,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.private_key,
            proxy_headers=settings.behind_proxy,
            server_header=False,
            access_log=False,  # addresses hold names of people
            log_level="error",  # what is wrong with a request is told to the client, and fills no log
            timeout_graceful_shutdown=round(settings.limits.stop_s),
            timeout_keep_alive=30,
            ws="none",
        )
        server = uvicorn.Server(config)
        with _stopped_by_signals(server):
            if unseen := _without_faces(context):
                output.note(f"{', '.join(unseen)}: faces cannot be shown without --keep-crops, or --folder photos=DIR")
            output.note(f"serving {', '.join(sorted(settings.galleries))} at {settings.address}")
            server.run(sockets=[listening])


@contextlib.contextmanager
def _shown_log() -> Iterator[None]:
    """What the server notes as it works, such as how many a sweep erased, stands on stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("mien")
    before = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


class _Line(logging.Formatter):
    """One line a record, without terminal control."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - a method of logging's
        return output.printable(super().formatMessage(record)).replace("\n", "\\n")


def _without_faces(context: Context) -> list[str]:
    """Galleries of which no page can show a face: nothing is kept of them, and no folder may be read."""
    if context.settings.folders:
        return []
    return [name for name, served in sorted(context.galleries.items()) if not served.reader.store.keeps_crops]


def _allow_files() -> None:
    """As many open files as the system grants, up to `FILES`: each connection is one, and 1,024 are the custom."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listen(settings: Settings) -> Any:
    """A socket that listens, or one line that says why there is none."""
    import socket

    from mien.errors import UsageError

    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host.strip("[]"), settings.port), family=family, backlog=2048)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another --port",
            code="server-address",
        ) from error


@contextlib.contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """SIGTERM and Ctrl-C end the server, and nothing else.

    They do so before uvicorn has its own handlers, and do no harm after, when it
    raises the signal once more.
    """

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
