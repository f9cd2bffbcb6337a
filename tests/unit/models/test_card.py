from __future__ import annotations

import base64
import math
import re
from pathlib import Path

import numpy as np
import pytest
from model_toys import MakeCard

from mien.errors import ModelInvalidError, NotFoundError, UsageError
from mien.models import Store, cards, describe, find_card, read_card
from mien.models.catalogue import card_folders
from mien.types.score import ScoreHistogram

BUILT_IN = {"yunet", "centerface", "sface", "mobileface", "fused", "samples"} | {
    *("landmarks68", "pose", "eyes", "liveness", "expression", "age", "sex"),
    *("quality", "pad", "pose3d", "pose5", "landmarks68-3d"),
}


def broken(make_card: MakeCard, old: str, new: str) -> str:
    path = make_card("file:/x").path
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ModelInvalidError) as caught:
        read_card(path)
    assert str(path) in str(caught.value)
    assert caught.value.code == "card-invalid"
    return str(caught.value)


MEASURED = """[operating]
data = "d"
date = "2026-01-01"
command = "c"
mated = 1
nonmated = 9
subjects = 3
points = [[0.1, 3, 0.1, 0.4, 0]]
[operating.histogram]
"""


def test_a_histogram_is_read_as_it_was_written(make_card: MakeCard) -> None:
    path = make_card("file:/x").path
    bins = "start = -0.1\nstep = 0.1\nmated = [0, 1]\nnonmated = [7, 2]\n[input]"
    path.write_text(path.read_text().replace("[input]", MEASURED + bins))
    table = read_card(path).operating
    assert table is not None
    assert table.histogram == ScoreHistogram(-0.1, 0.1, (0, 1), (7, 2))


@pytest.mark.parametrize("name", ["sface", "mobileface", "fused"])
def test_every_built_in_embedder_says_how_its_scores_are_spread(name: str) -> None:
    table = find_card(name).operating
    assert table is not None
    assert table.histogram is not None
    counts, point = table.histogram, table.points[0]
    above = sum(counts.nonmated[math.ceil((point.threshold - counts.start) / counts.step) :])
    assert above <= point.errors <= above + max(counts.nonmated)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('summary = "A toy."', "", "'summary' is missing"),
        ('summary = "A toy."', 'summary = "A toy."\nsumary = "x"', "'sumary' is not a key"),
        ('summary = "A toy."', "summary = 3", "'summary' must be str"),
        ('kind = "embedder"', 'kind = "embeder"', "'kind' must be one of"),
        ('family = "toy"', "", "'family' is missing"),
        ('name = "toy"', 'name = "other"', "'name' must be the name of the file"),
        ('name = "toy"', 'name = "../toy"', "'name' must match"),
        ("dimension = 4", "", "'dimension' must be"),
        ("dimension = 4", "dimension = true", "'dimension' must be int"),
        ("dimension = 4", 'dimension = 4\ngolden = "&&&"', "'golden' must be base64"),
        ("dimension = 4", 'dimension = 4\ngolden = "AH4="', "'golden' must hold finite"),
        ('code = "MIT"', "", "'licences.code' is missing"),
        ('code = "MIT"', 'code = "MIT"\ncolour = "x"', "'licences.colour' is not a key"),
        ('name = "toy.onnx"', 'name = "../toy.onnx"', "'files[0].name' must match"),
        ("bytes = 10240", "bytes = 0", "'files[0].bytes' must be the length"),
        ("['file:/x']", "['ftp://x/y']", "'files[0].sources' has a source of no known form"),
        ("['file:/x']", "[3]", "'files[0].sources' has an item of the wrong type"),
        ("size = [112, 112]", "size = [112]", "'input.size' must be"),
        ("mean = [0, 0, 0]", "mean = [0]", "'input.mean' must have three"),
        ('colour = "RGB"', 'colour = "GBR"', "'input.colour' must be one of"),
        ("scale = 1.0", "scale = 0.0", "'input.scale' must be above zero"),
        ("[licences]", "[licences", "not a TOML file"),
        ("[input]", "[operating]\ndata = 'x'\n[input]", "'operating.date' is missing"),
        ("[input]", "[operating]\nfoo = 'x'\n[input]", "'operating.foo' is not a key"),
        ("[input]", MEASURED + "start = 0.1\nstep = 0\nmated = [1]\nnonmated = [9]\n[input]", "step must be above 0"),
        ("[input]", MEASURED + "start = 0.1\nstep = 0.1\nmated = [1]\nnonmated = [9, 0]\n[input]", "one count a bin"),
        ("[input]", MEASURED + "start = 0.1\nstep = 0.1\nmated = [-1]\nnonmated = [9]\n[input]", "must be counts"),
        ("[input]", MEASURED + "start = 0.1\nstep = 0.1\nmated = [1]\nnonmated = [8]\n[input]", "every comparison"),
        ("[input]", MEASURED + "start = 0.1\nstep = 0.1\nmated = [1]\n[input]", "'operating.histogram' must have"),
        ("[input]", MEASURED + "bins = 3\nstep = 0.1\nmated = [1]\nnonmated = [9]\n[input]", "'operating.histogram'"),
    ],
)
def test_a_card_with_a_wrong_key_is_refused_naming_file_and_key(
    make_card: MakeCard, old: str, new: str, key: str
) -> None:
    assert key in broken(make_card, old, new)


