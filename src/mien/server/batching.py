"""Faces of several requests through the embedder in one call."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from mien.errors import LimitError, MienError
from mien.models import Embedder
from mien.server.leaving import client_left, gone, left
from mien.server.metrics import Metrics
from mien.types.arrays import Crops, Embeddings


@dataclass(frozen=True, slots=True)
class _Order:
    crops: Crops
    client: threading.Event | None
    answer: Future[Embeddings] = field(default_factory=Future)


class Batcher:
    """Threads that embed whatever has come in meanwhile; `embed` may be called from any number of threads.

    While calls run, further orders gather and become the next one: batches grow with the load by themselves, and a face
    never waits for company.

    Args:
        embedder: the network.
        metrics: told how large the batches were.
        limit: faces that may wait.
        calls: of the network at once.
    """

    def __init__(self, embedder: Embedder, metrics: Metrics, *, limit: int = 8192, calls: int = 1) -> None:
        self.embedder = embedder
        self._metrics = metrics
        self._limit = limit
        self._waiting = 0
        self._lock = threading.Lock()
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"mien-embedder-{number}", daemon=True) for number in range(calls)
        ]
        for thread in self._threads:
            thread.start()

    def embed(self, crops: Crops) -> Embeddings:
        """(n, 112, 112, 3) uint8 RGB aligned crops to (n, d) float32 rows of length 1.

        Raises:
            ModelInvalidError: the network's vectors are not what its card says.
            LimitError: too many faces are waiting.
            Problem: the client has left before its turn came.
        """
        if not len(crops):
            return np.empty((0, self.embedder.contract.dimension), np.float32)
        with self._lock:
            if self._waiting + len(crops) > self._limit:
                raise LimitError("too many faces are waiting for the embedder; try again", code="busy")
            self._waiting += len(crops)
        order = _Order(crops, client_left())
        self._orders.put(order)
        try:
            return order.answer.result()
        finally:
            with self._lock:
                self._waiting -= len(crops)

    def close(self) -> None:
        """Finish what was ordered, then end the threads."""
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            orders, ended = self._gather(order)
            self._answer(orders)
            if ended:
                return

    def _gather(self, first: _Order) -> tuple[list[_Order], bool]:
        """Orders for one call, and whether the end came among them."""
        orders, faces = [first], len(first.crops)
        while faces < self.embedder.batch:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                break
            if order is None:
                return orders, True
            orders.append(order)
            faces += len(order.crops)
        return orders, False

    def _answer(self, orders: list[_Order]) -> None:
        for order in orders:
            if left(order.client):
                order.answer.set_exception(gone())
        orders = [order for order in orders if not order.answer.done()]
        if not orders:
            return
        crops = np.concatenate([order.crops for order in orders]) if len(orders) > 1 else orders[0].crops
        self._metrics.batch_faces.observe(len(crops))
        try:
            vectors = self.embedder.embed(crops)
        except (MienError, ValueError, RuntimeError, MemoryError) as error:
            for order in orders:
                order.answer.set_exception(error)
            return
        ends = np.cumsum([len(order.crops) for order in orders])
        for order, rows in zip(orders, np.split(vectors, ends[:-1]), strict=True):
            order.answer.set_result(rows)
