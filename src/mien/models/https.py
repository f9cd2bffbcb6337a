"""Files from a publisher's own address: HTTPS only, resumed, never longer than the card says."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from mien.errors import ModelMissingError
from mien.models.sources import Progress
from mien.version import __version__

TIMEOUT_S = 30.0
_BLOCK = 1 << 18


class _StayOnHttps(HTTPRedirectHandler):
    """Follows redirects, but only to another HTTPS address."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if not newurl.startswith("https://"):
            raise HTTPError(req.full_url, code, f"redirected to {newurl}, which is not https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def secure_opener() -> OpenerDirector:
    """Speaks HTTPS and nothing else; uses the proxies of the environment."""
    opener = OpenerDirector()
    kinds = (ProxyHandler, HTTPSHandler, HTTPDefaultErrorHandler, HTTPErrorProcessor, UnknownHandler, _StayOnHttps)
    for kind in kinds:
        opener.add_handler(kind())
    return opener


def download(url: str, size: int, work: Path, progress: Progress, opener: OpenerDirector | None = None) -> bytes:
    """The file at an address, begun anew or gone on with from ``work/part``.

    Args:
        url: the address.
        size: bytes it must have.
        work: folder of the unfinished file; kept when the connection breaks, so that the next call goes on there.
        progress: told how far it is.
        opener: for tests and special networks; HTTPS only otherwise.

    Raises:
        ModelMissingError: not reachable, broken off, or of another length; the message is the reason alone.
    """
    part = work / "part"
    done = part.stat().st_size if part.exists() else 0
    if done >= size:
        part.unlink()  # complete, yet here again: it was the wrong file
        done = 0
    request = Request(url, headers={"User-Agent": f"mien/{__version__}", "Accept-Encoding": "identity"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        with (opener or secure_opener()).open(request, timeout=TIMEOUT_S) as response:
            _append(response, part, done, size, url, progress)
    except HTTPError as e:
        if e.code == 416:  # what we have is longer than what they have: begin anew next time
            part.unlink(missing_ok=True)
        raise ModelMissingError(f"{url}: {e}") from e
    except (URLError, http.client.HTTPException, TimeoutError, ConnectionError) as e:
        raise ModelMissingError(f"{url}: {e}") from e
    return part.read_bytes()


def _append(response: Any, part: Path, done: int, size: int, url: str, progress: Progress) -> None:
    """Write the answer behind what is there, or from the start if the server sends the whole."""
    resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
    if not resumed:
        done = 0
    with part.open("ab" if resumed else "wb") as out:
        while block := response.read(_BLOCK):
            done += len(block)
            if done > size:
                out.truncate(0)
                raise ModelMissingError(f"{url}: longer than the {size} bytes of the card")
            out.write(block)
            progress(done, size)
    if done < size:
        raise ModelMissingError(f"{url}: broke off after {done} of {size} bytes; the next pull goes on there")
