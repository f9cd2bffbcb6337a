"""Rounds of cleaning, the lists they leave, and the command."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.cli.main import run as command  # noqa: E402
from mien.errors import ConflictError, NotFoundError, StoreCorruptError, UsageError  # noqa: E402
from mien.train.clean import Cleaned, Merge, Reason  # noqa: E402
from mien.train.clean.rounds import Plan, clean  # noqa: E402
from mien.train.clean.vectors import read_network  # noqa: E402
from mien.train.data import FaceData, open_data  # noqa: E402
from mien.train.data.sources.relabelled import write_labels  # noqa: E402
from mien.train.recipe import read_recipe  # noqa: E402
from training_networks import carry_out  # noqa: E402
from training_toys import draw_people, write_toy_recipe  # noqa: E402

PLAIN = ("model=plain", "model.dimension=8", "validate.pairs=", "validate.root=")


@pytest.fixture
def faces(tmp_path: Path) -> str:
    return f"folder:{draw_people(tmp_path / 'faces', range(6), 4)}"


def silent(*_: object) -> None:
    return None


def mean_colour(crops: np.ndarray) -> np.ndarray:
    """A network that sees little: (b, 48) float32 unit rows."""
    small = crops.reshape(len(crops), 4, 28, 4, 28, 3).mean((2, 4)).reshape(len(crops), -1) - 127.5
    return (small / np.linalg.norm(small, axis=1, keepdims=True)).astype(np.float32)


def method(vectors: np.ndarray, labels: np.ndarray) -> Cleaned:
    """Drops the first, moves the second, joins person 5 with 4."""
    now, reasons = np.where(labels == 5, 4, labels), np.full(len(labels), Reason.KEPT, np.int8)
    now[0], reasons[0] = -1, Reason.OUTLIER
    now[1], reasons[1] = 3, Reason.MOVED
    assert vectors.shape == (24, 48)
    return Cleaned(now, reasons, (Merge(5, 4, 0.875),), {"link": 0.5})


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def who(data: FaceData) -> list[tuple[str, str]]:
    return [(name, data.people[label]) for name, label in zip(data.names, data.labels.tolist(), strict=True)]


def test_lists_say_what_became_of_every_picture(tmp_path: Path, faces: str) -> None:
    data, out = open_data(faces), tmp_path / "out"
    clean(Plan(faces, out, method, command="typed"), data, mean_colour, progress=silent, say=silent)
    names = list(data.names)
    assert read(out / "dropped.csv") == [["row", "name", "person", "reason"], ["0", names[0], "person000", "outlier"]]
    assert read(out / "changed.csv") == [["row", "name", "person", "became"], ["1", names[1], "person000", "person003"]]
    assert read(out / "merged.csv") == [["person", "into", "cosine"], ["person005", "person004", "0.8750"]]
    facts = json.loads((out / "cleaning.json").read_text())
    assert facts["command"] == "typed"
    assert facts["rounds"] == [
        {"pictures": {"kept": 22, "moved": 1, "outlier": 1}, "people": 5, "merged": 1, "levels": {"link": 0.5}}
    ]


def test_the_result_opens_as_data_with_the_new_labels(tmp_path: Path, faces: str) -> None:
    data, out = open_data(faces), tmp_path / "out"
    clean(Plan(faces, out, method), data, mean_colour, progress=silent, say=silent)
    cleaned = open_data(out)
    assert len(cleaned.people) == 5
    expected = [(name, "person003" if row == 0 else person) for row, (name, person) in enumerate(who(data)[1:])]
    assert who(cleaned) == [(name, "person004" if person == "person005" else person) for name, person in expected]
    np.testing.assert_array_equal(cleaned.read(0), data.read(1))


def test_vectors_of_people_do_not_stay(tmp_path: Path, faces: str) -> None:
    out = tmp_path / "out"
    clean(Plan(faces, out, method), open_data(faces), mean_colour, progress=silent, say=silent)
    assert {path.name for path in out.iterdir()} == {
        *("labels.csv", "labels.json", "dropped.csv", "changed.csv", "merged.csv", "cleaning.json"),
    }


def test_a_second_round_sees_with_a_network_of_the_first_ones_labels(tmp_path: Path) -> None:
    recipe = read_recipe(write_toy_recipe(tmp_path), PLAIN)
    data, out, seen = open_data(recipe.data.root), tmp_path / "out", []

    def watched(vectors: np.ndarray, labels: np.ndarray) -> Cleaned:
        seen.append((vectors.shape, labels.tolist()))
        reasons = np.full(len(labels), Reason.KEPT, np.int8)
        reasons[:2] = Reason.OUTLIER
        return Cleaned(np.where(reasons == Reason.KEPT, labels, -1), reasons)

    plan = Plan(recipe.data.root, out, watched, rounds=2, recipe=recipe)
    done = clean(plan, data, mean_colour, progress=silent, say=silent)
    assert len(done) == 2
    assert seen == [((24, 48), data.labels.tolist()), ((24, 8), data.labels.tolist())]
    (run,) = (out / "runs").iterdir()
    assert json.loads((run / "manifest.json").read_text())["data"]["pictures"] == 22
    assert len(open_data(out / "round-1")) == 22


def test_a_run_embeds_as_its_network(tmp_path: Path) -> None:
    outcome = carry_out(write_toy_recipe(tmp_path), *PLAIN)
    assert outcome is not None
    vectors = read_network(str(outcome.folder))(open_data(f"folder:{tmp_path / 'faces'}").crops(np.arange(5)))
    assert vectors.shape == (5, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_refusals(tmp_path: Path, faces: str) -> None:
    data, out = open_data(faces), tmp_path / "out"
    with pytest.raises(UsageError, match="--retrain RECIPE trains one"):
        Plan(faces, out, method, rounds=2)
    with pytest.raises(UsageError, match="one round or more, got 0"):
        Plan(faces, out, method, rounds=0)
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(ConflictError, match="out holds something already"):
        clean(Plan(faces, out, method), data, mean_colour, progress=silent, say=silent)
    with pytest.raises(NotFoundError, match="no run there"):
        read_network(str(tmp_path))


@pytest.fixture
def listed(tmp_path: Path, faces: str) -> Path:
    data = open_data(faces)
    write_labels(tmp_path / "list", faces, data, np.array([3, 1]), np.array([2, -1]), why="test")
    return tmp_path / "list"


def test_labels_come_back_as_written(listed: Path, faces: str) -> None:
    data, source = open_data(listed), open_data(faces)
    assert data.labels.tolist() == [0, -1]
    assert data.people == ("person002",)
    assert list(data.names) == [source.names[3], source.names[1]]
    assert data.facts["why"] == "test"


def other_faces(listed: Path) -> None:
    draw_people(listed.parent / "faces", range(7, 8), 1)


def no_list(listed: Path) -> None:
    (listed / "labels.csv").unlink()


def other_columns(listed: Path) -> None:
    (listed / "labels.csv").write_text("a,b\n1,2\n")


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (other_faces, ConflictError, "no longer holds the faces that were labelled"),
        (no_list, NotFoundError, "holds no labels"),
        (other_columns, StoreCorruptError, "no list of labels"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(
    listed: Path, harm: Callable[[Path], None], error: type[Exception], message: str
) -> None:
    harm(listed)
    with pytest.raises(error, match=message):
        open_data(f"relabelled:{listed}")


def test_the_command_cleans_with_a_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = carry_out(write_toy_recipe(tmp_path), *PLAIN)
    assert outcome is not None
    faces, out = f"folder:{tmp_path / 'faces'}", tmp_path / "out"
    assert command(["clean", faces, str(out), "--embedder", str(outcome.folder), "--by", "bootstrap", "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert sum(answer["rounds"][0]["pictures"].values()) == 24
    assert len(open_data(out)) == 24


def test_the_command_refuses_what_it_does_not_know(
    tmp_path: Path, faces: str, capfd: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert command(["clean", faces, out, "--by", "guess"]) == 2
    assert "--by takes cast or bootstrap, not 'guess'" in capfd.readouterr().err
    assert command(["clean", faces, out, "--set", "a.b=1"]) == 2
    assert "give --retrain RECIPE with it" in capfd.readouterr().err
    assert command(["clean", faces, out, "--rounds", "2"]) == 2
    assert "--retrain RECIPE trains one" in capfd.readouterr().err
