"""Where faces come from: each format is written here after its description and must come back whole."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import ImageError, NotFoundError, UsageError
from mien.train.data import FaceData, data_digest, join, open_data, pick

MAGIC = 0xCED7230A


def face(number: int, side: int = 112) -> np.ndarray:
    """A picture that no other number gives, smooth enough to be told by its mean."""
    return np.full((side, side, 3), (number * 7 % 256, number * 31 % 256, number * 53 % 256), np.uint8)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def write_png(path: Path, number: int, side: int = 112) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(face(number, side)))


def framed(content: bytes) -> bytes:
    """A record as DMLC's writer frames it: split where the magic number stands at a multiple of 4."""
    cuts = [at for at in range(0, len(content) - 3, 4) if content[at : at + 4] == MAGIC.to_bytes(4, "little")]
    edges = [(a, b) for a, b in zip([0, *(cut + 4 for cut in cuts)], [*cuts, len(content)], strict=True)]
    out = b""
    for number, (start, end) in enumerate(edges):
        kind = 0 if len(edges) == 1 else 1 if number == 0 else 3 if number == len(edges) - 1 else 2
        part = content[start:end]
        out += struct.pack("<II", MAGIC, kind << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
    return out


def packed(labels: list[float], key: int, picture: bytes = b"") -> bytes:
    """MXNet's `recordio.pack`: one label stands in the header, several after it."""
    if len(labels) == 1:
        return struct.pack("<IfQQ", 0, labels[0], key, 0) + picture
    return struct.pack("<IfQQ", len(labels), 0.0, key, 0) + np.array(labels, "<f4").tobytes() + picture


def write_recordio(folder: Path, pictures: list[tuple[list[float], bytes]], *, ranges: bool = True) -> Path:
    """train.rec and train.idx as InsightFace's face2rec2 writes them."""
    records = [packed(labels, key + 1, picture) for key, (labels, picture) in enumerate(pictures)]
    keys = list(range(1, len(records) + 1))
    if ranges:
        people = sorted({labels[0] for labels, _ in pictures})
        first = len(records) + 1
        records += [packed([1.0, 2.0], first + number) for number in range(len(people))]
        keys += range(first, first + len(people))
        records.insert(0, packed([float(first), float(first + len(people))], 0))
        keys.insert(0, 0)
    offset, lines, content = 0, [], b""
    for key, record in zip(keys, records, strict=True):
        lines.append(f"{key}\t{offset}\n")
        content += framed(record)
        offset = len(content)
    folder.mkdir(exist_ok=True)
    (folder / "train.rec").write_bytes(content)
    (folder / "train.idx").write_text("".join(lines))
    return folder


def write_shard(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def means(data: FaceData) -> list[list[int]]:
    return [data.read(row)[0, 0].tolist() for row in range(len(data))]


def test_a_folder_a_person_is_labelled_by_its_first_folder(tmp_path: Path) -> None:
    for number, name in enumerate(["Bo/1.png", "Ada/x/1.png", "Ada/2.png"]):
        write_png(tmp_path / name, number)
    (tmp_path / "Nobody").mkdir()
    data = open_data(f"folder:{tmp_path}")
    assert list(data.names) == ["Ada/2.png", "Ada/x/1.png", "Bo/1.png"]
    assert data.labels.tolist() == [0, 0, 1]
    assert list(data.people) == ["Ada", "Bo"]
    assert means(data) == [face(n)[0, 0].tolist() for n in (2, 1, 0)]


def test_a_photograph_in_no_persons_folder_is_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "loose.png", 0)
    with pytest.raises(UsageError, match=r"loose\.png lies in no person's folder"):
        open_data(f"folder:{tmp_path}")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    for kind in ("folder", "unlabelled"):
        with pytest.raises(UsageError, match="holds no photographs"):
            open_data(f"{kind}:{tmp_path}")


def test_unlabelled_pictures_have_label_minus_one(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 1)
    data = open_data(f"unlabelled:{tmp_path}")
    assert data.labels.tolist() == [-1]
    assert not data.people


def test_a_folder_of_photographs_asks_what_its_folders_mean(tmp_path: Path) -> None:
    write_png(tmp_path / "Ada" / "1.png", 1)
    with pytest.raises(UsageError, match=r"folder:.* if each of its folders is a person"):
        open_data(tmp_path)


def test_the_lfw_layout_is_known_by_its_pair_list(tmp_path: Path) -> None:
    write_png(tmp_path / "images" / "Ada_L" / "Ada_L_0001.jpg", 3)
    (tmp_path / "pairs.txt").write_text("10\t300\n")
    data = open_data(tmp_path)
    assert list(data.people) == ["Ada_L"]
    assert data.facts == {"kind": "lfw"}
    with pytest.raises(NotFoundError, match=r"no pictures such as NAME/NAME_0001\.jpg"):
        open_data(f"lfw:{tmp_path / 'images' / 'Ada_L'}")


def test_a_csv_list_names_pictures_and_people(tmp_path: Path) -> None:
    write_png(tmp_path / "p" / "1.png", 1)
    (tmp_path / "list.csv").write_text("person,note,path\nZoe,x,p/1.png\n,y,p/none.png\n")
    data = open_data(tmp_path / "list.csv")
    assert list(data.names) == ["p/1.png", "p/none.png"]
    assert data.labels.tolist() == [0, -1]
    assert data.read(0)[0, 0].tolist() == face(1)[0, 0].tolist()
    with pytest.raises(NotFoundError, match=r"no such file: p/none\.png"):
        data.read(1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,subject\na,b\n", "first line must name the columns path and person, it is 'file,subject'"),
        ("path,person\na,b\na,c\n", "line 3: 'a' is there twice"),
        ("path,person\n,b\n", "line 2: a path is missing"),
        ("path,person\na,b,c\n", "line 2: a path is missing, or there are too many"),
        ("path,person\n", "names no picture"),
        ('path,person\n"a,b\n', "is no CSV in UTF-8"),
    ],
)
def test_a_wrong_csv_list_is_refused_by_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(UsageError, match=message):
        open_data(tmp_path / "list.csv")


