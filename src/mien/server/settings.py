"""What a server serves, where it listens, and how much it takes. The only place that reads the environment."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import UsageError
from mien.server.compat.settings import CompatSettings
from mien.service import Models

STATE = "MIEN_STATE"
"""Environment variable: where keys, jobs and remembered answers are kept."""
SWEEP_S = 24 * 3600.0
"""Between two sweeps, unless something else is asked for."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How much the server takes; both sides of every boundary are tested.

    Args:
        body_bytes: of one request, counted while it comes in.
        address_bytes: of path and query.
        header_bytes: of all headers.
        pictures: of one request.
        in_flight: requests at work at once; the next one is told to come back.
        per_minute: requests a minute and key that change something or carry pictures; reading counts a tenth.
        body_s: until the whole body must have come.
        stop_s: for requests at work when the server is told to stop.
        keep_answers_s: how long an idempotency key brings back the first answer.
    """

    body_bytes: int = 10 << 20
    address_bytes: int = 8 << 10
    header_bytes: int = 32 << 10
    pictures: int = 64
    in_flight: int = 16
    per_minute: int = 60
    body_s: float = 30.0
    stop_s: float = 10.0
    keep_answers_s: float = 24 * 3600.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise UsageError(f"the limit {name} must be above 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Settings:
    """One server.

    Args:
        galleries: files by the name they have in addresses.
        state: database of keys, jobs and remembered answers.
        host, port: where to listen.
        certificate, private_key: PEM files; with them the server speaks TLS.
        behind_proxy: a front proxy speaks TLS and adds the client's address.
        limits: how much a request may be.
        models: detector and embedder; a gallery's own embedder comes first.
        workers: processes that decode pictures; None = one a core.
        folders: folders of this machine that jobs may index, by the name that requests give.
        reports: folder of evaluation reports that may be read; None: none are shown.
        keep_crops: have all galleries keep a small picture of each face that is sent from now on.
        sweep_s: seconds after which those whose consent has ended are erased, again and again; None: only by
            `mien gallery sweep`. They are never matched, whatever this is.
        compat: what the routes in other servers' words promise.
    """

    galleries: Mapping[str, Path]
    state: Path
    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    private_key: Path | None = None
    behind_proxy: bool = False
    limits: RequestLimits = field(default_factory=RequestLimits)
    models: Models = field(default_factory=Models)
    workers: int | None = None
    folders: Mapping[str, Path] = field(default_factory=dict)
    reports: Path | None = None
    keep_crops: bool = False
    sweep_s: float | None = SWEEP_S
    compat: CompatSettings = field(default_factory=CompatSettings)

    def __post_init__(self) -> None:
        if not self.galleries:
            raise UsageError("a server needs a gallery: name one with -g family.mien")
        for name in self.galleries:
            check_gallery_name(name)
        if not 0 <= self.port <= 65535:
            raise UsageError(f"a port lies between 0 and 65535, got {self.port}")
        if (self.certificate is None) != (self.private_key is None):
            raise UsageError("TLS needs a certificate and its private key: give both, or neither")
        if self.sweep_s is not None and not self.sweep_s > 0:
            raise UsageError(f"sweeps need some time between them, got {self.sweep_s:g} s")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers must be at least 1, got {self.workers}")

    @property
    def tls(self) -> bool:
        """Whether the server itself speaks TLS."""
        return self.certificate is not None

    @property
    def address(self) -> str:
        """Where it is reached, without the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def require_safe(self) -> None:
        """Raise UsageError when others than this machine could listen to keys and pictures on their way."""
        if not is_loopback(self.host) and not self.tls and not self.behind_proxy:
            raise UsageError(
                f"{self.host} can be reached from other machines: give --certificate and --private-key, or "
                "--behind-proxy when a proxy in front of it speaks TLS",
                code="server-unprotected",
            )

    def require_certificate(self) -> None:
        """Raise UsageError when the certificate and its key cannot be used; nothing has been made until then."""
        if self.certificate is None or self.private_key is None:
            return
        import ssl

        def password() -> str:
            raise UsageError(f"{self.private_key} needs a password: give the private key without one")

        wrong = f"TLS cannot use the certificate {self.certificate} with the private key {self.private_key}"
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.private_key, password)
        except ssl.SSLError as error:  # before OSError, which it is
            reason = (error.reason or "no PEM").replace("_", " ").lower()
            raise UsageError(f"{wrong}: {reason}", code="server-certificate") from error
        except OSError as error:
            raise UsageError(f"{wrong}: {error.strerror}", code="server-certificate") from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address to listen on."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def check_gallery_name(name: str) -> str:
    """The name, if it can stand in an address."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name:.80}' is no name for a served gallery, which has letters, digits, '.', '_' and '-', 64 at most: "
            "rename the file"
        )
    return name


def named_galleries(paths: list[Path]) -> dict[str, Path]:
    """Gallery files by the names they get: those of the files, without their ending."""
    found: dict[str, Path] = {}
    for path in paths:
        name = check_gallery_name(path.stem)
        if name in found:
            raise UsageError(f"{path} and {found[name]} would both be called '{name}': rename one of the files")
        found[name] = path.resolve()
    return found


def named_folders(texts: Sequence[str]) -> dict[str, Path]:
    """Folders by name, from ``photos=/srv/photos``.

    Raises:
        UsageError: it is written differently, a name comes twice, or a folder is not there.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        if not sign or not _NAME.fullmatch(name) or name in found:
            raise UsageError(f"'{text:.200}': name each folder once, such as photos=/srv/photos")
        found[name] = Path(path).resolve()
        if not found[name].is_dir():
            raise UsageError(f"{path} is no folder", code="folder-missing")
    return found


def reports_folder(path: Path | None) -> Path | None:
    """The folder of reports, resolved.

    Raises:
        UsageError: it is not there.
    """
    if path is not None and not path.is_dir():
        raise UsageError(f"{path} is no folder", code="folder-missing")
    return path and path.resolve()


def state_path() -> Path:
    """Where the state is kept unless something else is asked for: $MIEN_STATE, or the user's folder for state."""
    import platformdirs

    given = os.environ.get(STATE)
    return Path(given) if given else platformdirs.user_state_path("mien", appauthor=False) / "server.sqlite"
