"""People without references, references in pages, one reference compared, and the gallery's own name."""

from pathlib import Path

import numpy as np
import pytest

from gallery_toys import CONTRACT, picture, templates, unit
from mien.errors import ConflictError, NotFoundError, UsageError
from mien.gallery import Gallery


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "a.mien", create=True)


def test_somebody_can_be_there_without_references(gallery: Gallery) -> None:
    gallery.add_subject(" Ada ")
    assert [(subject.name, subject.references) for subject in gallery.subjects()] == [("Ada", 0)]
    with pytest.raises(ConflictError, match="called 'ADA' already"):
        gallery.add_subject("ADA")
    with pytest.raises(UsageError, match="reserved"):
        gallery.add_subject("#12")
    gallery.enrol("Ada", templates(1), picture(1))
    assert gallery.subject("Ada").references == 1
    assert gallery.check() == []


def test_pages_hold_every_reference_once(gallery: Gallery) -> None:
    ids = [gallery.enrol(name, templates(n), picture(n)).reference for n, name in enumerate(["Ada", "Bob"] * 3)]
    pages = [gallery.references_page(start, 2) for start in (0, 2, 4, 6)]
    assert [[reference.id for reference in found] for found, _ in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert {total for _, total in pages} == {6}
    found, total = gallery.references_page(1, 5, subject="Bob")
    assert ([reference.id for reference in found], total) == ([ids[3], ids[5]], 3)
    with pytest.raises(NotFoundError):
        gallery.references_page(0, 1, subject="Nobody")


def test_a_score_is_the_cosine_with_that_reference(gallery: Gallery) -> None:
    first, second = (gallery.enrol("Ada", templates(n), picture(n)).reference for n in (1, 2))
    probes = unit(5, 6) * 3
    for reference, seed in ((first, 1), (second, 2)):
        expected = unit(5, 6) @ unit(seed)[0]
        np.testing.assert_allclose(gallery.score(probes, reference), expected, atol=1e-6)
    with pytest.raises(NotFoundError):
        gallery.score(probes, 99)
    with pytest.raises(UsageError, match="embeddings"):
        gallery.score(np.ones((1, CONTRACT.dimension + 1)), first)


def test_the_uid_outlives_closing_and_is_nobody_elses(gallery: Gallery, tmp_path: Path) -> None:
    before = gallery.uid
    gallery.close()
    assert gallery.uid == before
    assert len(bytes.fromhex(before)) == 16
    assert Gallery(tmp_path / "b.mien", create=True).uid != before