def test_no_csv_list_and_no_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        open_data(tmp_path / "list.csv")
    with pytest.raises(NotFoundError, match="is not there"):
        open_data(tmp_path / "none")
    with pytest.raises(UsageError, match="no source named 'foldr'; did you mean 'folder'"):
        open_data(f"foldr:{tmp_path}")


@pytest.mark.parametrize("ranges", [True, False])
def test_recordio_gives_every_picture_with_its_label(tmp_path: Path, ranges: bool) -> None:
    pictures = [([9.0], png(face(1))), ([4.0], png(face(2))), ([9.0, 0.0], png(face(3)))]
    data = open_data(write_recordio(tmp_path / "set", pictures, ranges=ranges))
    assert data.labels.tolist() == [1, 0, 1]
    assert list(data.people) == ["4", "9"]
    assert list(data.names) == ["train.rec/1", "train.rec/2", "train.rec/3"]
    assert means(data) == [face(n)[0, 0].tolist() for n in (1, 2, 3)]
    assert data.aligned


def test_a_record_that_holds_the_magic_number_is_put_together(tmp_path: Path) -> None:
    magic = MAGIC.to_bytes(4, "little")
    content = b"1234" + magic + b"5678" + magic + magic + b"90"
    folder = write_recordio(tmp_path / "set", [([0.0], content), ([0.0], b"other")])
    assert (folder / "train.rec").read_bytes().count(magic) == 7  # frames of 3 whole records, and of 4 parts
    data = open_data(folder)
    assert [bytes(data.photo(row)) for row in range(2)] == [content, b"other"]  # type: ignore[arg-type]


def test_keys_beyond_the_exact_numbers_of_float32_end_where_the_pictures_end(tmp_path: Path) -> None:
    first = 2**24 + 3  # as float32 this is 2^24 + 4
    records = [
        packed([float(first), float(first + 1)], 0),
        packed([5.0], first - 1, png(face(1))),
        packed([1.0, 2.0], first),
    ]
    content, lines = b"", ""
    for key, record in zip((0, first - 1, first), records, strict=True):
        lines += f"{key}\t{len(content)}\n"
        content += framed(record)
    (tmp_path / "train.rec").write_bytes(content)
    (tmp_path / "train.idx").write_text(lines)
    assert list(open_data(tmp_path).people) == ["5"]


def test_a_damaged_recordio_set_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = write_recordio(tmp_path / "set", [([1.0], png(face(1)))] * 3)
    record, index = folder / "train.rec", folder / "train.idx"
    whole, lines = record.read_bytes(), index.read_text()
    index.write_text("1\n")
    with pytest.raises(UsageError, match="two whole numbers"):
        open_data(folder)
    index.write_text("")
    with pytest.raises(UsageError, match="names no record"):
        open_data(folder)
    index.write_text("1\t8\n")
    with pytest.raises(UsageError, match="no record begins where"):
        open_data(folder)
    index.write_text(lines)
    record.write_bytes(whole[:200])
    with pytest.raises(UsageError, match=r"shorter than its \.idx says"):
        open_data(folder)
    index.unlink()
    with pytest.raises(NotFoundError, match=r"train\.idx; the set is a \.rec file with its \.idx"):
        open_data(folder)


def test_a_record_cut_off_after_the_listing_is_an_image_error(tmp_path: Path) -> None:
    folder = write_recordio(tmp_path / "set", [([1.0], png(face(1)))] * 2, ranges=False)
    data = open_data(folder)
    content = bytearray((folder / "train.rec").read_bytes())
    (folder / "train.rec").write_bytes(content[:-40])
    with pytest.raises(ImageError, match=r"train\.rec/2: .* ends before it"):
        data.read(1)
    content[0] ^= 1
    (folder / "train.rec").write_bytes(content)
    with pytest.raises(ImageError, match=r"train\.rec/1: the record does not begin as one"):
        data.read(0)


