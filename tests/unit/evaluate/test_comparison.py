"""Two systems on the same comparisons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from mien.errors import UsageError
from mien.evaluate.comparison import compare_systems, comparison_report
from mien.evaluate.metrics.paired import Weighted, mcnemar, resample, same_order
from mien.evaluate.metrics.verification import Curve, eer
from mien.evaluate.scores import Scores


def pair_of_systems(better: float, *, people: bool = True, seed: int = 0) -> tuple[Scores, Scores]:
    """The same hard and easy comparisons; the second system tells `better` more of the truth."""
    random = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(40), 2)
    a, b = np.triu_indices(80, 1)
    mated = subjects[a] == subjects[b]
    common = random.normal(0, 1, len(a))
    made = []
    for name, more in (("one", 0.0), ("other", better)):
        score = common + random.normal(0, 0.3, len(a)) + (2.5 + more) * mated
        known = {"a": a, "b": b, "samples": tuple(map(str, range(80))), "subjects": subjects} if people else {}
        made.append(Scores(name, score, mated, np.zeros(len(a), bool), fold=np.arange(len(a)) % 5, **known))
    return made[0], made[1]


@pytest.mark.parametrize("people", [True, False])
def test_a_better_system_is_told_apart_and_an_equal_one_is_not(people: bool) -> None:
    better = compare_systems(*pair_of_systems(2.0, people=people)).to_dict()
    assert {row["figure"] for row in better["differences"]} >= {"EER", "accuracy", "TAR at FMR 0.001"}
    told = {row["figure"]: row["verdict"] for row in better["differences"]}
    assert told["EER"] == told["TAR at FMR 0.001"] == "second is better"
    equal = compare_systems(*pair_of_systems(0.0, people=people)).to_dict()
    assert [row["verdict"] for row in equal["differences"] if row["figure"] == "EER"] == ["not told apart"]
    assert ("people" in better["interval"]) == people


def test_a_system_does_not_differ_from_itself() -> None:
    one, _ = pair_of_systems(0)
    found = compare_systems(one, replace(one, name="again")).to_dict()
    assert all(row["difference"] == row["low"] == row["high"] == 0 for row in found["differences"])
    assert found["mcnemar"] == {"fmr": 1e-3, "first_only": 0, "second_only": 0, "p": 1.0}


def test_the_order_of_comparisons_and_of_their_sides_does_not_matter() -> None:
    one, other = pair_of_systems(1.0)
    rows = np.random.default_rng(1).permutation(len(other))
    assert other.a is not None
    assert other.b is not None
    assert other.fold is not None
    mixed = replace(
        other,
        score=other.score[rows],
        mated=other.mated[rows],
        failed=other.failed[rows],
        fold=other.fold[rows],
        a=79 - other.b[rows],
        b=79 - other.a[rows],
        samples=other.samples[::-1],
        subjects=None,
    )
    assert compare_systems(one, mixed).to_dict() == compare_systems(one, other).to_dict()


def test_different_comparisons_are_refused() -> None:
    one, other = pair_of_systems(0)
    renamed = replace(other, samples=("stranger", *other.samples[1:]))
    shorter = Scores("short", other.score[1:], other.mated[1:], other.failed[1:])
    bare = Scores("bare", other.score, ~other.mated, other.failed)
    plain = Scores("plain", one.score, one.mated, one.failed)
    for first, second in ((one, renamed), (one, shorter), (one, plain), (plain, bare)):
        assert same_order(first, second) is None
        with pytest.raises(UsageError, match="did not make the same comparisons"):
            compare_systems(first, second)


def test_mcnemar_is_a_fair_coin_over_the_discordant_comparisons() -> None:
    first = np.array([True] * 9 + [False] * 2 + [True] * 20)
    second = np.array([False] * 9 + [True] * 2 + [True] * 20)
    found = mcnemar(first, second)
    assert (found.first_only, found.second_only) == (9, 2)
    assert found.p == pytest.approx(2 * binom.cdf(2, 11, 0.5))
    assert mcnemar(first, first).p == 1.0
    with pytest.raises(ValueError, match="same comparisons"):
        mcnemar(first, second[1:])


def test_an_fmr_that_the_data_do_not_support_is_refused() -> None:
    with pytest.raises(UsageError, match="support no FMR below"):
        compare_systems(*pair_of_systems(0), fmr=1e-5)


@pytest.mark.parametrize("people", [True, False])
def test_weights_of_one_give_the_plain_curve_and_resamples_keep_the_numbers(people: bool) -> None:
    one, _ = pair_of_systems(0, people=people)
    curve = Weighted(one).curve(np.ones(len(one)))
    assert curve is not None
    assert eer(curve) == eer(Curve.of(one))
    assert Weighted(one).curve(np.zeros(len(one))) is None
    weights = next(resample(one)[1])
    if not people:
        assert weights[one.mated].sum() == one.mated.sum()


def test_failures_of_one_system_count_against_it() -> None:
    one, other = pair_of_systems(0)
    failed = other.mated & (np.arange(len(other)) % 2 == 0)
    worse = replace(other, failed=failed, score=np.where(failed, -np.inf, other.score))
    (row,) = [row for row in compare_systems(one, worse).differences if row.figure == "EER"]
    assert row.verdict == "first is better"


def test_the_page_names_both_systems() -> None:
    report = comparison_report(compare_systems(*pair_of_systems(1.0)), "mien evaluate compare a b")
    assert report.title == "one and other"
    assert report.sections[0].tables[0].columns == ("figure", "one", "other", "second - first", "verdict")
