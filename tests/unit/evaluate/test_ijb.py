"""Templates of several pictures in the IJB files, pooled as the benchmark prescribes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import NotFoundError, UsageError
from mien.evaluate.embed import Embedded
from mien.evaluate.protocols.ijb import TemplateSet, pool, read_templates
from mien.types.arrays import unit_rows

PICTURES = "1.jpg 10 100\n2.jpg 10 101\n3.jpg 10 101\n1.jpg 20 100\n4.jpg 30 102\n"
PAIRS = "10 20 1\n10 30 0\n20 30 0\n"
POINTS = "".join(f"{name} {' '.join(str(10 * row + i) for i in range(10))} 0.{row}\n" for row, name in
                 enumerate(("1.jpg", "2.jpg", "3.jpg", "1.jpg", "4.jpg"), 1))  # fmt: skip


def files(root: Path, pictures: str = PICTURES, pairs: str = PAIRS, points: str | None = None) -> TemplateSet:
    for number in range(1, 5):
        (root / f"{number}.jpg").write_bytes(b"a picture is opened later")
    for name, text in (("pictures.txt", pictures), ("pairs.txt", pairs), ("points.txt", points or "")):
        (root / name).write_text(text)
    return read_templates(
        root / "pictures.txt", root / "pairs.txt", root, None if points is None else root / "points.txt"
    )


def test_templates_and_pairs_are_read_as_they_are(tmp_path: Path) -> None:
    found = files(tmp_path, points=POINTS)
    assert found.pairs.samples == ("10", "20", "30")
    assert [path.name for path in found.pictures] == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert found.picture.tolist() == [0, 1, 2, 0, 3]
    assert found.template.tolist() == [0, 0, 0, 1, 2]
    assert (found.pairs.a.tolist(), found.pairs.b.tolist()) == ([0, 0, 1], [1, 2, 2])
    assert found.pairs.mated.tolist() == [True, False, False]
    assert found.points is not None
    assert found.points[1].tolist() == [[20, 21], [22, 23], [24, 25], [26, 27], [28, 29]]
    assert found.quality is not None
    assert found.quality == pytest.approx([0.1, 0.2, 0.3, 0.5])


@pytest.mark.parametrize("weigh", [False, True])
def test_frames_are_averaged_within_media_and_media_are_added(tmp_path: Path, weigh: bool) -> None:
    vectors = unit_rows(np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32))
    quality = np.array([0.9, 0.5, 0.8, 0.7], np.float32)
    pictures = Embedded(vectors, np.zeros(4, bool), ("",) * 4, quality)
    found = pool(pictures, files(tmp_path), weigh=weigh)
    v = vectors * quality[:, None] if weigh else vectors
    expected = [v[0] + (v[1] + v[2]) / 2, v[0], v[3]]
    assert np.allclose(found.vectors, [row / np.linalg.norm(row) for row in expected], atol=1e-6)


def test_failed_pictures_take_no_part_and_a_template_of_none_fails(tmp_path: Path) -> None:
    vectors = np.eye(4, dtype=np.float32)
    failed = np.array([False, True, False, True])
    vectors[failed] = 0
    found = pool(Embedded(vectors, failed, ("", "no-face", "", "no-face"), np.ones(4, np.float32)), files(tmp_path))
    assert found.failed.tolist() == [False, False, True]
    assert found.vectors[0] == pytest.approx(np.array([1, 0, 1, 0]) / np.sqrt(2))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"pictures": "1.jpg 10\n"}, "every line must be 'image template medium'"),
        ({"pictures": "1.jpg 10 x\n"}, "every line must be"),
        ({"pictures": ""}, "every line must be"),
        ({"pictures": PICTURES + "9.jpg 30 102\n"}, "names 9.jpg, which is not in"),
        ({"pairs": "10 20 1\n10 99 0\n"}, "line 2: template 99 has no pictures"),
        ({"pairs": "10 20 1\n10 30 2\n"}, "line 2: the label must be 1 or 0, got 2"),
        ({"pairs": "10 20 1\n"}, "all pairs have the label 1"),
        ({"points": "1.jpg 1 2\n"}, "needs a line"),
        ({"points": POINTS.replace("2.jpg", "5.jpg")}, "line 2: 5.jpg stands where the picture list has 2.jpg"),
        ({"points": POINTS.replace(" 0.2", " nan")}, "line 2 has a value that is none"),
        ({"points": POINTS.replace(" 0.2", " x")}, "could not convert"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, texts: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        files(tmp_path, **texts)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_templates(tmp_path / "a.txt", tmp_path / "b.txt", tmp_path)
