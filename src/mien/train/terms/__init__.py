"""Terms beside the main loss: ``[terms.symface]`` of a recipe and the like.

A term may look at more than embeddings. `Views` is the network as it is then called: it makes a row of numbers of each
picture that holds all that the terms of the recipe look at, so that rows are gathered over processes as embeddings are,
and the terms of two processes are those of one.
"""

from __future__ import annotations

from mien.train.terms.kinds import (
    HalvesTerm,
    QualityTerm,
    RecognisabilityTerm,
    StructureTerm,
    Term,
    TokenTerm,
    make_terms,
    view_names,
)
from mien.train.terms.views import LOST, Seen, Views, unrecognisable, view_widths

__all__ = [
    "LOST",
    "HalvesTerm",
    "QualityTerm",
    "RecognisabilityTerm",
    "Seen",
    "StructureTerm",
    "Term",
    "TokenTerm",
    "Views",
    "make_terms",
    "unrecognisable",
    "view_names",
    "view_widths",
]
