"""From rows that can be in the list to the list: scores in float64, each subject once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import Candidates, Ids
from mien.gallery.index.scan import ROUNDING, Found
from mien.gallery.index.templates import Templates
from mien.types.arrays import Embeddings

ROWS_AT_ONCE = 1 << 15


def ranked(
    templates: Templates, probes: Embeddings, found: Found, top: int, min_score: float | None
) -> tuple[list[Candidates], NDArray[np.bool_]]:
    """Candidate lists, and which of them may lack somebody because too little was found.

    Args:
        templates: where the rows are.
        probes: (m, d).
        found: what may be in the lists.
        top: length of a list.
        min_score: score below which nobody is named.
    """
    scores = exact_scores(templates, probes, found)
    references, subjects = templates.references[found.rows], templates.subjects[found.rows]
    order = np.lexsort((references, subjects, -scores, found.probes))
    owner, subject, score = found.probes[order], subjects[order], scores[order]
    first = first_of_each(owner, subject)
    if min_score is not None:
        first &= score >= min_score
    order, owner, score = order[first], owner[first], score[first]
    starts = np.searchsorted(owner, np.arange(len(probes) + 1))
    place = np.arange(len(owner)) - starts[owner]
    sure = np.bincount(owner[score >= found.bound[owner] - ROUNDING], minlength=len(probes))
    floor = -np.inf if min_score is None else min_score - ROUNDING
    short = (sure < top) & (found.bound > floor)
    listed = order[place < top]
    ends = np.cumsum(np.minimum(np.diff(starts), top))
    rows = list(zip(subjects[listed].tolist(), scores[listed].tolist(), references[listed].tolist(), strict=True))
    return [rows[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)], short


def exact_scores(templates: Templates, probes: Embeddings, found: Found) -> NDArray[np.float64]:
    """(p,) cosines in float64, summed row by row: they do not depend on how many stand beside them."""
    scores = np.empty(len(found.rows))
    for start in range(0, len(scores), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        vectors = templates.vectors(found.rows[part]).astype(np.float64)
        scores[part] = (vectors * probes[found.probes[part]]).sum(axis=1)
    return scores


def first_of_each(owner: Ids, subject: Ids) -> NDArray[np.bool_]:
    """(p,) True at the first row of every (owner, subject)."""
    order = np.lexsort((subject, owner))  # stable: rows of one subject stay best first
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(owner[order]) != 0) | (np.diff(subject[order]) != 0)
    first = np.zeros(len(order), bool)
    first[order[new]] = True
    return first
