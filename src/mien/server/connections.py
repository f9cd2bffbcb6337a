"""Connections with an end to every wait for the client; uvicorn alone waits as long as the client likes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mien.server.problems import Problem

HEAD_S = 30.0
"""Seconds in which the head of a request must have come; also until a connection says its first word."""
STALL_S = 30.0
"""Seconds in which a client that is behind must have taken some of its answer."""


class Connection(H11Protocol):
    """HTTP/1.1 of one client.

    A connection without a request at work lives for `head_s` from when it was made, or from the first byte after the
    last answer. So neither half a head nor the dripping rest of a refused body keeps it open.
    """

    head_s = HEAD_S
    stall_s = STALL_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._heard = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        # asyncio does so for sockets that it made itself only; without it each answer's body waits 40 ms for an ACK.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = self.loop.call_later(self.head_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take what came; wait no more when it completed a head."""
        self._heard = True
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(self.head_s, self._give_up)

    def pause_writing(self) -> None:
        """The client is behind: it has `stall_s` to take some of it, or a request would wait for it for ever."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """The connection was idle for long enough."""
        super().timeout_keep_alive_handler()
        self._drop_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all waits."""
        self._stop_waiting()
        if self._stall is not None:
            self._stall.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _give_up(self) -> None:
        self._head = None
        if self._heard and self.conn.our_state is h11.IDLE:
            detail = f"a request's head did not come within {self.head_s:g} s"
            refusal = Problem(408, "head-too-slow", detail, {"Connection": "close"}).answer()
            for event in (
                h11.Response(status_code=refusal.status_code, headers=refusal.raw_headers),
                h11.Data(data=bytes(refusal.body)),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._drop_rest()

    def _drop_rest(self) -> None:
        """A closed connection stays until its last byte is taken; this client does not take it."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
