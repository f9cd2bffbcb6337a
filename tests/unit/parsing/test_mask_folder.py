from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from mien.errors import ImageError, NotFoundError, UsageError
from mien.parsing.mask_folder import Masked, read_mask_folder, write_mask_folder

CLASSES = ("background", "face", "hair")


def masked(name: str, subject: str = "ada") -> Masked:
    pixels = np.full((40, 50, 3), 90, np.uint8)
    labels = np.zeros((40, 50), np.uint8)
    labels[10:30, 10:30] = 1
    return Masked(name, subject, pixels, labels, np.array([10, 10, 30, 30], np.float32))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    assert write_mask_folder(tmp_path, CLASSES, [masked("a"), masked("b", "ben")]) == 2
    folder = read_mask_folder(tmp_path)
    assert folder.classes == CLASSES
    assert folder.subjects.tolist() == ["ada", "ben"]
    again = folder.read(1)
    assert (again.labels == masked("b").labels).all()
    assert np.abs(again.pixels.astype(int) - 90).max() <= 1
    assert again.box is not None
    assert again.box.tolist() == [10, 10, 30, 30]


def test_without_a_list_everyone_is_somebody_else_and_nobody_has_a_box(tmp_path: Path) -> None:
    write_mask_folder(tmp_path, CLASSES, [masked("a"), masked("b")])
    (tmp_path / "faces.csv").unlink()
    folder = read_mask_folder(tmp_path)
    assert folder.subjects.tolist() == ["a", "b"]
    assert folder.boxes is None
    assert folder.read(0).box is None


def test_masks_in_other_folders_and_of_palettes_are_read(tmp_path: Path) -> None:
    write_mask_folder(tmp_path, CLASSES, [masked("a")])
    (tmp_path / "masks").rename(tmp_path / "annotations")
    path = tmp_path / "annotations" / "a.png"
    image = Pil.open(path).convert("P")
    image.putpalette([0] * 768)
    image.putdata(masked("a").labels.reshape(-1).tolist())
    image.save(path)
    assert read_mask_folder(tmp_path, masks="annotations").read(0).labels.max() == 1


def test_another_folder_of_masks_is_not_written_over(tmp_path: Path) -> None:
    write_mask_folder(tmp_path, CLASSES, [masked("a")])
    with pytest.raises(UsageError, match="holds masks already"):
        write_mask_folder(tmp_path, CLASSES, [masked("a")])


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"classes\.txt"):
        read_mask_folder(tmp_path)
    write_mask_folder(tmp_path, CLASSES, [masked("a")])
    mask = tmp_path / "masks" / "a.png"
    for image, words in (
        (Pil.new("RGB", (50, 40)), "colours"),
        (Pil.new("L", (50, 41)), r"\(50, 41\)"),
        (Pil.new("L", (50, 40), 3), "number 3"),
    ):
        image.save(mask)
        with pytest.raises(ImageError, match=words):
            read_mask_folder(tmp_path).read(0)
    Pil.new("L", (50, 40), 255).save(mask)
    assert (read_mask_folder(tmp_path).read(0).labels == 255).all()
    (tmp_path / "faces.csv").write_text("file,subject,x0,y0,x1,y1\n", "utf-8")
    with pytest.raises(UsageError, match=r"no line for a\.jpg"):
        read_mask_folder(tmp_path)
    (tmp_path / "faces.csv").write_text("file,subject\na.jpg,ada\n", "utf-8")
    with pytest.raises(UsageError, match="columns"):
        read_mask_folder(tmp_path)
    mask.unlink()
    with pytest.raises(NotFoundError, match="no picture"):
        read_mask_folder(tmp_path)
    (tmp_path / "classes.txt").write_text("face\n", "utf-8")
    with pytest.raises(UsageError, match="background first"):
        read_mask_folder(tmp_path)
