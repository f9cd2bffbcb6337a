"""From templates to answers at a stated error rate, wherever the templates come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from mien.compare import at_fmr, at_fpir, fmr_for_pairs, matches
from mien.gallery import Decision, Gallery, Person, Searched
from mien.pipeline import Acquired, Outcome
from mien.service.functions import decide
from mien.types.outcome import Failure
from mien.types.results import Identification, ModelId, Probe, Verification
from mien.types.score import Candidate, OperatingPoint, OperatingTable
from mien.types.template import Templates


@dataclass(frozen=True, slots=True)
class Search:
    """A search that is about to be made.

    Args:
        store: where.
        fpir: the false positive identification rate asked for.
        top: length of the candidate lists.
        searched: who may answer.
        point: the threshold that follows from the rate and their number.
    """

    store: Gallery
    fpir: float
    top: int
    searched: Searched
    point: OperatingPoint

    @classmethod
    def begin(cls, store: Gallery, table: OperatingTable, *, fpir: float, top: int, where: str | None) -> Self:
        """Look up who is searched, and at which threshold.

        Raises:
            UsageError: the rate is not supported, or the filter cannot be read.
        """
        searched = store.searched(where)
        return cls(store, fpir, top, searched, at_fpir(table, fpir, searched.references))

    def answer(self, outcomes: Iterable[Outcome], model: ModelId) -> Identification:
        """For each face of the pictures a candidate list, and a name or nobody.

        Args:
            outcomes: what became of the pictures; one without a face is a failure of its own.
            model: who makes the templates.
        """
        probes: list[Probe] = []
        failures: list[Failure] = []
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                failures.append(outcome)
            elif isinstance(outcome, Acquired) and len(outcome.templates):
                probes += self._probes(outcome.templates)
            else:
                failures.append(Failure(outcome.source, "no-face", f"{outcome.source}: no face found"))
        searched = self.searched
        return Identification(
            tuple(probes),
            tuple(failures),
            self.fpir,
            self.point,
            searched.references,
            model,
            searched=searched.subjects,
            where=searched.where,
            recall=searched.recall,
        )

    def _probes(self, templates: Templates) -> Iterator[Probe]:
        decision = Decision(self.point.threshold, self.fpir)
        found = self.store.search(templates, self.top, among=self.searched.among, decision=decision)
        for face, hits in zip(templates.faces, found, strict=True):
            rows = enumerate(hits, 1)
            yield Probe(
                face,
                tuple(
                    Candidate(h.subject, h.score, rank, h.reference, matches(h.score, self.point)) for rank, h in rows
                ),
            )


@dataclass(frozen=True, slots=True)
class Claim:
    """That a picture to come shows a certain person.

    Args:
        store: where the person is.
        person: who, with the faces that are stored.
        fmr: the false match rate asked for.
        table: what was measured.
    """

    store: Gallery
    person: Person
    fmr: float
    table: OperatingTable

    @classmethod
    def begin(cls, store: Gallery, table: OperatingTable, subject: str, *, fmr: float) -> Self:
        """Look up the person.

        Raises:
            NotFoundError: nobody is called so.
            UsageError: the rate is not supported.
        """
        person = store.show(subject)
        at_fmr(table, fmr)  # refuses an unsupported rate before any work
        return cls(store, person, fmr, table)

    def check(self, templates: Templates, model: ModelId) -> Verification:
        """Whether the best pair of faces matches, at a threshold corrected for how many pairs there are.

        Args:
            templates: faces of the picture, one at least.
            model: who made them.
        """
        faces = [reference.face for reference in self.person.references]
        pairs = max(1, len(templates) * len(faces))
        decision = Decision(at_fmr(self.table, fmr_for_pairs(self.fmr, pairs)).threshold, self.fmr)
        scores = self.store.compare(templates, self.person.label, decision=decision)
        return decide(scores, templates.faces, faces, fmr=self.fmr, table=self.table, model=model)
