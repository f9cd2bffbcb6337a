from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import ConflictError, UsageError
from mien.evaluate.heads import Observed
from mien.evaluate.metrics.presentation import errors_at
from mien.evaluate.presentation import (
    LIVE,
    RETAKEN,
    UNTOUCHED,
    Looked,
    Part,
    Scores,
    cross_species,
    judge,
    named,
    read_part,
    require_apart,
)
from mien.evaluate.presentation_report import Measured, presentation_report
from mien.evaluate.report import render_report, report_json
from mien.presentation.fit import Shown, fit
from mien.presentation.manifest import Made, write_manifest

LABELS = ("bona-fide", "print", "replay")


def made(species: str, maker: int, person: str) -> Made:
    return Made(f"{species}/{person}.jpg", species, maker, 1, person, f"{person}_1.jpg", "0" * 64, "1" * 64)


def folder(tmp_path: Path, rows: list[Made]) -> Path:
    write_manifest(tmp_path, rows)
    return tmp_path


def test_a_part_joins_the_material_with_the_photographs_of_its_people(tmp_path: Path) -> None:
    rows = [made("print", 1, "001"), made(LIVE, 1, "001"), made("replay", 2, "002")]
    photographs = [Path(name) for name in ("001_03.jpg", "001_08.jpg", "002_03.jpg", "003_03.jpg")]
    part = read_part("test", folder(tmp_path, rows), photographs)
    assert part.people == {"001", "002"}
    assert part.makers == {1, 2}
    assert [p.name for p in part.bona_fide[UNTOUCHED]] == ["001_03.jpg", "001_08.jpg", "002_03.jpg"]
    assert part.bona_fide[RETAKEN] == (tmp_path / "bona-fide/001.jpg",)
    assert set(part.attacks) == {"print", "replay"}


def test_a_part_without_attacks_or_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no attacks"):
        read_part("test", folder(tmp_path, [made(LIVE, 1, "001")]), [Path("001_03.jpg")])
    with pytest.raises(UsageError, match="no bona fide"):
        read_part("test", folder(tmp_path, [made("print", 1, "001")]), [Path("002_03.jpg")])


def part(name: str, people: str, makers: int, paths: dict[str, list[str]] | None = None) -> Part:
    given = {key: tuple(map(Path, each)) for key, each in (paths or {}).items()}
    live = {UNTOUCHED: given.pop(LIVE, ())}
    return Part(name, live, given, frozenset(people.split()), frozenset([makers]))


def test_parts_may_share_neither_people_nor_makers() -> None:
    require_apart([part("one", "001 002", 1), part("two", "003", 2)])
    with pytest.raises(ConflictError, match="person 002"):
        require_apart([part("one", "001 002", 1), part("two", "002", 2)])
    with pytest.raises(ConflictError, match="maker 1"):
        require_apart([part("one", "001", 1), part("two", "002", 1)])


def scores(live: list[float], **attacks: list[float]) -> Scores:
    return Scores({UNTOUCHED: np.array(live, "f4")}, {name: np.array(each, "f4") for name, each in attacks.items()})


def test_the_threshold_comes_from_one_part_and_the_errors_from_another() -> None:
    verdict = judge(
        "x",
        scores([0.8, 0.9], print=[0.1, 0.2]),
        scores([0.4, 0.6, 0.7, 0.9], print=[0.6, 0.1], replay=[0.2]),
        {"web": np.array([0.3, 0.9], "f4")},
    )
    assert verdict.errors.threshold == pytest.approx(0.5)
    assert (verdict.errors.apcer["print"].errors, verdict.errors.apcer["replay"].errors) == (1, 0)
    assert {name: (r.errors, r.trials) for name, r in verdict.bona_fide.items()} == {UNTOUCHED: (1, 4), "web": (1, 2)}
    assert verdict.errors.acer == pytest.approx((0.5 + 0.25) / 2)
    assert verdict.limited["print"][0.1].errors == 2  # above 0.6, the highest print
    assert verdict.limited["replay"][0.1].errors == 0


def test_a_threshold_of_the_card_is_taken_as_it_is() -> None:
    verdict = judge("x", scores([0.9], print=[0.1]), scores([0.9], print=[0.1]), {}, fixed=0.95)
    assert verdict.errors.bpcer.errors == 1


