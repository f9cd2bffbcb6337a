from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mien.presentation.stacking import REACH, RIDGE, Logistic, Stack, newton


def examples(count: int = 60) -> tuple[list[dict[str, dict[str, float]]], list[bool], list[str]]:
    """One group that tells most, one that tells little."""
    draw = np.random.default_rng(0)
    real = [bool(i % 3 == 0) for i in range(count)]
    rows = [
        {
            "good": {"a": float(draw.normal(2.5 * r, 1)), "b": float(draw.normal())},
            "poor": {"c": float(draw.normal(0.5 * r, 1))},
        }
        for r in real
    ]
    return rows, real, [f"person {i // 4}" for i in range(count)]


def test_weights_are_those_of_another_library() -> None:
    draw = np.random.default_rng(1)
    inputs, kinds = draw.normal(size=(80, 3)), draw.integers(0, 2, 80).astype(float)
    share = draw.uniform(0.5, 2, 80)
    weights, bias = newton(inputs, kinds, share)
    other = LogisticRegression(C=1 / RIDGE, tol=1e-10, max_iter=1000).fit(inputs, kinds, sample_weight=share)
    np.testing.assert_allclose(weights, other.coef_[0], atol=1e-5)
    assert bias == pytest.approx(other.intercept_[0], abs=1e-5)


def test_both_kinds_count_alike_however_many_there_are() -> None:
    rows = [{"a": 1.0}] * 2 + [{"a": -1.0}] * 50
    fitted = Logistic.fit(rows, [True] * 2 + [False] * 50)
    middle = (fitted.odds({"a": 1.0}) + fitted.odds({"a": -1.0})) / 2
    assert abs(middle) < 0.3


def test_what_is_unknown_pulls_nowhere_and_what_is_extreme_has_a_bound() -> None:
    rows, real, _ = examples()
    fitted = Logistic.fit([row["good"] for row in rows], real)
    assert fitted.odds({"a": float("nan"), "b": float("nan")}) == pytest.approx(fitted.bias)
    far = fitted.pulls({"a": 1e9, "b": 0.0})["a"]
    assert far == pytest.approx(REACH * fitted.weights[0])


def test_one_kind_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        Logistic.fit([{"a": 1.0}, {"a": 2.0}], [True, True])


def test_the_stack_trusts_the_group_that_tells_more() -> None:
    stack = Stack.fit(*examples())
    weights = dict(zip(stack.top.names, stack.top.weights, strict=True))
    assert weights["good"] > 2 * abs(weights["poor"])
    assert stack.probability({"good": {"a": 4.0, "b": 0.0}, "poor": {"c": 0.0}}) > 0.8
    assert stack.probability({"good": {"a": -2.0, "b": 0.0}, "poor": {"c": 0.0}}) < 0.2


def test_the_strongest_cue_for_an_answer_is_named_first() -> None:
    stack = Stack.fit(*examples())
    given = {"good": {"a": -3.0, "b": 0.0}, "poor": {"c": 0.0}}
    assert stack.strongest(given, real=False)[0][:2] == ("good", "a")
    assert all(name != "a" for _, name, _ in stack.strongest(given, real=True))
