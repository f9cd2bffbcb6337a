from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from mien.cli.main import run
from mien.errors import FaceError, ModelInvalidError, ModelMismatchError, NotFoundError, UsageError
from mien.image.video import open_clip
from mien.models import find_card
from mien.presentation import clip_rule
from mien.presentation.challenge import Action, order
from mien.presentation.clip_rule import ClipRule, read_rule
from mien.presentation.stacking import Logistic, Stack
from mien.service import challenge as challenging
from mien.service import pad
from mien.service.challenge import run_challenge
from mien.service.engine import Models
from mien.service.pad import PadService
from mien.types.faces import Column, Faces

LIVENESS = find_card("liveness", "head")
ORIGIN = {"data": "d", "rule": "r", "date": "2026-11-22", "command": "c"}
ERRORS = ({"measure": "BPCER", "value": 0.1, "low": 0.0, "high": 0.3, "errors": 1, "trials": 10},)


def rule(**changes: Any) -> ClipRule:
    """Bona fide where the single-picture head says so on average."""
    picture = Logistic(("liveness mean",), (0.0,), (1.0,), (1.0,), 0.0)
    top = Logistic(("picture",), (0.0,), (1.0,), (1.0,), 0.0)
    kinds = {
        "print": Logistic(("eyes least open",), (0.5,), (1.0,), (4.0,), 0.0),
        "replay": Logistic(("eyes least open",), (0.5,), (1.0,), (-4.0,), 0.0),
    }
    given = ClipRule(Stack({"picture": picture}, top), kinds, {"liveness": LIVENESS.digest}, 5.0, 0.5, ORIGIN, ERRORS)
    return replace(given, **changes)


class Box:
    """A detector that finds the same face in every picture that is not black."""

    def with_side(self, side: int) -> Box:
        return self

    def detect(self, image: Any) -> Faces:
        if image.pixels.max() < 60:
            return Faces.none(image.full_size, image.source)
        boxes = np.array([[40, 30, 100, 90]], np.float32)
        points = np.array([[[55, 50], [85, 50], [70, 65], [58, 78], [82, 78]]], np.float32)
        return Faces(boxes, np.ones(1, np.float32), points, image.full_size, image.source)


def head(name: str, answer: Any) -> Any:
    """A head of a real card whose answer is made from the mean brightness of the frame."""
    return SimpleNamespace(
        card=find_card(name, "head"),
        session=None,
        needs=(),
        look=lambda cuts: Column(np.asarray(answer(float(cuts.image.pixels.mean())), np.float32)[None]),
        describe=lambda column, row: {"label": "attack-1"},
    )


