"""Pictures in, templates out, for many requests at once: decoded in processes, embedded in common batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from mien.errors import MienError
from mien.gallery import Gallery
from mien.image import encode_jpeg
from mien.pipeline import Acquired, Policy
from mien.server.batching import Batcher
from mien.server.decoding import Decoders, Found, Picture
from mien.service.engine import Models, model_id
from mien.types.arrays import Crops
from mien.types.outcome import Failure
from mien.types.results import ModelId
from mien.types.template import Templates

T = TypeVar("T")
CROP_QUALITY = 88
"""Of JPEGs of faces that are kept; about 5 kB each."""


@dataclass(frozen=True, slots=True)
class Taken(Acquired):
    """A picture with the templates of its faces, and (n, 112, 112, 3) uint8 RGB what the embedder saw of them."""

    crops: Crops

    def jpegs(self, store: Gallery) -> list[bytes]:
        """The crops as files, where the gallery keeps them; otherwise none."""
        return jpegs_for(store, self.crops)


def jpegs_for(store: Gallery, crops: Crops) -> list[bytes]:
    """Crops of faces as files, where a gallery keeps them; otherwise none."""
    return [encode_jpeg(crop, CROP_QUALITY) for crop in crops] if store.keeps_crops else []


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

    def acquire(self, picture: Picture, policy: Policy, *, least_px: float = 0, nobody: bool = False) -> Taken:
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
        return Taken(found.seen.source, found.seen.sha256, found.seen.size, templates, found.crops)

    def acquire_each(
        self, pictures: Sequence[Picture], policy: Policy, *, least_px: float = 0, nobody: bool = False
    ) -> Iterator[Taken | Failure]:
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
            contexts = [copy_context() for _ in pictures]  # each thread knows whose work it does
            yield from pool.map(lambda context, picture: context.run(attempt, picture), contexts, pictures)
