"""Whether a picture or a clip shows a living person before the camera, or a copy of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from mien.errors import FaceError, NotFoundError, UsageError
from mien.image import open_photo
from mien.image.video import is_clip, open_clip
from mien.models import Card, Head, Store, find_card, load_head, require_licence
from mien.models.views import Cuts
from mien.presentation.clip_cues import cues
from mien.presentation.clip_look import EYES, LANDMARKS, look
from mien.presentation.clip_rule import ClipRule, built_in
from mien.service.analyze import facts_of, in_order
from mien.service.engine import Models

PICTURE_HEAD = "pad"
BONA_FIDE, ATTACK = "bona-fide", "attack"
SIDE = 640
"""Long side of a clip's frames; a face of a fifth of it still has 128 pixels."""
MADE = "the rule that comes with mien was fitted on made clips and may not carry over; measure one of your own"
"""Said with every answer of it: of two real clips of living people it called one an attack (docs/clips.md)."""
MOST = 240
"""Frames of a clip that are looked at: half a minute."""


@dataclass(frozen=True, slots=True)
class PadAnswer:
    """What is made of one picture or clip.

    Args:
        file: its path.
        kind: ``picture`` or ``clip``.
        bona_fide: no face of it is called an attack.
        faces: for each face, or the one of a clip: verdict, attack type, probability, cues; for JSON.
        threshold: the least probability of bona fide, and where it comes from.
        errors: measured error rates of what decided.
        warnings: what to bear in mind.
    """

    file: str
    kind: str
    bona_fide: bool
    faces: tuple[dict[str, Any], ...]
    threshold: Mapping[str, Any]
    errors: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.file,
            "kind": self.kind,
            "bona_fide": self.bona_fide,
            "faces": list(self.faces),
            "threshold": dict(self.threshold),
            "errors": [dict(row) for row in self.errors],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class PadService:
    """Looks at pictures with one head, at clips with a rule over many frames; each is loaded when first needed.

    Args:
        models: which detector, and how everything is run.
        head: for pictures; its card says from which probability on a face is bona fide.
        rule: for clips; None = the one that comes with mien.
    """

    models: Models
    head: str = PICTURE_HEAD
    rule: ClipRule | None = None

    def look(self, path: str | os.PathLike[str]) -> PadAnswer:
        """The verdict on a file, a clip or a picture by its first bytes.

        Raises:
            NotFoundError: no such file, or no such head.
            ImageError: it cannot be used, or shows no face.
            UsageError: the head has no threshold.
        """
        if not os.path.exists(path):
            raise NotFoundError(f"no such file: {os.fspath(path)}", source=os.fspath(path))
        return self.clip(path) if is_clip(path) else self.picture(path)

    def picture(self, path: str | os.PathLike[str]) -> PadAnswer:
        """The verdict on every face of a picture; raises as `look` does."""
        source = os.fspath(path)
        head = self._load(self.head)
        facts = facts_of(head.card)
        if facts.operating is None or not facts.labels or facts.labels[0] != BONA_FIDE:
            text = f"head '{self.head}' has no threshold of bona fide, so it decides nothing"
            raise UsageError(f"{text}; `mien evaluate pad` fixes one", source=self.head)
        image = open_photo(source, limits=self.models.limits).decode()
        faces = self.models.load_detector(self._latency()).detect(image)
        if not faces:
            raise FaceError(f"{source}: no face found", code="no-face", source=source)
        cuts = Cuts(image, faces)
        for each in in_order([head], self.models):
            cuts.faces = cuts.faces.with_columns({each.card.name: each.look(cuts)})
        column = cuts.faces.columns[head.card.name]
        rows = []
        for number, face in enumerate(cuts.faces):
            share = float(column.values[number, 0])
            real = share >= facts.operating.value
            said = head.describe(column, number)
            kind = _likeliest(facts.labels, column.values[number, 1 : len(facts.labels)])
            rows.append(_row(real, share, kind, said.get("cues", [])) | {"box": face.to_dict()["box"]})
        operating = facts.operating
        threshold = {
            "value": operating.value,
            "data": operating.data,
            "date": operating.date,
            "command": operating.command,
            "by": f"{head.card.name}@{head.card.digest[:12]}",
        }
        errors = tuple(error.to_dict() for error in facts.errors)
        bona_fide = all(row["verdict"] == BONA_FIDE for row in rows)
        return PadAnswer(source, "picture", bona_fide, tuple(rows), threshold, errors)

    def clip(self, path: str | os.PathLike[str]) -> PadAnswer:
        """The verdict on the face that is in a clip longest; raises as `look` does."""
        rule = self.rule or built_in()
        names = (LANDMARKS, EYES, *(name for name in rule.heads if name not in (LANDMARKS, EYES)))
        heads = [self._load(name) for name in names]
        rule.require([head.card for head in heads])
        detector = self.models.load_detector(self._latency()).with_side(SIDE)
        with open_clip(path) as clip:
            every = max(1, round(clip.fps / rule.rate))
            frames = islice(clip.frames(every=every, side=SIDE), MOST)
            seen = look(frames, detector, heads, source=clip.source)
        found = cues(seen)
        share = rule.stack.probability(found)
        real = share >= rule.threshold
        strongest = rule.stack.strongest(found, real=real)
        said = [{"cue": f"{g} {n}", "value": round(found[g][n], 3), "log_odds": round(v, 2)} for g, n, v in strongest]
        odds = {group: round(value, 2) for group, value in rule.stack.base_odds(found).items()}
        row = _row(real, share, rule.attack_type(found), said) | {"groups": odds, "frames": len(seen.times_s)}
        threshold = {"value": rule.threshold, **rule.origin, "by": "clip rule"}
        warnings = (*_warnings(seen.others, seen.frames), *((MADE,) if self.rule is None else ()))
        return PadAnswer(clip.source, "clip", real, (row,), threshold, rule.errors, warnings)

    def missing(self, *, picture: bool, clip: bool) -> list[Card]:
        """Cards whose weights are not cached, after their licences were checked."""
        names = ([self.head] if picture else []) + ([LANDMARKS, EYES, *(self.rule or built_in()).heads] if clip else [])
        cards = [find_card(self.models.detector, "detector"), *(find_card(n, "head") for n in dict.fromkeys(names))]
        for card in cards:
            require_licence(card, self.models.settings.allow_licence)
        return [card for card in cards if not Store().has(card)]

    def _load(self, name: str) -> Head:
        return load_head(name, self._latency())

    def _latency(self) -> Any:
        return replace(self.models.settings, threads="latency")


def _row(real: bool, share: float, kind: tuple[str, float], said: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "verdict": BONA_FIDE if real else ATTACK,
        "attack_type": None if real else kind[0],
        "type_share": None if real else round(kind[1], 4),
        "probability": round(share, 4),
        "cues": said,
    }


def _likeliest(labels: tuple[str, ...], shares: Any) -> tuple[str, float]:
    """The likeliest kind of attack, and its share among them."""
    at = int(shares.argmax())
    return labels[1 + at], float(shares[at] / max(float(shares.sum()), 1e-12))


def _warnings(others: int, frames: int) -> tuple[str, ...]:
    return (f"another face is seen in {others} of {frames} frames; the verdict is on one",) if others else ()
