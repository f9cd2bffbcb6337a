"""What an expression rests on, beside each answer of `mien analyze`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mien.errors import UsageError
from mien.evaluate.explain import explain
from mien.image import open_photo
from mien.models import Head, load_head
from mien.models.heads.classes import Classes
from mien.models.views import Cuts
from mien.service.analyze import Analyzer
from mien.types.faces import Faces

FAMILY = "expression"
LANDMARKS = "landmarks68"


def with_explanations(
    analyzer: Analyzer, found: Sequence[Faces], rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows with an ``explanation`` under expression heads: how far hiding each part lowers the probability.

    Args:
        analyzer: whose answers they are.
        found: the faces of each picture.
        rows: what `Analyzer.rows` made of them.

    Raises:
        UsageError: no expression head was asked for.
    """
    heads = [h for h in analyzer.heads if isinstance(h, Classes) and h.card.family == FAMILY]
    if not heads:
        raise UsageError("--explain is for expression: ask for it with --heads expression")
    landmarks = load_head(LANDMARKS, analyzer.models.settings)
    return [
        _explained(heads, landmarks, faces, row, analyzer) if faces else row
        for faces, row in zip(found, rows, strict=True)
    ]


def _explained(
    heads: Sequence[Head], landmarks: Head, faces: Faces, row: dict[str, Any], analyzer: Analyzer
) -> dict[str, Any]:
    image = open_photo(faces.source, limits=analyzer.models.limits).decode()
    column = faces.columns.get(LANDMARKS) or landmarks.look(Cuts(image, faces))
    told = []
    for number, face in enumerate(row["faces"]):
        said = dict(face["heads"])
        for head in heads:
            labels = head.card.head.labels if head.card.head else ()
            made = explain(head, image, faces[[number]], column.values[number])
            said[head.card.name] = {**said[head.card.name], "explanation": made.to_dict(labels)}
        told.append({**face, "heads": said})
    return {**row, "faces": told}
