"""Pairs, the linear detector, cues, trained files and the list of a material."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mien.errors import ConflictError, NotFoundError, StoreCorruptError, StoreError, UsageError
from mien.manipulation.cues import cues
from mien.manipulation.cues.texture import CLASSES, patterns
from mien.manipulation.linear import Linear, area_under, fit_held_out
from mien.manipulation.looking import Seen
from mien.manipulation.making import Fakes, Morphs
from mien.manipulation.material import PICTURES, Item, begin, finish, missing, read_material, write_whole
from mien.manipulation.pairs import halves, look_alikes, people_of
from mien.manipulation.trained import Trained, built_in, find_trained, train
from mien.manipulation.watching import Samples


def seen(seed: int) -> Seen:
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 256, (300, 300, 3)).astype(np.uint8)
    vectors = {"sface": chance.normal(size=8), "mobileface": chance.normal(size=12)}
    vectors = {name: (v / np.linalg.norm(v)).astype(np.float32) for name, v in vectors.items()}
    points = chance.uniform(60, 240, (68, 2))
    return Seen(pixels, np.array([[50, 40, 250, 260]], np.float32), points, pixels[:112, :112], vectors)


def test_people_have_one_name_up_to_the_last_underscore() -> None:
    paths = [
        Path(name) for name in ("b/001_08.jpg", "a/001_03.jpg", "a/002_03.jpg", "x/A_B_0001.jpg", "x/A_B_0002.jpg")
    ]
    found = people_of(paths)
    assert [person.name for person in found] == ["001", "A_B"]
    assert found[0].reference == Path("a/001_03.jpg")
    assert found[0].live == (Path("b/001_08.jpg"),)


def test_nobody_is_in_both_halves() -> None:
    people = people_of([Path(f"{i:03}_{k}.jpg") for i in range(11) for k in "12"])
    train_rows, test_rows = halves(people, 3)
    assert sorted(train_rows + test_rows) == list(range(11))
    assert (train_rows, test_rows) == halves(people, 3)


def test_look_alikes_are_the_nearest_and_each_pair_comes_once() -> None:
    angles = np.radians([0, 10, 25, 90, 5])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    pairs = look_alikes(vectors, [0, 1, 2, 3], 1)  # the last, nearest to 0 and 1, may not be paired
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (1, 2), (2, 3)]
    assert pairs[0].cosine == pytest.approx(np.cos(np.radians(10)), abs=1e-6)


def test_the_discriminant_of_two_round_clouds_points_from_one_mean_to_the_other() -> None:
    chance = np.random.default_rng(0)
    attacks = np.arange(4000) % 2 == 1
    features = (chance.normal(size=(4000, 2)) + attacks[:, None] * np.array([2.0, 1.0])).astype(np.float32)
    fitted = Linear.fit(features, attacks, 0.0)
    assert fitted.weights[0] / fitted.weights[1] == pytest.approx(2, rel=0.15)
    assert float(fitted.score(np.array([1.0, 0.5], np.float32))) == pytest.approx(0, abs=0.1)


def test_a_detector_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="one of them is missing"):
        Linear.fit(np.zeros((3, 2), np.float32), np.ones(3, bool), 0.1)


def test_held_out_scores_do_not_know_their_people() -> None:
    chance = np.random.default_rng(0)  # each person has a vector of their own, and half of them are called attacks
    own = chance.normal(size=(20, 40)).astype(np.float32)
    rows = np.repeat(np.arange(20), 10)
    features = own[rows] + 0.01 * chance.normal(size=(200, 40)).astype(np.float32)
    attacks = rows % 2 == 1
    fitted = fit_held_out(features, attacks, [frozenset({str(row)}) for row in rows])
    seen_before = fitted.linear.score(features)
    assert area_under(seen_before[attacks], seen_before[~attacks]) == 1
    assert area_under(fitted.held_out[attacks], fitted.held_out[~attacks]) < 0.9


def test_area_under_counts_ties_half() -> None:
    assert area_under(np.array([1.0, 2.0]), np.array([0.0, 1.0])) == pytest.approx((1.5 + 2) / 4)


def test_patterns_count_the_neighbours_that_are_not_darker() -> None:
    grey = np.zeros((3, 3), np.float32)
    assert patterns(grey)[0, 0] == 8  # all equal
    grey[1, 1] = 5
    assert patterns(grey)[0, 0] == 0  # a peak
    grey[0] = 9
    assert patterns(grey)[0, 0] == 3  # an edge above: three in one run
    grey[2, 1] = 9
    assert patterns(grey)[0, 0] == 9  # two runs
    assert np.bincount(CLASSES, minlength=10)[9] == 256 - 58  # of 256 bytes, 58 are uniform


@pytest.mark.parametrize("name", ["embedding", "likeness", "shape", "texture", "residual", "spectrum"])
def test_cues_give_as_many_finite_numbers_for_any_face(name: str) -> None:
    cue = cues[name](None)
    first, second = cue.features(seen(0), seen(1)), cue.features(seen(2), seen(3))
    assert first.shape == second.shape
    assert first.ndim == 1
    assert np.isfinite(first).all()
    assert first.dtype == np.float32


@pytest.mark.parametrize("name", ["embedding", "likeness", "shape"])
def test_differential_cues_need_a_live_capture(name: str) -> None:
    with pytest.raises(ValueError, match="needs a live capture"):
        cues[name](None).features(seen(0), None)


def test_a_face_has_no_difference_to_itself() -> None:
    one = seen(0)
    assert cues["shape"](None).features(one, one) == pytest.approx(np.zeros(69), abs=1e-5)
    assert cues["likeness"](None).features(one, one) == pytest.approx([1, 1])


def test_the_shape_cue_does_not_see_turn_size_and_place() -> None:
    one = seen(0)
    turned = one.points @ np.array([[0, 2], [-2, 0]]) + [40, -7]
    assert cues["shape"](None).features(one, dataclasses.replace(one, points=turned)) == pytest.approx(
        np.zeros(69), abs=1e-4
    )


def test_the_encoder_cue_asks_for_its_network() -> None:
    with pytest.raises(UsageError, match="--encoder"):
        cues["encoder"](None)


def samples(count: int = 60) -> Samples:
    chance = np.random.default_rng(1)
    attacks = np.arange(count) % 2 == 1
    features = (chance.normal(size=(count, 2)) + 4 * attacks[:, None]).astype(np.float32)
    items = tuple(Item(f"{i}.jpg", "morph" if a else "bona-fide", "train", str(i // 4)) for i, a in enumerate(attacks))
    return Samples(features, items, ("",) * count)


def test_a_trained_detector_survives_its_file() -> None:
    trained = train("likeness", cues["likeness"](None), samples(), {"data": "drawn", "date": "", "command": ""})
    again = Trained.from_json(trained.to_json(), "x")
    assert again.threshold == trained.threshold
    np.testing.assert_allclose(again.linear.weights, trained.linear.weights, rtol=1e-6)
    assert again.facts["trained_on"] == {"bona_fide": 30, "attacks": 30, "people": 15}
    assert again.facts["held_out"]["bscer"]["errors"] <= 1  # a twentieth of 30


def test_a_file_that_is_no_detector_is_refused() -> None:
    with pytest.raises(StoreCorruptError, match="no trained detector"):
        Trained.from_json("{}", "x.json")


def test_material_of_another_kind_trains_nothing() -> None:
    untouched = samples().where([item.kind == "bona-fide" for item in samples().items])
    with pytest.raises(UsageError, match="no training samples for 'likeness'"):
        train("likeness", cues["likeness"](None), untouched, {})


def test_unknown_detectors_are_named_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="no trained detector named 'nobody'"):
        find_trained("nobody")
    with pytest.raises(NotFoundError, match="no such file"):
        find_trained("nobody.json")


def test_built_in_detectors_can_be_read_and_say_what_they_rest_on() -> None:
    for name in built_in():
        trained = find_trained(name)
        assert trained.cue == name
        assert cues[name](None).attack == trained.attack
        assert trained.facts["measured"]["macer"]["trials"] > 0
        assert "CC BY 4.0" in trained.facts["data"]


def test_learning_and_testing_samples_share_nobody_and_learning_sees_no_counter_attack() -> None:
    rows = [("train", "none"), ("train", "low-pass"), ("test", "none"), ("test", "low-pass")]
    items = tuple(Item(f"{i}", "made", part, str(i), remover=remover) for i, (part, remover) in enumerate(rows))
    both = Samples(np.arange(4, dtype=np.float32)[:, None], items, ("",) * 4)
    assert both.learnt.features.ravel().tolist() == [0]
    assert both.tested.features.ravel().tolist() == [2, 3]


def test_a_finished_material_can_be_read_again(tmp_path: Path) -> None:
    items = [
        Item("a.jpg", "morph", "test", "1", "2", "whole", "q75", cosine=0.25),
        Item("b.jpg", "bona-fide", "train", "3"),
    ]
    begin(tmp_path, {"seed": 0})
    assert missing(tmp_path, items) == items
    for item in items:
        (tmp_path / PICTURES / item.file).write_bytes(item.file.encode())
    assert missing(tmp_path, items) == []
    done = finish(tmp_path, items)
    asked, found = read_material(tmp_path)
    assert asked == {"seed": 0}
    assert found == done
    assert found[0].people == {"1", "2"}
    assert len(found[0].sha256) == 64


def test_a_folder_made_otherwise_is_left_alone(tmp_path: Path) -> None:
    begin(tmp_path, {"seed": 0})
    begin(tmp_path, {"seed": 0})
    with pytest.raises(ConflictError, match="other settings"):
        begin(tmp_path, {"seed": 1})


def test_unfinished_and_damaged_materials_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="mien morph make"):
        read_material(tmp_path)
    (tmp_path / "manifest.csv").write_text("file,what\na,b\n")
    with pytest.raises(StoreCorruptError, match="damaged"):
        read_material(tmp_path)


def test_settings_name_what_is_known() -> None:
    with pytest.raises(UsageError, match="--splice takes whole, feather, poisson"):
        Morphs(splices=("hole",))
    with pytest.raises(UsageError, match="--after takes"):
        Morphs(afters=())
    with pytest.raises(UsageError, match="alpha"):
        Morphs(alpha=1.0)
    with pytest.raises(UsageError, match="--remover takes"):
        Fakes(removers=("soap",))


def test_a_list_that_names_files_elsewhere_is_refused(tmp_path: Path) -> None:
    begin(tmp_path, {})
    (tmp_path / PICTURES / "a.jpg").write_bytes(b"a")
    finish(tmp_path, [Item("a.jpg", "morph", "test", "O'Neill, A", "2")])
    assert read_material(tmp_path)[1][0].first == "O'Neill, A"
    text = (tmp_path / "manifest.csv").read_text()
    (tmp_path / "manifest.csv").write_text(text.replace("a.jpg", "../a.jpg"))
    with pytest.raises(StoreCorruptError, match="no name of a picture"):
        read_material(tmp_path)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(StoreError, match="name a folder that can be written"):
        begin(tmp_path / "out", {})
    with pytest.raises(StoreError, match="name a folder that can be written"):
        write_whole(tmp_path / "out" / "a.json", b"")