def test_webdataset_shards_pair_pictures_with_labels(tmp_path: Path) -> None:
    write_shard(tmp_path / "b-1.tar", {"000.png": png(face(3)), "000.json": json.dumps({"label": 7}).encode()})
    shard = {"a/1.cls": b"7\n", "a/1.png": png(face(1)), "a/2.png": png(face(2)), "readme": b"no sample"}
    write_shard(tmp_path / "a-0.tar", shard)
    data = open_data(tmp_path)
    assert list(data.names) == ["a-0.tar/a/1.png", "a-0.tar/a/2.png", "b-1.tar/000.png"]
    assert data.labels.tolist() == [0, -1, 0]
    assert means(data) == [face(n)[0, 0].tolist() for n in (1, 2, 3)]


def test_shards_of_the_webdataset_package_are_read(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset", reason="the package that writes shards, as an oracle")
    with webdataset.TarWriter(str(tmp_path / "0.tar")) as writer:
        for number in range(3):
            writer.write({"__key__": f"{number:03d}", "png": png(face(number)), "cls": 10 + number})
    data = open_data(tmp_path / "0.tar")
    assert list(data.people) == ["10", "11", "12"]
    assert means(data) == [face(n)[0, 0].tolist() for n in range(3)]


def test_shards_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no shard there"):
        open_data(f"webdataset:{tmp_path}")
    (tmp_path / "a.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(UsageError, match="no tar file"):
        open_data(tmp_path)
    write_shard(tmp_path / "a.tar", {"x.txt": b"words"})
    with pytest.raises(UsageError, match="no picture in 1 shards"):
        open_data(tmp_path)
    write_shard(tmp_path / "a.tar", {"x.png": b"", "x.json": b"{"})
    with pytest.raises(UsageError, match="UTF-8 text or JSON"):
        open_data(tmp_path)


def test_a_bin_file_gives_its_pictures_and_is_never_unpickled(tmp_path: Path) -> None:
    import pickle

    pictures = [png(face(n)) for n in range(20)]
    (tmp_path / "toy.bin").write_bytes(pickle.dumps((pictures, [True] * 10)))
    data = open_data(tmp_path / "toy.bin")
    assert means(data) == [face(n)[0, 0].tolist() for n in range(20)]
    (tmp_path / "bad.bin").write_bytes(pickle.dumps(print))
    with pytest.raises(UsageError, match="no pair file of InsightFace"):
        open_data(tmp_path / "bad.bin")


def test_a_picture_of_another_size_is_no_aligned_face(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 1, side=96)
    with pytest.raises(ImageError, match="112x112 pixels, this picture has 96x96") as caught:
        open_data(f"unlabelled:{tmp_path}").read(0)
    assert caught.value.code == "not-aligned"


def test_a_choice_of_pictures_numbers_its_people_anew(tmp_path: Path) -> None:
    for number, name in enumerate(["a/1.png", "b/1.png", "c/1.png", "c/2.png"]):
        write_png(tmp_path / name, number)
    data = open_data(f"folder:{tmp_path}")
    view = pick(data, np.array([3, 0]))
    assert list(view.people) == ["a", "c"]
    assert view.labels.tolist() == [1, 0]
    assert means(view) == [face(3)[0, 0].tolist(), face(0)[0, 0].tolist()]
    assert [view.sha256(0), view.sha256(1)] == [data.sha256(3), data.sha256(0)]


def test_joined_sets_keep_their_people_apart(tmp_path: Path) -> None:
    write_png(tmp_path / "one" / "Ada" / "1.png", 1)
    write_png(tmp_path / "two" / "Ada" / "1.png", 2)
    write_png(tmp_path / "three" / "1.png", 3)
    parts = [open_data(f"folder:{tmp_path / 'one'}"), open_data(f"unlabelled:{tmp_path / 'three'}")]
    both = join(*parts, open_data(f"folder:{tmp_path / 'two'}"))
    assert both.labels.tolist() == [0, -1, 1]
    assert list(both.people) == ["Ada", "Ada"]
    assert both.crops(np.array([2, 0, 1]))[:, 0, 0].tolist() == [face(n)[0, 0].tolist() for n in (2, 1, 3)]
    assert means(both) == [face(n)[0, 0].tolist() for n in (1, 3, 2)]
    with pytest.raises(UsageError, match="no data to join"):
        join()


def test_the_digest_of_data_follows_pictures_labels_and_order(tmp_path: Path) -> None:
    for number, name in enumerate(["a/1.png", "a/2.png", "b/1.png"]):
        write_png(tmp_path / name, number)
    data = open_data(f"folder:{tmp_path}")
    first = data_digest(data)
    assert data_digest(open_data(f"folder:{tmp_path}")) == first
    assert data_digest(pick(data, np.array([1, 0, 2]))) != first
    write_png(tmp_path / "b" / "1.png", 9)
    assert data_digest(open_data(f"folder:{tmp_path}")) != first