def landmarks(brightness: float) -> Any:
    points = np.random.default_rng(0).uniform(40, 100, (68, 2))
    points[36:42], points[42:48] = (55, 50), (85, 50)
    points[48], points[54] = (58, 78), ((82, 78) if brightness < 150 else (90, 78))
    return points


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames up to 100 are closed eyes; from 120 on the head looks left, from 150 on it smiles; 200 looks copied."""
    made = {
        "landmarks68": head("landmarks68", landmarks),
        "eyes": head("eyes", lambda v: [0.0, 0.0] if v < 100 else [1.0, 1.0]),
        "pose": head("pose", lambda v: [-25.0 if 120 <= v < 150 else 0.0, 0.0, 0.0]),
        "liveness": head("liveness", lambda v: [0.1, 0.8, 0.1] if v > 190 else [0.9, 0.1, 0.0]),
    }
    monkeypatch.setattr(pad, "load_head", lambda name, settings: made[name])
    monkeypatch.setattr(challenging, "load_head", lambda name, settings: made[name])
    monkeypatch.setattr(Models, "load_detector", lambda self, settings=None: Box())
    embedder = SimpleNamespace(embed=lambda crops: np.array([[1.0, 0.0]], np.float32))
    monkeypatch.setattr(challenging, "load_embedder", lambda name, settings: embedder)
    monkeypatch.setattr(pad, "built_in", rule)
    monkeypatch.setattr(PadService, "missing", lambda self, **_: [])
    monkeypatch.setattr(challenging, "missing", lambda models: [])


def film(path: Path, greys: list[int], fps: float = 10) -> str:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (160, 120))
    for grey in greys:
        writer.write(np.full((120, 160, 3), grey, np.uint8))
    writer.release()
    return str(path)


@pytest.mark.usefixtures("toys")
def test_a_clip_gets_verdict_type_cues_threshold_and_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pad", film(tmp_path / "a.avi", [200] * 30), "--json"]) == 1
    (answer,) = json.loads(capsys.readouterr().out)["files"]
    (face,) = answer["faces"]
    assert (answer["kind"], answer["bona_fide"], face["verdict"], face["attack_type"]) == (
        "clip",
        False,
        "attack",
        "print",
    )
    assert face["probability"] == 0.1
    assert face["cues"][0]["cue"] == "picture liveness mean"
    assert face["frames"] == 15  # every second one: five a second
    assert answer["threshold"] == {"value": 0.5, **ORIGIN, "by": "clip rule"}
    assert answer["errors"] == list(ERRORS)


@pytest.mark.usefixtures("toys")
def test_a_bona_fide_clip_ends_with_0_and_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pad", film(tmp_path / "a.avi", [110] * 30)]) == 0
    said = capsys.readouterr().out
    assert "bona fide (bona fide 0.900 ≥ 0.500)" in said
    assert "BPCER: 0.1 (1 of 10; 95 % 0 to 0.3)" in said
    assert "may not carry over" in said


@pytest.mark.usefixtures("toys")
def test_one_attack_among_clips_that_cannot_be_used_still_ends_with_1(tmp_path: Path) -> None:
    good, bad = film(tmp_path / "a.avi", [110] * 30), film(tmp_path / "b.avi", [200] * 30)
    assert run(["pad", good, str(tmp_path / "none.avi")]) == 9
    assert run(["pad", str(tmp_path / "none.avi")]) == 4
    assert run(["pad", film(tmp_path / "dark.avi", [0] * 30)]) == 3
    assert run(["pad", bad, str(tmp_path / "none.avi")]) == 1


@pytest.mark.usefixtures("toys")
def test_too_few_frames_with_a_face_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FaceError, match="5 frames, 8 are needed"):
        PadService(Models()).clip(film(tmp_path / "a.avi", [0] * 20 + [110] * 10))


@pytest.mark.usefixtures("toys")
def test_a_rule_for_other_weights_is_refused(tmp_path: Path) -> None:
    other = PadService(Models(), rule=rule(heads={"liveness": "0" * 64}))
    with pytest.raises(ModelMismatchError, match=r"liveness@000000000000, here is afa783b7e902"):
        other.clip(film(tmp_path / "a.avi", [110] * 30))


def test_a_rule_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(rule().to_dict()))
    assert read_rule(path) == rule()


def test_a_file_that_holds_no_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_rule(tmp_path / "no.json")
    for text in ("{", "{}", json.dumps(rule().to_dict() | {"top": {"names": ["a"]}})):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(ModelInvalidError, match=r"bad\.json"):
            read_rule(tmp_path / "bad.json")


def test_the_built_in_rule_is_for_the_cards_that_are_built_in() -> None:
    clip_rule.built_in().require([find_card(name, "head") for name in ("landmarks68", "eyes", "liveness")])


@pytest.mark.usefixtures("toys")
def test_a_head_without_a_threshold_decides_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no threshold"):
        PadService(Models(), head="liveness").picture(tmp_path / "a.png")


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(("nonce", "passed"), [("0", True), ("4", True), ("12", True), ("1", False)])
def test_a_challenge_on_a_clip_is_that_of_the_nonce(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nonce: str, passed: bool
) -> None:
    greys = {Action.BLINK: [90] * 2, Action.TURN_LEFT: [130] * 3, Action.SMILE: [170] * 3}
    actions = order(["blink", "turn", "smile"], nonce)
    shown = [110] * 10
    for action in actions:
        shown += [*greys.get(action, [110]), 110, 110, 110]  # nobody turns to the right here
    clip = film(tmp_path / "a.avi", shown)
    code = run(["pad", "--challenge", "blink,turn,smile", "--clip", clip, "--nonce", nonce, "--json"])
    given = json.loads(capsys.readouterr().out)
    assert given["order"] == list(map(str, actions))
    assert (code, given["passed"]) == (0 if passed else 1, passed)
    assert given["same_person"]["lowest"] == 1.0


@pytest.mark.usefixtures("toys")
def test_the_wrong_order_is_not_passed(tmp_path: Path) -> None:
    shown = [110] * 10 + [170] * 3 + [110] * 3 + [90] * 2 + [110] * 3
    actions = [Action.BLINK, Action.SMILE]
    with open_clip(film(tmp_path / "a.avi", shown)) as clip:
        assert run_challenge(clip.frames(), actions).reason == "out-of-order"
    with open_clip(tmp_path / "a.avi") as clip:
        assert run_challenge(clip.frames(), actions[::-1]).passed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pad"], "name pictures or clips"),
        (["pad", "a.jpg", "--nonce", "1"], "belong to --challenge"),
        (["pad", "a.jpg", "--challenge", "blink"], "leave out one of them"),
        (["pad", "--challenge", "blink", "--clip", "a.mp4"], "give --nonce"),
        (["pad", "--challenge", "nod", "--nonce", "1"], "blink, turn, smile"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert words in capsys.readouterr().err
