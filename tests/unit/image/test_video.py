from __future__ import annotations

import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import ImageError, MienError, NotFoundError, UsageError
from mien.image import Limits
from mien.image.video import ClipLimits, Decoder, is_clip, open_clip

SIZE = (160, 120)
RED = (220, 30, 30)


def film(path: Path, count: int = 20, *, fps: float = 10, size: tuple[int, int] = SIZE, code: str = "mp4v") -> Path:
    """A red clip whose upper left corner grows lighter from frame to frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, size)
    for number in range(count):
        frame = np.full((size[1], size[0], 3), RED[::-1], np.uint8)
        frame[: size[1] // 2, : size[0] // 2] = 10 * number
        writer.write(frame)
    writer.release()
    return path


def refused(path: Path, limits: ClipLimits | None = None) -> MienError:
    with pytest.raises(MienError) as caught, open_clip(path, limits=limits or ClipLimits()) as clip:
        list(clip.frames())
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "mp4v"), ("a.webm", "VP80")])
def test_every_frame_comes_in_rgb_with_its_time(tmp_path: Path, kind: tuple[str, str]) -> None:
    with open_clip(film(tmp_path / kind[0], code=kind[1])) as clip:
        assert clip.size == SIZE
        frames = list(clip.frames())
    assert [frame.number for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(20) / 10, atol=0.002)
    pixels = frames[7].image.pixels
    assert pixels.flags.c_contiguous
    np.testing.assert_allclose(pixels[100, 140], RED, atol=12)
    np.testing.assert_allclose(pixels[10, 10], 70, atol=12)


def test_every_third_frame_is_frame_0_3_6(tmp_path: Path) -> None:
    with open_clip(film(tmp_path / "a.mp4")) as clip:
        frames = list(clip.frames(every=3))
    assert [frame.number for frame in frames] == [0, 3, 6, 9, 12, 15, 18]
    np.testing.assert_allclose([f.image.pixels[10, 10, 0] for f in frames], [30 * i for i in range(7)], atol=12)


def test_a_reduced_frame_knows_the_full_size(tmp_path: Path) -> None:
    with open_clip(film(tmp_path / "a.mp4")) as clip:
        image = next(clip.frames(side=80)).image
    assert (image.size, image.full_size, image.scale) == ((80, 60), SIZE, (0.5, 0.5))


def test_a_clip_filmed_on_its_side_comes_upright(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    one = (1 << 16).to_bytes(4, "big")
    upright = one + bytes(12) + one + bytes(12) + (1 << 30).to_bytes(4, "big")
    at = data.index(upright, data.index(b"tkhd"))
    quarter = bytes(4) + one + bytes(4) + (-(1 << 16)).to_bytes(4, "big", signed=True) + bytes(16)
    data[at : at + 36] = quarter + (1 << 30).to_bytes(4, "big")  # ISO 14496-12, 8.3.2: a turn to the right
    path.write_bytes(data)
    with open_clip(path) as clip:
        assert clip.size == (120, 160)
        frame = list(clip.frames())[15].image.pixels
    np.testing.assert_allclose(frame[10, 100], 150, atol=12)  # what was upper left is upper right
    np.testing.assert_allclose(frame[10, 10], RED, atol=12)


def test_reading_ends_with_the_reader(tmp_path: Path) -> None:
    with open_clip(film(tmp_path / "a.mp4")) as clip:
        assert next(iter(clip.frames())).number == 0


def test_frames_are_read_once(tmp_path: Path) -> None:
    with open_clip(film(tmp_path / "a.mp4")) as clip:
        list(clip.frames())
        with pytest.raises(UsageError, match="open it again"):
            next(clip.frames())


def test_steps_below_one_are_refused(tmp_path: Path) -> None:
    with open_clip(film(tmp_path / "a.mp4")) as clip, pytest.raises(UsageError, match="at least 1"):
        next(clip.frames(every=0))


def test_clips_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    clip = film(tmp_path / "a.mp4")
    assert is_clip(clip)
    assert is_clip(clip.rename(tmp_path / "picture.jpg"))
    picture = tmp_path / "b.avif"
    picture.write_bytes(b"\0\0\0\x1cftypavif\0\0\0\0mif1avif" + bytes(100))
    assert not is_clip(picture)
    assert not is_clip(tmp_path)
    assert not is_clip(tmp_path / "nothing.mp4")


def test_a_missing_clip_is_not_found(tmp_path: Path) -> None:
    assert isinstance(refused(tmp_path / "no.mp4"), NotFoundError)


def test_a_folder_is_no_clip(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "image-not-a-file"


@pytest.mark.parametrize("text", ["#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n"])
def test_a_list_of_other_files_is_not_handed_to_the_decoder(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.mp4"
    path.write_text(text)
    assert refused(path).code == "clip-unrecognised"


def test_noise_behind_a_good_head_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + np.random.default_rng(0).bytes(5000))
    assert refused(path).code == "clip-damaged"


def test_a_clip_cut_before_its_table_is_damaged(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:1500])
    assert refused(path).code == "clip-damaged"


def test_whatever_is_changed_in_a_file_the_answer_is_frames_or_an_error(tmp_path: Path) -> None:
    good = film(tmp_path / "a.mp4", 8).read_bytes()
    draw = random.Random(1)
    for number in range(12):
        data = bytearray(good)
        for _ in range(draw.choice((1, 20, 200))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(data)
        with suppress(ImageError), open_clip(path, limits=ClipLimits(stall_s=10)) as clip:
            list(clip.frames())


def test_both_sides_of_the_length_limits(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 20)
    for limits in (ClipLimits(max_frames=20), ClipLimits(max_seconds=2.0), ClipLimits(max_bytes=path.stat().st_size)):
        with open_clip(path, limits=limits) as clip:
            assert len(list(clip.frames())) == 20
    assert refused(path, ClipLimits(max_frames=19)).code == "clip-too-long"
    assert refused(path, ClipLimits(max_seconds=1.9)).code == "clip-too-long"
    assert refused(path, ClipLimits(max_bytes=path.stat().st_size - 1)).code == "clip-too-large"


def test_a_frame_keeps_the_limits_of_pictures(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    assert refused(path, ClipLimits(frame=Limits(max_pixels=160 * 120 - 1))).code == "image-too-many-pixels"
    assert refused(film(tmp_path / "b.mp4", size=(160, 64))).code == "image-too-small"


def test_more_memory_than_allowed_is_one_line(tmp_path: Path) -> None:
    assert refused(film(tmp_path / "a.mp4"), ClipLimits(memory=100 << 20)).code == "clip-damaged"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("import faulthandler, time; faulthandler.dump_traceback_later(0.1, exit=True); time.sleep(60)", "clip-time"),
        ("import os; os.kill(os.getpid(), 11)", "clip-damaged"),
        ("import sys; sys.stdout.write('{')", "clip-damaged"),
    ],
)
def test_a_decoder_that_hangs_or_crashes_is_one_line(script: str, code: str) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as process:
        with pytest.raises(ImageError, match=r"^a\.mp4: [^\n]+$") as caught:
            Decoder(process, "a.mp4").head()
        assert caught.value.code == code
