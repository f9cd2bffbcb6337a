"""One vector a picture, failures in their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.evaluate.embed import embed_aligned, embed_files
from mien.evaluate.protocols.ijb import TemplateSet
from mien.evaluate.protocols.pairs import PairList
from mien.evaluate.run import score
from mien.geometry.align import ARCFACE
from mien.pipeline import Pipeline, Policy
from mien.testing import ToyDetector, ToyEmbedder, draw_face, draw_picture

TOYS = Pipeline(ToyDetector(), ToyEmbedder())  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Persons 1, 1, 2, a picture without a face and a file that is none."""
    for name, people in (("a1", [1]), ("a2", [1]), ("b1", [2])):
        Image.fromarray(draw_picture(people)).save(tmp_path / f"{name}.png")
    Image.fromarray(np.zeros((80, 80, 3), np.uint8)).save(tmp_path / "nobody.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def task(folder: Path) -> PairList:
    names = ("a1.png", "a2.png", "b1.png", "nobody.png", "broken.png")
    a, b = np.array([0, 0, 0, 1]), np.array([1, 2, 3, 4])
    sources = [folder / name for name in names]
    return PairList("toys", names, sources, a, b, np.array([True, False, False, True]))


def test_each_row_is_its_picture_and_failures_have_a_reason(folder: Path) -> None:
    calls: list[tuple[int, int]] = []
    found = embed_files(TOYS, task(folder).sources, progress=lambda done, total: calls.append((done, total)))
    assert found.failed.tolist() == [False, False, False, True, True]
    assert found.reasons[:4] == ("", "", "", "no-face")
    assert found.reasons[4].startswith("image-")
    assert not found.vectors[3:].any()
    assert found.quality.tolist() == [1, 1, 1, 0, 0]
    assert calls[-1] == (5, 5)
    assert float(found.vectors[0] @ found.vectors[1]) > 0.99 > float(found.vectors[0] @ found.vectors[2])


def test_a_policy_without_one_face_a_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="one face"):
        embed_files(TOYS, [], policy=Policy.ALL)


def test_aligned_faces_are_not_looked_for(folder: Path) -> None:
    paths = []
    for person in range(7):
        paths.append(folder / f"crop{person}.png")
        Image.fromarray(draw_face(person)).save(paths[-1])
    found = embed_aligned(TOYS.embedder, [*paths, folder / "a1.png", folder / "broken.png"])
    expected = TOYS.embedder.embed(np.stack([draw_face(person) for person in range(7)]))
    assert np.allclose(found.vectors[:7], expected)
    assert found.reasons[7] == "not-aligned"
    assert found.failed.tolist() == [False] * 7 + [True] * 2


def test_points_say_where_the_face_is(folder: Path) -> None:
    points = (ARCFACE + 20)[None].astype(np.float32)  # draw_picture leaves a gap of 20 pixels around the face
    found = embed_aligned(TOYS.embedder, [folder / "a1.png"], points, quality=np.array([0.25], np.float32))
    assert float(found.vectors[0] @ TOYS.embedder.embed(draw_face(1)[None])[0]) > 0.99
    assert found.quality.tolist() == [0.25]


def test_a_run_says_what_was_compared_and_what_failed(folder: Path) -> None:
    scores = score(TOYS, task(folder), name="toy", meta={"detector": "toy"})
    assert scores.failed.tolist() == [False, False, True, True]
    assert scores.score[0] > scores.score[1]
    assert scores.meta["failures"].keys() == {"nobody.png", "broken.png"}
    assert (scores.meta["pictures"], scores.meta["pictures_failed"], scores.meta["detector"]) == (5, 2, "toy")


def test_a_run_over_templates_pools_their_pictures(folder: Path) -> None:
    pairs = PairList("toys", ("x", "y"), (), np.array([0]), np.array([1]), np.array([True]))
    paths = tuple(folder / name for name in ("a1.png", "a2.png", "broken.png"))
    templates = TemplateSet(pairs, paths, np.array([0, 2, 1]), np.array([0, 0, 1]), np.array([0, 1, 2]))
    scores = score(TOYS, templates, name="toy")
    assert scores.score[0] > 0.99
    assert (scores.meta["pictures"], scores.meta["pictures_failed"], scores.meta["samples"]) == (3, 1, 2)
