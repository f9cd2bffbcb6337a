"""Operating tables count what brute force counts."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import expon

from mien.compare import at_fmr
from mien.errors import UsageError
from mien.evaluate.metrics.tables import (
    bootstrap,
    check_fpir,
    compare_all,
    extremal_index,
    fit_tail,
    operating_table,
    table_lines,
)
from mien.types.score import OperatingTable

RANDOM = np.random.default_rng(7)


def drawn(people: int, each: int, dimension: int = 24, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    centres = RANDOM.normal(size=(people, dimension))
    rows = np.repeat(centres, each, axis=0) + spread * RANDOM.normal(size=(people * each, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), np.repeat(np.arange(people), each)


VECTORS, PEOPLE = drawn(120, 2)
MEASURED = compare_all(VECTORS, PEOPLE)
TABLE = operating_table(MEASURED, data="drawn", date="2026-01-01", command="none")


def test_every_row_counts_what_a_loop_over_all_pairs_counts():
    scores = VECTORS @ VECTORS.T
    pairs = list(combinations(range(len(VECTORS)), 2))
    nonmated = [scores[i, j] for i, j in pairs if PEOPLE[i] != PEOPLE[j]]
    mated = [scores[i, j] for i, j in pairs if PEOPLE[i] == PEOPLE[j]]
    assert (TABLE.nonmated, TABLE.mated, TABLE.subjects) == (len(nonmated), len(mated), 120)
    for point in TABLE.points:
        assert point.errors == sum(score >= point.threshold for score in nonmated)
        assert point.misses == sum(score < point.threshold for score in mated)


def test_rows_reach_down_to_the_rule_of_three_and_no_further():
    rates = [point.errors / TABLE.nonmated for point in TABLE.points]
    assert rates == sorted(rates, reverse=True)
    assert TABLE.points[-1].errors == 3
    assert at_fmr(TABLE, 3 / TABLE.nonmated).errors == 3


def test_the_interval_is_the_bootstrap_over_people_done_by_hand():
    threshold = TABLE.points[5].threshold
    scores = VECTORS @ VECTORS.T
    match = np.triu((scores >= threshold) & (PEOPLE[:, None] != PEOPLE[None, :]), 1)
    different = np.triu(PEOPLE[:, None] != PEOPLE[None, :], 1)
    random, rates = np.random.default_rng(19795), []
    for _ in range(1000):
        weight = np.bincount(random.integers(0, 120, 120), minlength=120)[PEOPLE]
        rates.append((weight @ match @ weight) / (weight @ different @ weight))
    low, high = bootstrap(MEASURED, [point.errors for point in TABLE.points])
    assert (low[5], high[5]) == pytest.approx(np.percentile(rates, [2.5, 97.5]))
    assert (TABLE.points[5].low, TABLE.points[5].high) == (low[5], high[5])


def test_the_tail_recovers_the_distribution_it_was_drawn_from():
    top = np.sort(0.3 + expon.rvs(scale=0.03, size=20_000, random_state=1))[::-1]
    _, rate, scale = fit_tail(top, 2_000_000)
    assert rate == 1e-3
    assert scale == pytest.approx(0.03, rel=0.1)


def test_too_few_scores_have_no_tail():
    assert fit_tail(np.linspace(0.5, 0.3, 4000), 20_000) is None


def test_people_who_resemble_nobody_in_particular_clump_little():
    assert 0.7 < extremal_index(MEASURED) <= 1


def test_false_matches_that_all_fall_on_few_probes_clump():
    vectors, people = drawn(200, 1, dimension=64)
    vectors[:10] = vectors[0] + 0.01 * vectors[:10]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert extremal_index(compare_all(vectors, people)) < 0.5


def test_comparisons_that_are_skipped_are_not_counted():
    skip = np.zeros((len(VECTORS), len(VECTORS)), bool)
    skip[0, 2] = skip[2, 0] = skip[0, 1] = skip[1, 0] = True
    measured = compare_all(VECTORS, PEOPLE, skip)
    assert (measured.nonmated, len(measured.mated)) == (MEASURED.nonmated - 1, len(MEASURED.mated) - 1)


def test_the_histogram_counts_every_comparison_where_a_loop_puts_it():
    scores = VECTORS @ VECTORS.T
    counts = {True: {}, False: {}}
    for i, j in combinations(range(len(VECTORS)), 2):
        place = math.floor(float(scores[i, j]) * 50)
        of = counts[bool(PEOPLE[i] == PEOPLE[j])]
        of[place] = of.get(place, 0) + 1
    found = TABLE.histogram
    places = range(round(found.start * 50), round(found.start * 50) + len(found.mated))
    assert found.step == 0.02
    assert found.mated == tuple(counts[True].get(place, 0) for place in places)
    assert found.nonmated == tuple(counts[False].get(place, 0) for place in places)
    assert (sum(found.mated), sum(found.nonmated)) == (TABLE.mated, TABLE.nonmated)


def test_skipped_comparisons_are_in_no_bin():
    skip = np.zeros((len(VECTORS), len(VECTORS)), bool)
    skip[0, 2] = skip[2, 0] = True
    counts = compare_all(VECTORS, PEOPLE, skip).histogram
    assert sum(counts.nonmated) == TABLE.nonmated - 1


def test_searches_come_as_often_as_the_table_promises():
    vectors, people = drawn(400, 1)
    table = operating_table(compare_all(vectors, people), data="d", date="2026-01-01", command="c")
    for check in check_fpir(vectors, people, table, rates=(0.2, 0.1)):
        assert check.errors / check.trials == pytest.approx(check.fpir, rel=0.5)


def test_one_person_is_refused():
    with pytest.raises(UsageError, match="at least two people"):
        compare_all(VECTORS[:2], PEOPLE[:2])


def test_the_lines_of_a_card_read_back_as_the_table():
    import tomllib

    read = OperatingTable.from_dict(tomllib.loads("\n".join(table_lines(TABLE)))["operating"])
    assert [(p.threshold, p.errors, p.misses) for p in read.points] == [
        (p.threshold, p.errors, p.misses) for p in TABLE.points
    ]
    assert (read.mated, read.nonmated, read.subjects) == (TABLE.mated, TABLE.nonmated, TABLE.subjects)
    assert read.histogram == TABLE.histogram


def test_a_histogram_that_counts_other_comparisons_is_refused():
    counts = TABLE.histogram
    with pytest.raises(ValueError, match="every comparison"):
        replace(TABLE, histogram=replace(counts, mated=(counts.mated[0] + 1, *counts.mated[1:])))
