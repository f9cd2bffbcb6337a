"""Requests to a server: kept alive, repeated where that does no harm, answered with JSON or an error."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from mien.errors import MienError, StoreError, UsageError
from mien.gallery.store.trail import acts_now
from mien.service.remote.address import Address
from mien.service.remote.problems import code_of, error_of

try:
    import httpx
except ImportError as missing:
    raise UsageError("a gallery on a server needs httpx: pip install httpx", code="extra-missing") from missing

REPEATS: Final = 5
"""Further attempts after the first."""
FIRST_PAUSE_S: Final = 0.25
"""Before the first repeat; doubled each time, and spread so that clients do not come back together."""
LONGEST_PAUSE_S: Final = 120.0
"""A server that asks for more patience is given up."""
CONNECT_S: Final = 10.0
KEPT_S: Final = 4.0
"""How long an idle connection is used again; servers close theirs after 5 s, and a request must not meet that."""
PATIENT_S: Final = 3600.0
"""For work on a whole gallery."""
PURPOSE: Final = "X-Purpose"
"""Tells the server why, for its audit record."""
_BUSY = frozenset({429, 503})
"""Nothing was done: it may always be repeated."""
_LOST = frozenset({502, 504})
"""A proxy does not know what was done."""
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Connection:
    """A client of one server; safe to use from several threads.

    Args:
        address: of the server.
        key: sent with every request.
        timeout: seconds that the server may be silent.
        transport: what carries the requests; None: the network.
        sleep: waits some seconds.
    """

    def __init__(
        self,
        address: Address,
        key: str | None,
        *,
        timeout: float,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if key is not None and not (key.isascii() and key.isprintable()):
            raise UsageError("a key has ASCII characters only: copy it again", code="key-characters")
        self.server = address.server
        self._sleep = sleep
        self._timeout = timeout
        self._client = httpx.Client(
            base_url=address.server,
            headers={"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"}),
            timeout=_timeouts(timeout, read=timeout),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=KEPT_S),
            transport=transport,
            trust_env=not address.loopback,  # no proxy between a machine and itself
        )

    def close(self) -> None:
        """Close what is kept alive."""
        self._client.close()

    def call(self, method: str, path: str, *, harmless: bool = True, patient: bool = False, **rest: Any) -> Any:
        """The JSON that is answered.

        Args:
            method: of HTTP.
            path: after the server's address.
            harmless: doing it twice is the same as once, so that it is repeated when an answer is lost.
            patient: the answer may take `PATIENT_S`.
            rest: ``params``, ``json``, ``files`` or ``headers``, as httpx takes them.

        The purpose of `mien.gallery.acting` is sent with it.

        Raises:
            MienError: what the server's problem document tells; StoreError ``server-unreachable`` without an answer.
        """
        _, purpose = acts_now()
        if purpose:
            rest["headers"] = {**rest.get("headers", {}), PURPOSE: _header(purpose)}
        if patient:
            rest["timeout"] = _timeouts(self._timeout, read=PATIENT_S)
        for attempt in count():
            try:
                answer = self._client.request(method, path, **rest)
            except httpx.RequestError as error:
                if attempt == REPEATS or not (harmless or isinstance(error, _UNSENT)):
                    raise self._unreachable(error) from error
                self._sleep(_pause(attempt))
                continue
            document = _json(answer)
            if answer.is_success and (document is not None or answer.status_code == 204):
                return document
            if isinstance(document, dict) and "answer" in document:
                return document["answer"]  # each picture's failure, where the problem tells of one
            wait = _wait(answer, document, attempt, harmless)
            if wait is None:
                raise self._error(answer, document)
            self._sleep(wait)

    def _error(self, answer: httpx.Response, document: object) -> MienError:
        return error_of(answer.status_code, document, self.server)

    def _unreachable(self, error: httpx.RequestError) -> StoreError:
        reason = str(error) or type(error).__name__
        text = f"{self.server} does not answer ({reason}): check that it runs and can be reached from here"
        return StoreError(text, code="server-unreachable", source=self.server)


def _timeouts(timeout: float, *, read: float) -> httpx.Timeout:
    return httpx.Timeout(timeout, connect=min(CONNECT_S, timeout), read=read)


def _header(purpose: str) -> str:
    if not purpose.isascii():
        raise UsageError("a purpose that is told to a server has ASCII characters only", code="purpose-characters")
    return purpose


def _json(answer: httpx.Response) -> object:
    """The document of an answer; None when it is none."""
    if not answer.headers.get("content-type", "").partition(";")[0].strip().endswith("json"):
        return None
    try:
        document: object = answer.json()
    except ValueError:
        return None
    return document


def _wait(answer: httpx.Response, document: object, attempt: int, harmless: bool) -> float | None:
    """Seconds until the request is worth repeating; None: it is not."""
    status = answer.status_code
    at_work = status == 409 and isinstance(document, dict) and code_of(document) == "idempotency-busy"
    if attempt == REPEATS or not (status in _BUSY or at_work or (status in _LOST and harmless)):
        return None
    told = answer.headers.get("retry-after", "")
    wait = max(_pause(attempt), float(told[:9]) if told.isascii() and told.isdigit() else 0.0)
    return wait if wait <= LONGEST_PAUSE_S else None


def _pause(attempt: int) -> float:
    return FIRST_PAUSE_S * float(2**attempt) * random.uniform(1, 1.5)
