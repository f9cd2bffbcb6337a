"""Copies of a picture are found, other pictures are not."""

import io

import numpy as np
import pytest
from PIL import Image

from mien.evaluate.hygiene import find_copies, hash_files, hash_picture


def scene(seed: int, side: int = 200) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 255, (9, 9, 3), np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def resaved(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.resize((90, 90)).save(stream, "JPEG", quality=60)
    return Image.open(stream).convert("RGB")


HASHES = np.stack([hash_picture(np.asarray(scene(seed))) for seed in range(40)])


def test_a_smaller_and_recompressed_copy_is_found_and_left_out_once():
    copy = hash_picture(np.asarray(resaved(scene(3))))
    found = find_copies(np.arange(41), hashes=np.vstack([HASHES, copy]))
    assert found.pairs == ((3, 40, "hash"),)
    assert np.flatnonzero(found.later).tolist() == [40]


def test_other_pictures_are_no_copies():
    assert find_copies(np.arange(40), hashes=HASHES).pairs == ()


@pytest.mark.parametrize(("cosine", "people", "copies"), [(0.92, (0, 1), 1), (0.92, (0, 0), 0), (0.985, (0, 0), 1)])
def test_two_photographs_of_one_person_may_be_more_alike_than_those_of_two(cosine, people, copies):
    vectors = np.array([[1, 0], [cosine, np.sqrt(1 - cosine**2)]], np.float32)
    assert len(find_copies(np.array(people), vectors=vectors).pairs) == copies


def test_of_three_copies_one_stays():
    found = find_copies(np.arange(3), hashes=np.repeat(HASHES[:1], 3, axis=0))
    assert found.later.tolist() == [False, True, True]


def test_a_failed_row_is_no_copy():
    failed = np.array([False, True, True])
    assert find_copies(np.arange(3), hashes=np.zeros((3, 2), np.uint64), failed=failed).pairs == ()


def test_files_that_cannot_be_read_are_marked(tmp_path):
    scene(1).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    hashes, failed = hash_files([tmp_path / "a.png", tmp_path / "b.jpg"])
    assert failed.tolist() == [False, True]
    assert (hashes[0] == HASHES[1]).all()
