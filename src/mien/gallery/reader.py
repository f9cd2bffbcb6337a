"""What can be asked of a gallery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mien.compare.similarity import similarity
from mien.gallery import attributes, corrections, faces, groups, operating
from mien.gallery.building import Building
from mien.gallery.database import log_bytes
from mien.gallery.index import Ids
from mien.gallery.probes import check_probes, check_top
from mien.gallery.records import GroupedFaces, Hit, Person, Reference, Subject
from mien.gallery.schema import PICTURE, REFERENCE, SUBJECT
from mien.types.arrays import AnyArray, FloatArray
from mien.types.score import OperatingTable
from mien.types.template import Precision, TemplateContract, Templates


class Reader(Building):
    """The calls that change nothing; see `Gallery`."""

    @property
    def contract(self) -> TemplateContract | None:
        """What the templates are comparable with; None before the first one."""
        with self._reading() as (rows, _):
            return rows.contract

    def operating(self) -> OperatingTable | None:
        """The error rates measured on this gallery's own people; None until it is calibrated."""
        with self._reading() as (rows, _):
            return operating.read(rows)

    def __len__(self) -> int:
        """Number of references."""
        with self._reading() as (_, projection):
            return len(projection.index)

    def __bool__(self) -> bool:
        """A gallery is there, also when it is empty."""
        return True

    def info(self) -> dict[str, Any]:
        """The gallery in numbers.

        `operating` is what its own error rates rest on, None without any. `search` is how searches are answered; its
        `stray` counts references that the search file, of `file_bytes`, lacks or holds in vain.
        """
        with self._reading() as (rows, projection):
            failures = rows.database.connection.execute("SELECT count(*) FROM picture WHERE failure IS NOT NULL").get
            unnamed = rows.database.connection.execute("SELECT count(*) FROM subject WHERE name IS NULL").get
            table = operating.read(rows)
            return {
                "subjects": rows.tally(SUBJECT.name)[0],
                "unnamed": unnamed,
                "references": len(projection.index),
                "pictures": rows.tally(PICTURE.name)[0],
                "failures": failures,
                "model": rows.contract.to_dict() if rows.contract else None,
                "operating": operating.summary(table) if table else None,
                "search": projection.describe(),
                "compact": rows.compact,
                "bytes": self.path.stat().st_size + log_bytes(self.path),
                "schema": rows.database.schema,
            }

    def subjects(self, *, unnamed: bool = True) -> list[Subject]:
        """The people, by name; those without one follow, by number."""
        with self._reading() as (rows, projection):
            ids, counts = np.unique(projection.owners()[1], return_counts=True)
            many = dict(zip(ids.tolist(), counts.tolist(), strict=True))
            told = attributes.read_all(rows)
            found = [
                Subject(row[0], row[1], row[2], many.get(row[0], 0), row[4], told.get(row[0], {}))
                for row in rows.scan(SUBJECT)
                if unnamed or row[2] is not None
            ]
        return sorted(found, key=lambda s: (s.name is None, (s.name or "").casefold(), s.id))

    def subject(self, subject: str) -> Subject:
        """One person.

        Raises:
            NotFoundError: nobody is called so.
        """
        with self._reading() as (rows, projection):
            number = projection.require(subject, str(self.path))
            _, uid, name, _, created = rows.get(SUBJECT, number)
            told = attributes.read(rows, number)
            return Subject(number, uid, name, len(projection.references(number)), created, told)

    def show(self, subject: str) -> Person:
        """One person with all references: places in pictures, paths, times."""
        with self._reading() as (rows, projection):
            who = self.subject(subject)
            found = (rows.get(REFERENCE, row_id) for row_id in projection.references(who.id))
            return Person(who, tuple(faces.to_reference(rows, row, who.name) for row in found))

    def references(self) -> Iterator[Reference]:
        """Every reference, by id; the gallery waits until the last is taken."""
        with self._reading() as (rows, projection):
            names = projection.named()
            for row in rows.scan(REFERENCE):
                yield faces.to_reference(rows, row, names.get(row[1]))

    def reference(self, reference: int) -> Reference:
        """One reference by its id.

        Raises:
            NotFoundError: there is none.
        """
        with self._reading() as (rows, projection):
            row = corrections.find_reference(rows, projection, reference)
            return faces.to_reference(rows, row, rows.get(SUBJECT, row[1])[2])

    def grouped(self, rule: str | None = None) -> GroupedFaces:
        """All references as columns, for grouping; `settled` tells what an earlier grouping by this rule has done."""
        with self._reading() as (rows, projection):
            return groups.columns(rows, projection, rule)

    # -- comparing

    def search(self, templates: Templates, top: int = 10, *, min_score: float | None = None) -> list[list[Hit]]:
        """For each probe the subjects most alike, by their best reference; each subject once, ties by number.

        Args:
            templates: (n) probes of the gallery's model.
            top: 1..1000.
            min_score: leave out who scores less.

        Raises:
            ModelMismatchError: probes of another model or precision.
        """
        with self._reading() as (rows, _):
            faces.require_comparable(rows, templates.contract, templates.precision, str(self.path))
            return self.search_vectors(templates.vectors, top, min_score=min_score, precision=templates.precision)

    def search_vectors(
        self,
        vectors: AnyArray,
        top: int = 10,
        *,
        min_score: float | None = None,
        precision: Precision = Precision.F32,
        among: Ids | None = None,
    ) -> list[list[Hit]]:
        """`search` for bare vectors that are known to come from the gallery's model.

        Args:
            vectors: (n, d), any length but 0.
            top: 1..1000.
            min_score: leave out who scores less.
            precision: arithmetic that made them.
            among: sorted ids of the subjects that may answer; None: all.

        Raises:
            UsageError: not (n, d), not finite, zero, or `top` out of range.
        """
        check_top(top, min_score)
        while True:
            with self._reading() as (rows, projection):
                probes = check_probes(vectors, rows.contract.dimension if rows.contract else None)
                if rows.contract is None:
                    return [[] for _ in probes]
                faces.require_comparable(rows, rows.contract, precision, str(self.path))
                lists = projection.index.search(probes, top, min_score, among)
                if projection.intact():  # else another process was changing what was searched: once more
                    self._consider_build(projection)
                    return [[Hit(projection.label(s), score, r) for s, score, r in found] for found in lists]

    def compare(self, templates: Templates, subject: str) -> FloatArray:
        """Scores of probes against one subject.

        Returns:
            (n, m) float32; columns in the order of `show(subject).references`.

        Raises:
            NotFoundError: nobody is called so.
            ModelMismatchError: probes of another model or precision.
        """
        with self._reading() as (rows, projection):
            faces.require_comparable(rows, templates.contract, templates.precision, str(self.path))
            found = [
                rows.get(REFERENCE, row_id)
                for row_id in projection.references(projection.require(subject, str(self.path)))
            ]
            stored = rows.vectors(found).reshape(len(found), templates.contract.dimension)
            return similarity(templates.vectors, stored)
