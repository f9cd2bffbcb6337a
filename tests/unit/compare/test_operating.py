"""Operating points come from counts; what the counts do not support is refused."""

import math

import pytest
from scipy.stats import expon

from mien.compare import at_fmr, at_fpir, fmr_for_pairs, matches
from mien.compare.operating import smallest_fmr
from mien.errors import UsageError
from mien.types.score import OperatingTable

TABLE = OperatingTable.from_dict(
    {
        "data": "hand-made",
        "date": "2026-01-01",
        "command": "none",
        "mated": 10,
        "nonmated": 30_000,
        "subjects": 250,
        "extremal": 0.5,
        "tail": [0.40, 1e-2, 0.05],
        "points": [
            [0.20, 3000, 0.09, 0.11, 0],
            [0.40, 300, 0.008, 0.012, 1],
            [0.50, 30, 0.0006, 0.0014, 2],
            [0.60, 3, 0.0, 0.0003, 4],
        ],
    }
)


def test_the_threshold_is_a_measured_row_at_or_below_the_rate_asked_for():
    assert at_fmr(TABLE, 0.01).threshold == 0.40
    assert at_fmr(TABLE, 0.0099).threshold == 0.50
    assert at_fmr(TABLE, 0.5).threshold == 0.20


def test_the_point_carries_counts_and_interval():
    point = at_fmr(TABLE, 0.001)
    assert (point.fmr, point.errors, point.trials, point.low, point.high) == (0.001, 30, 30_000, 0.0006, 0.0014)
    assert (point.misses, point.mated) == (2, 10)


def test_a_rate_below_the_rule_of_three_is_refused_with_the_smallest_supported():
    assert smallest_fmr(TABLE) == 1e-4
    assert at_fmr(TABLE, 1e-4).threshold == 0.60
    with pytest.raises(UsageError, match=r"30,000 non-mated comparisons support; the smallest is 0\.0001"):
        at_fmr(TABLE, 0.9e-4)


@pytest.mark.parametrize("rate", [0.0, 1.0, -1e-4, 5.0, math.nan, math.inf])
def test_no_rate_is_refused(rate):
    with pytest.raises(UsageError, match="between 0 and 1"):
        at_fmr(TABLE, rate)
    with pytest.raises(UsageError, match="between 0 and 1"):
        at_fpir(TABLE, rate, 10)


def test_each_of_n_pairs_gets_the_rate_at_which_none_of_them_errs_as_often_as_asked():
    each = fmr_for_pairs(0.001, 6)
    assert 1 - (1 - each) ** 6 == pytest.approx(0.001, rel=1e-12)
    assert fmr_for_pairs(0.001, 1) == pytest.approx(0.001)


def test_a_larger_gallery_needs_a_higher_threshold():
    thresholds = [at_fpir(TABLE, 0.05, n).threshold for n in (2, 20, 200, 2000, 20_000)]
    assert thresholds == sorted(set(thresholds))


def test_a_gallery_of_one_reference_is_a_verification():
    assert at_fpir(TABLE, 0.01, 1).threshold == at_fmr(TABLE, 0.01).threshold


def test_the_extremal_index_scales_the_number_of_references():
    # 1 - (1 - 0.01) ** (0.5 * 20) = 0.0956: at that FPIR, 20 references need FMR 0.01.
    assert at_fpir(TABLE, 1 - 0.99**10, 20).threshold == 0.40


def test_beyond_the_counts_the_tail_is_the_exponential_quantile_and_says_so():
    point = at_fpir(TABLE, 0.01, 2000)
    fmr = 1 - 0.99 ** (1 / 1000)
    expected = 0.40 + expon.isf(fmr / 1e-2, scale=0.05)
    assert point.extrapolated
    assert point.threshold == pytest.approx(expected, abs=1e-9)
    assert (point.errors, point.high) == (0, 1e-4)


def test_far_beyond_the_counts_is_refused():
    with pytest.raises(UsageError, match=r"FPIR of 1e-06 against 1,000,000 references"):
        at_fpir(TABLE, 1e-6, 1_000_000)


def test_a_score_at_the_threshold_matches():
    point = at_fmr(TABLE, 0.01)
    assert matches(0.40, point)
    assert not matches(0.3999, point)
