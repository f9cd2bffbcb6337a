"""Galleries asked in DeepFace's way: everybody within a distance, nearest first."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mien.compare import at_fpir
from mien.compat.deepface.errors import EmptyDatasource
from mien.compat.deepface.metrics import confidence_of, distance_of
from mien.compat.settings import current
from mien.errors import UsageError
from mien.gallery.people.records import Reference
from mien.gallery.search.probes import MAX_TOP
from mien.service import LocalGallery
from mien.types.template import Templates


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody near."""

    reference: Reference
    distance: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Search:
    """How a gallery is asked.

    Args:
        metric: one of DeepFace's, by name.
        threshold: largest distance that matches.
        everybody: also those beyond it.
        most: rows for each face; None: as many as there are, up to 1000.
    """

    metric: str
    threshold: float
    everybody: bool
    most: int | None

    def run(self, gallery: LocalGallery, templates: Templates) -> list[list[Found]]:
        """For each template the nearest people, each once, nearest first."""
        if self.most is not None and self.most < 1:
            raise UsageError(f"k must be at least 1, got {self.most}")
        top = min(self.most or MAX_TOP, MAX_TOP)
        rows = []
        for hits in gallery.store.search(templates, top):
            near = [(hit, distance_of(hit.score, self.metric)) for hit in hits]
            kept = [(hit, distance) for hit, distance in near if self.everybody or distance <= self.threshold]
            rows.append(
                [
                    Found(
                        reference_of(gallery, hit.subject, hit.reference),
                        distance,
                        confidence_of(distance, self.threshold, self.metric),
                    )
                    for hit, distance in kept
                ]
            )
        return rows


def measured_threshold(gallery: LocalGallery, metric: str) -> float:
    """The distance at which a stranger is found as rarely as `mien.compat.configure` says, in a gallery of this size.

    Raises:
        EmptyDatasource: nobody is in it.
    """
    references = gallery.store.searched().references
    if not references:
        raise EmptyDatasource(f"{gallery.store.path}: nobody is in it", source=str(gallery.store.path))
    table = gallery.store.operating() or gallery.models.table()
    return distance_of(at_fpir(table, current().fpir, references).threshold, metric)


def reference_of(gallery: LocalGallery, subject: str, reference: int) -> Reference:
    """A stored face by its number."""
    return next(row for row in gallery.store.show(subject).references if row.id == reference)


def wants_frames(return_type: str | None) -> bool:
    """Whether results are pandas DataFrames: by default where pandas is installed.

    Raises:
        UsageError: another word, or no pandas where it is asked for.
    """
    installed = importlib.util.find_spec("pandas") is not None
    if return_type is None:
        return installed
    if return_type not in ("pandas", "dict"):
        raise UsageError(f"return_type is 'pandas' or 'dict', not {return_type!r}")
    if return_type == "pandas" and not installed:
        raise UsageError("return_type='pandas' needs pandas: pip install pandas, or return_type='dict'")
    return return_type == "pandas"


def as_frames(rows: list[list[dict[str, Any]]], columns: Sequence[str]) -> list[Any]:
    """A DataFrame for each face, with all columns also where it is empty."""
    pandas = importlib.import_module("pandas")
    return [pandas.DataFrame(found, columns=list(columns)) for found in rows]
