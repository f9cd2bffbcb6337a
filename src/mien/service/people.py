"""The people of a gallery: its faces sorted, its names and corrections kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mien.gallery import Gallery
from mien.gallery.people.records import GroupedFaces
from mien.grouping import Grouping, GroupingRule, group
from mien.service.engine import Models, model_id
from mien.service.group import grouping_rule, people_of
from mien.types.results import Groups, ModelId


def group_gallery(
    gallery: Gallery,
    models: Models,
    *,
    full: bool = False,
    model: ModelId | None = None,
    going: Callable[[], None] | None = None,
    before_storing: Callable[[], None] | None = None,
) -> Groups:
    """Sort all faces of a gallery into people, keep that in the gallery, and show it.

    Names that were given stay, and so do corrections; people without a name may grow together. Faces that came after
    an earlier run of the same rule are compared with all, the earlier ones not again with each other; after a
    correction, and when asked for, all are compared.

    Args:
        gallery: faces of `models`' embedder.
        models: detector and embedder.
        full: compare all, whatever an earlier run did.
        model: the embedder as the result names it; None: loaded, to ask it.
        going: called again and again while it is computed, from any thread; what it raises ends the call, with nothing
            changed.
        before_storing: called when all is computed; what it raises ends the call, with nothing changed.

    Raises:
        UsageError: the embedder has no measured grouping rule.
    """
    rule = grouping_rule(models)
    stored = gallery.grouped(None if full else rule.key)
    grouping = sort_faces(stored, rule, going)
    if before_storing:
        before_storing()
    gallery.assign_groups([stored.ids[grouping.members(g)].tolist() for g in range(len(grouping))], rule.key)
    references = list(gallery.references())
    named = model or model_id(models.pipeline(batch=True).embedder)
    result = people_of(grouping, [[reference.face] for reference in references], rule, named)
    people = tuple(
        replace(person, name=references[int(grouping.members(person.id)[0])].subject) for person in result.groups
    )
    return replace(result, groups=people)


def sort_faces(stored: GroupedFaces, rule: GroupingRule, going: Callable[[], None] | None = None) -> Grouping:
    """People from the faces of a gallery; what is settled stays together."""
    subjects, first = np.unique(stored.subjects, return_index=True)
    row_of = dict(zip(subjects.tolist(), first.tolist(), strict=True))
    names = [str(subject) if kept else None for subject, kept in zip(stored.subjects, stored.kept, strict=True)]
    return group(
        stored.vectors,
        np.where(stored.pictures > 0, stored.pictures, -stored.ids),
        cut=rule.cut,
        attach_cut=rule.attach,
        weak=rule.weak(stored.scores),
        names=names,
        earlier=np.where(stored.settled, stored.subjects, -1),
        fresh=~stored.settled,
        apart=[(row_of[a], row_of[b]) for a, b in stored.apart if a in row_of and b in row_of],
        going=going,
    )