def test_pictures_without_a_face_have_no_score_and_are_counted() -> None:
    paths = [Path("a"), Path("b"), Path("c")]
    values = np.array([[0.1], [np.nan], [0.3]], np.float32)
    looked = Looked(paths, Observed(np.array([True, False, True]), {"h": values}, {}, ()))
    assert looked.values([Path("c"), Path("b")], "h")[:, 0].tolist() == pytest.approx([0.3])
    assert (looked.found(paths).errors, looked.found(paths).trials) == (1, 3)


def drawn(count: int, middle: tuple[float, float], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(middle, 0.3, (count, 2)).astype(np.float32)


def test_the_regression_tells_apart_what_lies_apart_and_weighs_species_alike() -> None:
    # 200 replays and 10 prints: both must be told.
    values = np.concatenate([drawn(50, (0, 0), 1), drawn(10, (3, 0), 2), drawn(200, (0, 3), 3)])
    shown = Shown(values, ("bona-fide",) * 50 + ("print",) * 10 + ("replay",) * 200)
    table = fit(shown)
    assert table.labels == LABELS
    told = table.probabilities(values).argmax(axis=1)
    assert [(told[:50] == 0).mean(), (told[50:60] == 1).mean(), (told[60:] == 2).mean()] == [1, 1, 1]


def test_the_slope_of_the_fit_is_that_of_its_loss() -> None:
    from scipy.optimize import check_grad

    from mien.presentation.fit import _loss

    x, truth, weight = drawn(12, (0, 1), 4), np.arange(12) % 3, np.full(12, 1 / 12)
    flat = np.random.default_rng(0).normal(size=9)
    arguments = (x.astype(np.float64), truth, weight, (3, 3))
    error = check_grad(lambda f: _loss(f, *arguments)[0], lambda f: _loss(f, *arguments)[1], flat)
    assert error < 1e-6


def test_a_species_that_looks_like_another_is_caught_without_having_been_seen() -> None:
    groups = {LIVE: (0, 0), "print": (3, 0), "replay": (3, 0.5)}
    paths: list[Path] = []
    rows, parts = [], []
    for number, name in enumerate(("train", "development", "test")):
        own: dict[str, list[str]] = {}
        for species, middle in groups.items():
            own[species] = [f"{name}/{species}/{i}" for i in range(20)]
            paths += map(Path, own[species])
            rows.append(drawn(20, middle, 10 * number + len(own)))
        parts.append(part(name, name, number, own))
    values = np.concatenate(rows)
    column = np.concatenate([np.full((len(values), 3), 1 / 3, np.float32), values], axis=1)
    looked = Looked(paths, Observed(np.ones(len(paths), np.bool_), {"pad": column}, {}, ()))
    verdicts = cross_species(looked, "pad", 3, *parts, {})
    assert [verdict.name for verdict in verdicts] == ["pad without print", "pad without replay"]
    assert [list(verdict.errors.apcer) for verdict in verdicts] == [["print"], ["replay"]]
    assert all(verdict.errors.acer is not None and verdict.errors.acer < 0.05 for verdict in verdicts)


def test_labels_are_counted_by_what_was_shown() -> None:
    values = np.array([[0.2, 0.7, 0.1, 9], [0.6, 0.3, 0.1, 9], [0.1, 0.8, 0.1, 9]], np.float32)
    assert named(values, "print", LABELS).tolist() == [1, 2, 0]


def test_the_report_holds_every_rate_with_its_counts() -> None:
    one = judge("pad", scores([0.9], print=[0.1]), scores([0.9, 0.2], print=[0.1, 0.1, 0.9]), {})
    measured = Measured([one], [], [part("test", "001", 3)], {}, {"print": [1, 2, 0]}, LABELS)
    report = presentation_report(measured, "london", "mien evaluate pad")
    page = render_report(report)
    assert "1 of 3" in page
    assert "made from photographs" in page
    assert '"acer"' in report_json(report)
    assert errors_at(0.5, np.array([0.9, 0.2]), {}).bpcer == one.errors.bpcer
