"""Searches among some of the people only, and what was searched."""

from __future__ import annotations

import numpy as np

from mien.gallery import faces
from mien.gallery import where as filters
from mien.gallery.index import Ids
from mien.gallery.projection import Projection
from mien.gallery.reader import Reader
from mien.gallery.records import Hit, Searched
from mien.types.template import Templates


class Narrowing(Reader):
    """The calls that know filters; see `Gallery`."""

    def searched(self, where: str | None = None) -> Searched:
        """Who answers a search, and how many they are: a threshold for a false positive rate depends on it.

        Args:
            where: a filter such as ``site=berlin and age>=30`` (`mien.gallery.where`); None: everybody.

        Raises:
            UsageError: the filter cannot be read; the message names the character.
        """
        terms = None if where is None else filters.parse(where)
        with self._reading() as (rows, projection):
            found = projection.index.describe()["recall"]
            recall = None if found is None else float(found["top10"])
            return _count(projection, where, None if terms is None else filters.select(rows, terms), recall)

    def search(
        self,
        templates: Templates,
        top: int = 10,
        *,
        min_score: float | None = None,
        among: Ids | None = None,
        where: str | None = None,
    ) -> list[list[Hit]]:
        """For each probe the subjects most alike, by their best reference; each subject once, ties by number.

        Args:
            templates: (n) probes of the gallery's model.
            top: 1..1000.
            min_score: leave out who scores less.
            among: sorted ids of the subjects that may answer; None: all.
            where: a filter that they must pass as well; see `searched`.

        Raises:
            ModelMismatchError: probes of another model or precision.
            UsageError: the filter cannot be read, or `top` is out of range.
        """
        terms = None if where is None else filters.parse(where)
        with self._reading() as (rows, _):
            faces.require_comparable(rows, templates.contract, templates.precision, str(self.path))
            if terms is not None:
                passing = filters.select(rows, terms)
                among = passing if among is None else np.intersect1d(among, passing, assume_unique=True)
            return self.search_vectors(
                templates.vectors, top, min_score=min_score, precision=templates.precision, among=among
            )


def _count(projection: Projection, where: str | None, among: Ids | None, recall: float | None) -> Searched:
    owners = projection.owners()[1]
    if among is not None:
        owners = owners[np.isin(owners, among)]
    return Searched(where, among, len(np.unique(owners)), len(owners), recall)
