"""InsightFace's pair files: read as Python 2, Python 3 and NumPy wrote them, without unpickling anything."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from mien.errors import NotFoundError, UsageError
from mien.evaluate.protocols.insightface_bin import read_bin

PICTURES = [bytes([number]) * (10 + 300 * (number % 2)) for number in range(40)]
SAME = [number % 3 != 0 for number in range(20)]


def python2(pictures: list[bytes], same: list[bool]) -> bytes:
    """The stream that Python 2 writes with its highest protocol: byte strings, memo entries, batches."""
    stream = bytearray(b"\x80\x02]q\x00(")
    for memo, picture in enumerate(pictures, 1):
        short = len(picture) < 256
        stream += b"U" + bytes([len(picture)]) if short else b"T" + len(picture).to_bytes(4, "little")
        stream += picture + b"q" + bytes([memo])
    stream += b"e]q\x64("
    for truth in same:
        stream += b"\x88" if truth else b"\x89"
    return bytes(stream + b"e\x86q\x65.")


def read(folder: Path, content: bytes) -> tuple[list[bytes], list[bool]]:
    path = folder / "toy.bin"
    path.write_bytes(content)
    pairs = read_bin(path)
    assert pairs.aligned
    order = np.stack([pairs.a, pairs.b], axis=1).ravel()
    sources = [pairs.sources[row] for row in order.tolist()]
    assert all(isinstance(source, bytes) for source in sources)
    return [bytes(source) for source in sources if isinstance(source, bytes)], pairs.mated.tolist()


def test_a_file_of_python_2_is_read(tmp_path: Path) -> None:
    content = python2(PICTURES, SAME)
    assert pickle.loads(content, encoding="bytes") == (PICTURES, SAME)  # the stream above is a true one
    assert read(tmp_path, content) == (PICTURES, SAME)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_file_of_python_3_is_read(tmp_path: Path, protocol: int) -> None:
    assert read(tmp_path, pickle.dumps((PICTURES, SAME), protocol)) == (PICTURES, SAME)
    assert read(tmp_path, pickle.dumps([PICTURES, SAME], protocol)) == (PICTURES, SAME)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pictures_and_truth_as_numpy_wrote_them_are_read(tmp_path: Path, protocol: int) -> None:
    arrays = [np.frombuffer(picture, np.uint8) for picture in PICTURES]
    assert read(tmp_path, pickle.dumps((arrays, list(np.array(SAME))), protocol)) == (PICTURES, SAME)


def test_ten_folds_are_cut_in_order_and_equal_pictures_are_one_sample(tmp_path: Path) -> None:
    path = tmp_path / "toy.bin"
    path.write_bytes(pickle.dumps(([b"x", b"y", *PICTURES[:38]], SAME)))
    assert read_bin(path).fold is not None
    assert np.bincount(read_bin(path).fold).tolist() == [2] * 10  # type: ignore[arg-type]
    path.write_bytes(pickle.dumps((PICTURES[:20] * 2, SAME)))
    assert len(read_bin(path).samples) == 20


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo never run > never",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps(Evil()), ".system, which has no place"),
        (pickle.dumps(([Evil()], [True])), ".system, which has no place"),
        (b"cos\nsystem\n(S'true'\ntR.", "asks for os.system"),
        (b"\x80\x02c_codecs\nencode\n)R.", "called with other than bytes"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00rot1\x86R.", "called with other than bytes"),
        (pickle.dumps({"a": 1}), "EMPTY_DICT at byte"),
        (pickle.dumps((PICTURES, SAME))[:-30], "no pair file"),
        (b"", "no pair file"),
        (b"\xff\xd8\xff\xe0 a JPEG", "no pair file"),
        (b"\x80\x02h\x07.", "refers to an entry 7"),
        (b"\x80\x02e.", "a mark is missing"),
        (b"\x80\x02K\x01K\x02a.", "appended to what is no list"),
        (pickle.dumps((PICTURES[:3], SAME[:1])), "3 pictures for 1 pairs"),
        (pickle.dumps((["a", "b"], [True])), "a picture must be bytes, found str"),
        (pickle.dumps((PICTURES[:2], [2])), "must hold truth values"),
        (pickle.dumps((np.zeros(3, np.float32), SAME)), "called with other than bytes"),
        (pickle.dumps(PICTURES), "expected two lists"),
    ],
)
def test_anything_else_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Path("never").exists()


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such pair file"):
        read_bin(tmp_path / "none.bin")
