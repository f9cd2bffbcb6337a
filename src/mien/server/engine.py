"""Pictures in, templates out, for many requests at once: decoded in processes, embedded in common batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from mien.errors import MienError
from mien.pipeline import Acquired, Policy
from mien.server.batching import Batcher
from mien.server.decoding import Decoders, Found, Picture
from mien.service.engine import Models, model_id
from mien.types.outcome import Failure
from mien.types.results import ModelId
from mien.types.template import Templates

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Engine:
    """The models of a gallery, at the service of its requests.

    Args:
        decoders: find faces.
        batcher: embeds them.
        models: which they are.
    """

    decoders: Decoders
    batcher: Batcher
    models: Models

    @property
    def model(self) -> ModelId:
        """The embedder as results name it."""
        return model_id(self.batcher.embedder)

    def detect(self, picture: Picture) -> Found:
        """All faces of a picture; none is no error.

        Raises:
            ImageError: the picture cannot be used.
            LimitError: everything is busy.
        """
        return self.decoders.look(picture, None)

    def acquire(self, picture: Picture, policy: Policy, *, least_px: float = 0, nobody: bool = False) -> Acquired:
        """A picture and the templates of its chosen faces.

        Args:
            picture: where to look.
            policy: which faces to take.
            least_px: least height of a chosen face.
            nobody: a picture without a face is no error, and gives no template.

        Raises:
            ImageError: the picture cannot be used.
            FaceError: the policy finds no face to take, or one is lower than `least_px`.
            LimitError: everything is busy.
        """
        found = self.decoders.look(picture, policy, least_px=least_px, nobody=nobody)
        assert found.crops is not None
        embedder = self.batcher.embedder
        vectors = self.batcher.embed(found.crops) if found.faces else embedder.embed(found.crops)
        templates = Templates(vectors, embedder.precision, embedder.contract, tuple(found.faces))
        return Acquired(found.seen.source, found.seen.sha256, found.seen.size, templates)

    def acquire_each(
        self, pictures: Sequence[Picture], policy: Policy, *, least_px: float = 0, nobody: bool = False
    ) -> Iterator[Acquired | Failure]:
        """Each picture's outcome, in order, several at a time; what is wrong with one does not end the others."""
        return self._each(pictures, lambda each: self.acquire(each, policy, least_px=least_px, nobody=nobody))

    def detect_each(self, pictures: Sequence[Picture]) -> Iterator[Found | Failure]:
        """The faces of each picture, as `acquire_each`."""
        return self._each(pictures, self.detect)

    def _each(self, pictures: Sequence[Picture], work: Callable[[Picture], T]) -> Iterator[T | Failure]:
        def attempt(picture: Picture) -> T | Failure:
            try:
                return work(picture)
            except MienError as error:
                if error.exit_code not in (3, 4):  # not about this picture
                    raise
                return Failure.of(error, picture.name)

        if len(pictures) == 1:
            yield attempt(pictures[0])
            return
        with ThreadPoolExecutor(min(len(pictures), self.decoders.count + 1)) as pool:
            yield from pool.map(attempt, pictures)
