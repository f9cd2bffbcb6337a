"""Rates by group, against loops over all pairs and ratios worked by hand."""

from itertools import combinations

import numpy as np
import pytest

from mien.evaluate.differential import findings
from mien.evaluate.metrics.differential import (
    GroupRate,
    differential,
    gini,
    spread,
    summarise,
    worst_to_best,
    worst_to_mean,
)

RANDOM = np.random.default_rng(5)
THRESHOLD = 0.35


def drawn(people: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two pictures a person; group a lies close together, b and c do not."""
    group = np.repeat(np.arange(people) % 3, 2)
    near = np.array([1.2, 0.5, 0.5])[group][:, None] * np.eye(12)[group]
    rows = (
        near + np.repeat(RANDOM.normal(size=(people, 12)), 2, axis=0) * 0.4 + RANDOM.normal(size=(2 * people, 12)) * 0.2
    )
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors, np.repeat(np.arange(people), 2), np.array(["a", "b", "c"])[group]


VECTORS, PEOPLE, GROUPS = drawn()


def counted(failed: np.ndarray) -> dict[tuple[str, ...], list[int]]:
    cells: dict[tuple[str, ...], list[int]] = {}
    scores = VECTORS @ VECTORS.T
    for i, j in combinations(range(len(PEOPLE)), 2):
        lost, match = failed[i] or failed[j], scores[i, j] >= THRESHOLD
        if PEOPLE[i] == PEOPLE[j]:
            cell, wrong = ("fnmr", GROUPS[i]), lost or not match
        elif lost:
            continue
        else:
            cell, wrong = ("fmr", *sorted((GROUPS[i], GROUPS[j]))), match
        row = cells.setdefault(cell, [0, 0])
        row[0] += bool(wrong)
        row[1] += 1
    return cells


@pytest.mark.parametrize("lost", [(), (0, 7, 100)])
def test_counts_within_and_across_groups_are_those_of_a_loop(lost):
    failed = np.isin(np.arange(len(PEOPLE)), lost)
    found = differential(VECTORS, PEOPLE, GROUPS, THRESHOLD, failed=failed, resamples=20)
    cells = counted(failed)
    for i, name in enumerate(found.groups):
        assert [found.fmr[i].errors, found.fmr[i].trials] == cells["fmr", name, name]
        assert [found.fnmr[i].errors, found.fnmr[i].trials] == cells["fnmr", name]
    for (i, j), rate in found.cross.items():
        assert [rate.errors, rate.trials] == cells["fmr", found.groups[i], found.groups[j]]


def test_a_failure_never_improves_a_rate():
    failed = np.isin(np.arange(len(PEOPLE)), (0, 1, 50))
    whole = differential(VECTORS, PEOPLE, GROUPS, THRESHOLD, resamples=2)
    less = differential(VECTORS, PEOPLE, GROUPS, THRESHOLD, failed=failed, resamples=2)
    assert all(b.errors >= a.errors and b.trials == a.trials for a, b in zip(whole.fnmr, less.fnmr, strict=True))


def test_the_interval_is_the_bootstrap_over_people_done_by_hand():
    found = differential(VECTORS, PEOPLE, GROUPS, THRESHOLD, resamples=50)
    own = np.triu((PEOPLE[:, None] != PEOPLE[None, :]) & (GROUPS[:, None] == "a") & (GROUPS[None, :] == "a"), 1)
    match = own & (VECTORS @ VECTORS.T >= THRESHOLD)
    random, rates = np.random.default_rng(19795), []
    for _ in range(50):
        weight = np.bincount(random.integers(0, 120, 120), minlength=120)[PEOPLE]
        rates.append((weight @ match @ weight) / (weight @ own @ weight))
    assert (found.fmr[0].low, found.fmr[0].high) == pytest.approx(np.percentile(rates, [2.5, 97.5]))


def test_figures_over_groups_by_hand():
    rates = np.array([0.08, 0.02, 0.01])
    assert worst_to_best(rates) == pytest.approx(8)
    assert worst_to_mean(rates) == pytest.approx(0.08 / (0.08 * 0.02 * 0.01) ** (1 / 3))
    assert spread(rates) == pytest.approx(0.07)
    # sum over ordered pairs 2 (0.06 + 0.07 + 0.01) = 0.28; 3/2 * 0.28 / (2 * 9 * 0.11/3) = 0.6364
    assert gini(rates) == pytest.approx(0.28 / (18 * 0.11 / 3) * 1.5)
    assert gini(np.array([0.0, 0.0, 0.3])) == pytest.approx(1)
    assert gini(np.array([0.2, 0.2])) == 0


def test_summaries_of_both_errors_by_hand():
    fmr = (GroupRate(400, 10_000, 0, 1), GroupRate(100, 10_000, 0, 1))
    fnmr = (GroupRate(30, 1000, 0, 1), GroupRate(90, 1000, 0, 1))
    found, alpha = summarise(fmr, fnmr, [np.array([0.04, 0.01])], [np.array([0.03, 0.09])])
    assert alpha == 0.5
    assert found["fdr"].value == pytest.approx(1 - 0.5 * 0.03 - 0.5 * 0.06)
    assert found["inequity ratio"].value == pytest.approx((4 * 3) ** 0.5)
    # two groups: G = 2 |x - y| / (2 (x + y)) * 2/2 = |x - y| / (x + y): 0.6 and 0.5
    assert found["garbe"].value == pytest.approx(0.5 * 0.6 + 0.5 * 0.5)


def test_groups_with_fewer_than_thirty_errors_enter_no_figure():
    fmr = (GroupRate(400, 10_000, 0, 1), GroupRate(100, 10_000, 0, 1), GroupRate(29, 10_000, 0, 1))
    none = (GroupRate(0, 0, None, None),) * 3
    found, alpha = summarise(fmr, none, [np.array([0.04, 0.01, 0.0029])], [np.full(3, np.nan)])
    assert alpha == 1
    assert found["fmr worst to best"].value == pytest.approx(4)
    assert found["fnmr worst to best"].to_dict() == {
        "value": None,
        "low": None,
        "high": None,
        "reason": "fewer than two groups have 30 false non-matches",
    }
    assert fmr[2].to_dict()["note"] == "too few errors"


def test_everybody_in_one_group_has_no_ratio():
    found = differential(VECTORS, PEOPLE, np.full(len(PEOPLE), "all"), THRESHOLD, resamples=5)
    assert found.summaries["fmr worst to best"].value is None
    assert found.summaries["same to different group"].value is None


def test_the_findings_name_the_worst_group_and_what_is_not_known():
    one_each = slice(None, None, 2)
    found = differential(VECTORS[one_each], PEOPLE[one_each], GROUPS[one_each], THRESHOLD, resamples=20)
    text = " ".join(findings("letter", found))
    assert "most often among a" in text
    assert "nothing is known of people who are not recognised" in text
