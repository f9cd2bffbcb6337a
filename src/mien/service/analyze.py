"""What heads say of the faces of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mien.cores import usable_cores
from mien.errors import MienError, UsageError
from mien.image import PhotoSource, open_photo
from mien.models import Card, Head, Store, cards, find_card, load_head, require_licence
from mien.models.head_facts import HeadFacts
from mien.models.views import Cuts
from mien.pipeline.stream import worker_threads
from mien.runtime import Threads
from mien.runtime.threads import quiet_libraries
from mien.service.engine import Models
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.outcome import Failure

ALL = "all"
"""Every head but those for research."""
DIGEST = 12
"""Hex digits of a head's SHA-256 in a row; the list of heads has it whole."""


@dataclass(frozen=True, slots=True)
class Analyzer:
    """Heads that are ready to look.

    Args:
        models: which detector, and how everything is run.
        heads: in an order in which each has what it needs.
        asked: names of those that were asked for; the others only serve them.
    """

    models: Models
    heads: tuple[Head, ...]
    asked: tuple[str, ...]

    def look(self, source: PhotoSource) -> Faces:
        """The faces of a picture with a column for each head; one decode, and one cut of a kind, for all of them.

        Raises:
            ImageError: the picture cannot be used.
        """
        return self.columns(*self.find(source))

    def look_all(self, sources: Sequence[PhotoSource]) -> Iterator[Faces | Failure]:
        """What `look` answers for each of many pictures, in their order, or why one cannot be used.

        Several are worked on at once, each on one core: while heads look at one, others are decoded.
        """
        if len(sources) < 2:
            yield from map(self._one, sources)
            return
        with quiet_libraries(), ThreadPoolExecutor(worker_threads(usable_cores())) as pool:
            try:
                yield from pool.map(partial(self._one, threads="throughput"), sources)
            finally:
                pool.shutdown(cancel_futures=True)

    def _one(self, source: PhotoSource, threads: Threads = "latency") -> Faces | Failure:
        try:
            return self.columns(*self.find(source, threads))
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            return Failure.of(error, str(source))

    def find(self, source: PhotoSource, threads: Threads = "latency") -> tuple[Image, Faces]:
        """The decoded picture and its faces, before any head looks; ``latency`` gives the detector all cores.

        Raises:
            ImageError: the picture cannot be used.
        """
        image = open_photo(source, limits=self.models.limits).decode()
        return image, self.models.load_detector(replace(self.models.settings, threads=threads)).detect(image)

    def columns(self, image: Image, faces: Faces) -> Faces:
        """The faces of a decoded picture with a column for each head."""
        if not faces:
            return faces
        cuts = Cuts(image, faces)
        for head in self.heads:
            cuts.faces = cuts.faces.with_columns({head.card.name: head.look(cuts)})
        return cuts.faces

    def head(self, name: str) -> Head:
        """One of the heads, by its card's name; KeyError without it."""
        return {head.card.name: head for head in self.heads}[name]

    def describe(self) -> list[dict[str, Any]]:
        """The heads that were asked for: digest, licence, what they give, measured errors."""
        return [_described(head) for head in self._shown()]

    def rows(self, faces: Faces) -> dict[str, Any]:
        """One picture for JSON: what `Faces.to_dict` has, and under each face its ``heads``."""
        given = faces.to_dict()
        for number, face in enumerate(given["faces"]):
            face["heads"] = {head.card.name: _row(head, faces, number) for head in self._shown()}
        return given

    def _shown(self) -> list[Head]:
        return [head for head in self.heads if head.card.name in self.asked]


def open_analyzer(names: Sequence[str], models: Models | None = None) -> Analyzer:
    """The heads of these names; ``all`` stands for every one that is not for research.

    Raises:
        UsageError: none is named.
        NotFoundError: no such head.
        LicenceError: the policy does not allow one.
        ModelError: weights are missing, altered or invalid.
    """
    models = models or Models()
    asked = [load_head(name, models.settings) for name in asked_for(names)]
    return Analyzer(models, tuple(in_order(asked, models)), tuple(head.card.name for head in asked))


def asked_for(names: Sequence[str]) -> list[str]:
    """Names of heads, each once, ``all`` written out.

    Raises:
        UsageError: none is named.
    """
    if not names:
        known = ", ".join(card.name for card in cards("head"))
        raise UsageError(f"no head is asked for and none is on by itself: name some with --heads ({known})")
    general = [card.name for card in cards("head") if not facts_of(card).research]
    return list(dict.fromkeys(each for name in names for each in (general if name == ALL else [name])))


def missing(names: Sequence[str], models: Models) -> list[Card]:
    """Cards of these heads, and of those they need, whose weights are not cached; their licences are checked."""
    chosen = _with_needed(asked_for(names), models)
    for card in chosen:
        require_licence(card, models.settings.allow_licence)
    return [card for card in chosen if not Store().has(card)]


def _with_needed(names: Sequence[str], models: Models) -> list[Card]:
    """Cards of these names, after each those that it needs as far as that can be told without its weights."""
    found: dict[str, Card] = {}
    for name in names:
        card = found.setdefault(name, find_card(name, "head"))
        needs = () if card.files else load_head(name, models.settings).needs
        found |= {each.name: each for each in _with_needed(needs, models)}
    return list(found.values())


def facts_of(card: Card) -> HeadFacts:
    """What a head's card says of it.

    Raises:
        UsageError: the card is of another kind.
    """
    if card.head is None:
        raise UsageError(f"'{card.name}' is a card of kind {card.kind}, head was asked for", source=card.name)
    return card.head


def in_order(asked: list[Head], models: Models) -> list[Head]:
    """Those that others need first, whether asked for or not; the asked-for ones keep their order otherwise."""
    ordered: dict[str, Head] = {}

    def place(head: Head) -> None:
        for name in head.needs:
            if name not in ordered:
                place(load_head(name, models.settings))
        ordered.setdefault(head.card.name, head)

    for head in asked:
        place(head)
    return list(ordered.values())


def _described(head: Head) -> dict[str, Any]:
    card, facts = head.card, facts_of(head.card)
    return {
        "name": card.name,
        "sha256": card.digest,
        "gives": facts.gives,
        "unit": facts.unit,
        "labels": list(facts.labels),
        "use": "research" if facts.research else "general",
        "licence": {"code": card.licences.code, "weights": card.licences.weights},
        "training_data": card.licences.training_data,
        "engine": head.session.engine if head.session else None,
        "precision": head.session.precision.value if head.session else None,
        "errors": [error.to_dict() for error in facts.errors],
    }


def _row(head: Head, faces: Faces, number: int) -> dict[str, Any]:
    facts, name = facts_of(head.card), head.card.name
    error = facts.errors[0] if facts.errors else None
    return {
        "value": head.describe(faces.columns[name], number),
        "unit": facts.unit,
        "head": f"{name}@{head.card.digest[:DIGEST]}",
        "error": {"measure": error.measure, "value": error.value, "faces": error.faces} if error else None,
    }
