"""What can be asked of a gallery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mien.compare.similarity import similarity
from mien.gallery import faces, groups, operating
from mien.gallery.database import log_bytes
from mien.gallery.probes import check_probes, check_top
from mien.gallery.records import GroupedFaces, Hit, Person, Reference, Subject
from mien.gallery.schema import PICTURE, REFERENCE, SCHEMA, SUBJECT
from mien.gallery.session import Session
from mien.types.arrays import AnyArray, FloatArray
from mien.types.score import OperatingTable
from mien.types.template import Precision, TemplateContract, Templates


class Reader(Session):
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
        """The gallery in numbers; `operating` is what its own error rates rest on, None without any."""
        with self._reading() as (rows, projection):
            failures = sum(row[6] is not None for row in rows.scan(PICTURE))
            subjects = rows.tally(SUBJECT.name)[0]
            table = operating.read(rows)
            return {
                "subjects": subjects,
                "unnamed": subjects - len(projection.names),
                "references": len(projection.index),
                "pictures": rows.tally(PICTURE.name)[0],
                "failures": failures,
                "model": rows.contract.to_dict() if rows.contract else None,
                "operating": operating.summary(table) if table else None,
                "bytes": self.path.stat().st_size + log_bytes(self.path),
                "schema": SCHEMA,
            }

    def subjects(self, *, unnamed: bool = True) -> list[Subject]:
        """The people, by name; those without one follow, by number."""
        with self._reading() as (rows, projection):
            ids, counts = np.unique(projection.owners()[1], return_counts=True)
            many = dict(zip(ids.tolist(), counts.tolist(), strict=True))
            found = [
                Subject(row[0], row[1], row[2], many.get(row[0], 0), row[4])
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
            return Subject(number, uid, name, len(projection.references(number)), created)

    def show(self, subject: str) -> Person:
        """One person with all references: places in pictures, paths, times."""
        with self._reading() as (rows, projection):
            who = self.subject(subject)
            found = (rows.get(REFERENCE, row_id) for row_id in projection.references(who.id))
            return Person(who, tuple(faces.to_reference(rows, row, who.name) for row in found))

    def references(self) -> Iterator[Reference]:
        """Every reference, by id; the gallery waits until the last is taken."""
        with self._reading() as (rows, projection):
            for row in rows.scan(REFERENCE):
                yield faces.to_reference(rows, row, projection.names.get(row[1]))

    def grouped(self) -> GroupedFaces:
        """All references as columns, for grouping."""
        with self._reading() as (rows, projection):
            return groups.columns(rows, projection)

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
        self, vectors: AnyArray, top: int = 10, *, min_score: float | None = None, precision: Precision = Precision.F32
    ) -> list[list[Hit]]:
        """`search` for bare vectors that are known to come from the gallery's model.

        Args:
            vectors: (n, d), any length but 0.
            top: 1..1000.
            min_score: leave out who scores less.
            precision: arithmetic that made them.

        Raises:
            UsageError: not (n, d), not finite, zero, or `top` out of range.
        """
        check_top(top, min_score)
        with self._reading() as (rows, projection):
            probes = check_probes(vectors, rows.contract.dimension if rows.contract else None)
            if rows.contract:
                faces.require_comparable(rows, rows.contract, precision, str(self.path))
            lists = projection.index.search(probes, top, min_score)
            return [[Hit(projection.label(s), score, reference) for s, score, reference in found] for found in lists]

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
            stored = np.frombuffer(b"".join(row[9] for row in found), "<f4").reshape(
                len(found), templates.contract.dimension
            )
            return similarity(templates.vectors, stored.astype(np.float32, copy=False))