def test_a_model_needs_exactly_one_graph(make_card: MakeCard) -> None:
    second = '[[files]]\nname = "b"\nsha256 = "' + "0" * 64 + '"\nbytes = 1\nsources = []\n[input]'
    assert "'files' must name the one graph" in broken(make_card, "[input]", second)


def test_fused_weights_must_sum_to_one(make_card: MakeCard) -> None:
    text = '[fuse]\ncards = ["a", "b"]\nweights = [0.5, 0.6]\n[input]'
    assert "'fuse.weights'" in broken(make_card, "[input]", text)


def test_every_built_in_card_reads() -> None:
    assert {card.name for card in cards()} == BUILT_IN


def test_a_fused_card_has_the_dimensions_of_its_parts() -> None:
    fused = find_card("fused", "embedder")
    assert fused.fuse is not None
    assert fused.dimension == sum(find_card(name).dimension or 0 for name in fused.fuse.cards)


@pytest.mark.parametrize("name", ["yunet", "centerface", "sface", "mobileface"])
def test_every_built_in_network_has_a_golden_vector(name: str) -> None:
    golden = find_card(name).golden
    assert golden is not None
    assert np.linalg.norm(golden) > 0.9


def test_golden_is_float16_in_base64(make_card: MakeCard) -> None:
    text = base64.b64encode(np.array([1, -0.5], "<f2").tobytes()).decode()
    card = make_card("file:/x", more=f'golden = "{text}"\n')
    assert card.golden is not None
    assert card.golden.tolist() == [1.0, -0.5]


def test_a_card_in_the_users_folder_is_found_by_name_and_wins(make_card: MakeCard) -> None:
    mine = make_card("file:/x", name="sface")
    assert find_card("sface").path == mine.path
    assert card_folders()[0] == mine.path.parent


def test_a_path_works_wherever_a_name_does(make_card: MakeCard) -> None:
    mine = make_card("file:/x")
    assert find_card(str(mine.path)) == mine


def test_a_path_to_nothing_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.toml: .*no model card"):
        find_card(str(tmp_path / "none.toml"))


def test_an_unknown_name_is_answered_with_the_near_ones_of_that_kind() -> None:
    with pytest.raises(NotFoundError, match=re.escape("did you mean 'sface'?")) as caught:
        find_card("sfce", "embedder")
    assert "yunet" not in str(caught.value)


def test_a_card_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="'yunet' is a card of kind detector, embedder was asked for"):
        find_card("yunet", "embedder")


def test_a_broken_card_does_not_stand_in_the_way_of_another(make_card: MakeCard) -> None:
    make_card("file:/x").path.write_text("nonsense")
    assert find_card("sface").name == "sface"
    with pytest.raises(NotFoundError, match="known: "):
        find_card("nobody")


def test_a_description_shows_all_three_licences_and_the_state_of_the_files() -> None:
    shown = describe(find_card("sface"), Store())
    assert shown["licence"]["code"] == shown["licence"]["weights"] == "Apache-2.0"
    assert "not stated by the publisher" in shown["licence"]["training_data"]
    assert shown["policy"] == "permissive"
    assert shown["files"][0]["state"] == "missing"


def test_without_a_home_the_built_in_cards_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert {card.name for card in cards()} == BUILT_IN
