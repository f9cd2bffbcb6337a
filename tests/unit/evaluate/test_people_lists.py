"""Lists of pictures, folders of people, and the galleries drawn from them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import UsageError
from mien.evaluate.protocols.identification import (
    Samples,
    acquire,
    as_listed,
    classify,
    read_listing,
    redraw,
    searches_of,
    verification_scores,
    without_copies,
)
from mien.evaluate.protocols.people_folder import acquire_people, read_people
from mien.grouping import GroupingRule
from mien.pipeline import Pipeline, Policy
from mien.testing import ToyDetector, ToyEmbedder, draw_picture

TOY = Pipeline(ToyDetector(), ToyEmbedder())


def picture(path: Path, people: list[int], gap: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = draw_picture(people, gap=gap) if people else np.zeros((200, 200, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def listing(folder: Path, name: str, *rows: str, header: str = "file,subject") -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for person in range(4):
        for shot in range(2):
            picture(tmp_path / f"p{person}" / f"{shot}.png", [person], gap=20 + shot)
    return tmp_path


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        (["p0/0.png,ada"], "a,b,mated", "header must be"),
        (["p0/0.png,ada,more"], "file,subject", "line 2: 3 fields"),
        (["p0/0.png,"], "file,subject", "line 2: needs a file and a subject"),
        (["p0/0.png,ada", "p9/0.png,ben"], "file,subject", "line 3: no file"),
        (["p0/0.png,ada", "p0/0.png,ben"], "file,subject", "line 3: .* stands in line 2 already"),
        ([], "file,subject", "lists no pictures"),
        (['p0/0.png,"ada'], "file,subject", "no CSV"),
    ],
)
def test_a_bad_list_is_refused_with_its_line(photos: Path, rows: list[str], header: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_listing(listing(photos, "list.csv", *rows, header=header))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"file,subject\np0/\x00.png,ada\n"])
def test_a_list_that_is_no_text_is_refused(photos: Path, content: bytes) -> None:
    (photos / "list.csv").write_bytes(content)
    with pytest.raises(UsageError):
        read_listing(photos / "list.csv")


def test_a_copy_of_a_gallery_picture_is_left_out_and_named(photos: Path) -> None:
    (photos / "copy.png").write_bytes((photos / "p0" / "0.png").read_bytes())
    gallery = read_listing(listing(photos, "refs.csv", "p0/0.png,ada"))
    probes = read_listing(listing(photos, "probes.csv", "copy.png,ada", "p1/0.png,ben"))
    kept, copies = without_copies(gallery, probes)
    assert kept.subjects == ("ben",)
    assert [path.name for path in copies] == ["copy.png"]
    with pytest.raises(UsageError, match="every probe is a picture of the gallery list"):
        without_copies(gallery, gallery)


def test_one_run_answers_all_four_protocols(photos: Path) -> None:
    picture(photos / "none.png", [])
    gallery = read_listing(listing(photos, "refs.csv", "p0/0.png,ada", "p1/0.png,ben"))
    rows = ("p0/1.png,ada", "p1/1.png,ben", "p2/1.png,eve", "none.png,ada")
    samples = acquire(TOY, gallery, read_listing(listing(photos, "probes.csv", *rows)))
    draw = as_listed(samples)
    searches = searches_of(samples, draw)
    assert searches.counts == {"mated": 3, "nonmated": 1, "failed_mated": 1, "failed_nonmated": 0}
    assert searches.rank.tolist() == [1, 1, 0, 0]
    classified = classify(samples, draw)
    assert (classified.correct.errors, classified.correct.trials) == (2, 3)
    assert classified.mean_over_subjects == pytest.approx((0.5 + 1) / 2)
    scores = verification_scores(samples, draw, name="toy")
    assert scores.pairs == {"mated": 3, "nonmated": 5, "failed": 2}
    assert [failure.reason for failure in samples.failures] == ["no-face"]


def test_a_gallery_without_any_template_is_refused(photos: Path) -> None:
    picture(photos / "none.png", [])
    gallery = read_listing(listing(photos, "refs.csv", "none.png,ada"))
    with pytest.raises(UsageError, match="no-face"):
        acquire(TOY, gallery, read_listing(listing(photos, "probes.csv", "p0/1.png,ada")))


def test_redrawn_galleries_have_the_same_number_of_people_and_search_everyone_else() -> None:
    subjects = np.array([0, 1, 2, 0, 0, 1, 2, 3, 4, 5])
    vectors = np.eye(10, dtype=np.float32)
    paths = tuple(map(Path, map(str, range(10))))
    samples = Samples(paths, subjects, vectors, np.zeros(10, bool), ("",) * 10, listed=3)
    random, seen = np.random.default_rng(0), set()
    for _ in range(50):
        draw = redraw(samples, random)
        assert len(np.unique(subjects[draw.gallery])) == len(draw.gallery) == 3
        assert sorted([*draw.gallery, *draw.probes]) == list(range(10))
        seen.update(draw.gallery.tolist())
    assert seen == set(range(10))


def test_the_first_folder_is_the_person_and_the_order_is_drawn(photos: Path) -> None:
    picture(photos / "p0" / "deep" / "2.png", [0], gap=30)
    folder = read_people(photos)
    assert sorted(folder.people) == ["p0"] * 3 + ["p1"] * 2 + ["p2"] * 2 + ["p3"] * 2
    assert list(folder.paths) != sorted(folder.paths)
    assert folder.paths == read_people(photos).paths != read_people(photos, seed=1).paths
    assert all(path.relative_to(photos).parts[0] == who for path, who in zip(folder.paths, folder.people, strict=True))


def test_folders_that_name_nobody_are_refused(photos: Path, tmp_path: Path) -> None:
    picture(photos / "loose.png", [0])
    with pytest.raises(UsageError, match=r"loose\.png lies in no person's folder"):
        read_people(photos)
    os.remove(photos / "loose.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no photographs"):
        read_people(tmp_path / "empty")
    picture(tmp_path / "alone" / "ada" / "1.png", [0])
    with pytest.raises(UsageError, match="photographs of ada alone"):
        read_people(tmp_path / "alone")


def test_drawn_people_are_sorted_without_fault_and_failures_are_named(photos: Path) -> None:
    picture(photos / "p0" / "none.png", [])
    faces = acquire_people(TOY, read_people(photos))
    labels = faces.grouped(GroupingRule(0.9, 0.9, 0.5, "", "", "")).labels
    same = faces.people[:, None] == faces.people
    np.testing.assert_array_equal(labels[:, None] == labels, same)
    assert [Path(failure.source).name for failure in faces.failures] == ["none.png"]


def test_bystanders_take_part_as_people_of_their_own(tmp_path: Path) -> None:
    picture(tmp_path / "ada" / "1.png", [7, 0, 8])  # ada is in the middle
    picture(tmp_path / "ada" / "2.png", [0])
    picture(tmp_path / "ben" / "1.png", [1])
    alone = acquire_people(TOY, read_people(tmp_path))
    assert sorted(alone.people) == ["ada", "ada", "ben"]
    everyone = acquire_people(TOY, read_people(tmp_path), policy=Policy.ALL)
    assert len(everyone) == 5
    strangers = [who for who in everyone.people if who.startswith("?")]
    assert len(set(strangers)) == 2
    np.testing.assert_allclose(
        everyone.vectors[everyone.people == "ada"] @ ToyEmbedder().embed(TOY_ADA)[0], [1, 1], atol=1e-2
    )


TOY_ADA = draw_picture([0], gap=0)[None]
