from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.evaluate.clips import LIVE, clip, portrait
from mien.image.video import open_clip
from mien.models import load_detector, load_head
from mien.presentation.challenge import Action
from mien.presentation.made_clips import SIDE, Motion, Portrait, live
from mien.service.challenge import run_challenge
from mien.types.arrays import FloatArray, Pixels

pytestmark = [pytest.mark.data, pytest.mark.weights]


HEADS = ("landmarks68", "eyes", "liveness", "pose")


def film(path: Path, frames: Iterable[Pixels]) -> str:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (SIDE, SIDE))
    for pixels in frames:
        writer.write(np.ascontiguousarray(pixels[..., ::-1]))
    writer.release()
    return str(path)


def photo_of(path: Path) -> tuple[Pixels, FloatArray]:
    return portrait(path, load_detector().with_side(640), load_head("landmarks68"))


@pytest.fixture
def heads(need: Callable[[str], None], weights: None) -> None:
    for name in HEADS:
        need(name)


@pytest.mark.usefixtures("heads")
def test_a_made_living_clip_looks_more_alive_than_a_print_of_the_same_person(
    data: Path, tmp_path: Path, subprocess_mien: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    photo, points = photo_of(data / "london" / "neutral_front" / "002_03.jpg")
    files = [
        film(tmp_path / f"{kind}.mp4", (f.image.pixels for f in clip(photo, points, kind, "test", 3, 3.0, 10.0)))
        for kind in (LIVE, "print")
    ]
    answered = subprocess_mien("pad", *files, "--json")
    live, print_ = json.loads(answered.stdout)["files"]
    assert live["faces"][0]["probability"] > print_["faces"][0]["probability"]
    assert live["faces"][0]["frames"] == print_["faces"][0]["frames"] == 15
    assert answered.returncode == (0 if live["bona_fide"] and print_["bona_fide"] else 1)


@pytest.mark.usefixtures("heads")
def test_a_person_who_blinks_and_smiles_passes_and_another_one_on_the_way_does_not(data: Path, tmp_path: Path) -> None:
    root = data / "london"

    def moving(name: str, lids: list[float]) -> Iterable[Pixels]:
        zero = np.zeros((len(lids), 4), np.float32)
        times = np.arange(len(lids), dtype=np.float32) / 10
        motion = Motion(times, zero, zero, np.array(lids, np.float32), zero[:, :2])
        return live(Portrait.of(*photo_of(root / name)), motion, 1)

    blinking = list(moving("neutral_front/002_03.jpg", [0.0] * 12 + [1.0] * 2 + [0.0] * 4))
    smiling = {who: list(moving(f"smiling_front/{who}_08.jpg", [0.0] * 10)) for who in ("002", "006")}
    actions = (Action.BLINK, Action.SMILE)
    for who, reason in (("002", None), ("006", "another-person")):
        with open_clip(film(tmp_path / f"{who}.mp4", blinking + smiling[who])) as opened:
            done = run_challenge(opened.frames(), actions)
        assert done.reason == reason
        assert done.passed == (reason is None)
