"""Evaluation reports in a folder of the operator's: found, and read without ever leaving that folder.

Reports are opened by following a link, which carries no key: the link itself does, for a while. Every part of a path
is opened below the one before, and none may be a symbolic link.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import html
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mien.errors import NotFoundError
from mien.gallery.calls.session import Clock, utc_now

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".csv": "text/plain; charset=utf-8",
    ".json": "text/plain; charset=utf-8",
}
"""What is read at all; tables come as text, since a page in a sandbox may not download."""
MAX_BYTES = 64 << 20
MAX_DEPTH = 4
MAX_REPORTS = 500
HEAD = 8 << 10
"""Bytes in which the title of a report stands."""
LINK = timedelta(hours=1)
"""How long a link opens reports, at least; at most twice as long."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._+=-]{0,127}")
_TITLE = re.compile(rb"<title>([^<]{1,400})</title>", re.IGNORECASE)
_TICKET = re.compile(r"([0-9]{1,11})-[0-9a-f]{64}")
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report that can be opened.

    Args:
        name: path below the folder, with ``/``.
        title: what it calls itself.
        modified: ISO 8601, UTC.
    """

    name: str
    title: str
    modified: str


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of one folder.

    Args:
        root: the folder; None: there are none.
        clock: gives the time, in UTC.
    """

    root: Path | None
    clock: Clock = utc_now
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def found(self) -> list[ReportFile]:
        """Every page of a report, by name; at most `MAX_REPORTS`."""
        found: list[ReportFile] = []
        if self.root is None:
            return found
        for folder, folders, files in os.walk(self.root):  # follows no link
            here = Path(folder).relative_to(self.root)
            folders[:] = sorted(name for name in folders if len(here.parts) < MAX_DEPTH and _PART.fullmatch(name))
            for file in sorted(files):
                if file.endswith(".html") and len(found) < MAX_REPORTS:
                    with contextlib.suppress(NotFoundError):  # a link, or gone
                        found.append(self._described((here / file).as_posix()))
        return sorted(found, key=lambda each: each.name)

    def _described(self, name: str) -> ReportFile:
        with self._opened(name) as descriptor:
            title = _TITLE.search(os.read(descriptor, HEAD))
            modified = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC).isoformat(timespec="seconds")
        said = html.unescape(title[1].decode("utf-8", "replace")).strip() if title else name
        return ReportFile(name, said, modified.replace("+00:00", "Z"))

    def read(self, name: str) -> tuple[bytes, str]:
        """A file of a report and its media type.

        Args:
            name: path below the folder, with ``/``.

        Raises:
            NotFoundError: there is no such file, or it is none that is read.
        """
        with self._opened(name) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(MAX_BYTES), TYPES[Path(name).suffix]

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        """The descriptor of a regular file below the folder."""
        parts = name.split("/")
        missing = NotFoundError(f"no report '{name:.80}'", code="no-report")
        if self.root is None or Path(name).suffix not in TYPES or len(parts) > MAX_DEPTH + 1:
            raise missing
        with contextlib.ExitStack() as stack:
            try:
                descriptor = os.open(self.root, _FLAGS | os.O_DIRECTORY)
                stack.callback(os.close, descriptor)
                for number, part in enumerate(parts, 1):
                    if not _PART.fullmatch(part):
                        raise missing
                    kind = 0 if number == len(parts) else os.O_DIRECTORY
                    descriptor = os.open(part, _FLAGS | kind, dir_fd=descriptor)
                    stack.callback(os.close, descriptor)
                facts = os.fstat(descriptor)
            except OSError as error:
                raise missing from error
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
                raise missing
            yield descriptor

    # -- links

    def ticket(self) -> str:
        """What opens reports for a while; the same for everybody who asks in that while."""
        step = int(LINK.total_seconds())
        return self._signed((int(self.clock().timestamp()) // step + 2) * step)

    def require_ticket(self, ticket: str) -> None:
        """Raise NotFoundError unless a link is still good."""
        until = _TICKET.fullmatch(ticket)
        good = until is not None and hmac.compare_digest(self._signed(int(until[1])), ticket)
        if until is None or not good or int(until[1]) <= self.clock().timestamp():
            raise NotFoundError("this link has expired: open the report from the Trust page again", code="link-expired")

    def _signed(self, until: int) -> str:
        return f"{until}-{hmac.new(self._secret, str(until).encode(), hashlib.sha256).hexdigest()}"
