"""PSI and KS have the properties of their definitions, and KS equals that of scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from imr_ml.drift.cells import holm, interval, ks, psi

COUNTS = arrays(np.int64, 6, elements=st.integers(0, 500)).filter(lambda counts: counts.sum() > 0)
VALUES = arrays(np.float64, st.integers(2, 60), elements=st.integers(0, 12).map(float))


def draw(counts):
    return counts.astype(np.float64)[:, None]


@given(COUNTS)
def test_psi_of_a_table_with_itself_is_zero(counts):
    assert psi(draw(counts), draw(counts)) == 0


@given(COUNTS, COUNTS)
def test_psi_is_symmetric_and_not_negative(ours, theirs):
    value, reverse = psi(draw(ours), draw(theirs)), psi(draw(theirs), draw(ours))
    assert np.isfinite(value)
    assert value >= 0
    assert value == pytest.approx(reverse)


@given(COUNTS, st.integers(2, 9))
def test_psi_depends_only_on_shares(counts, times):
    ours = np.maximum(counts, 1)
    assert psi(draw(ours), draw(times * ours)) == pytest.approx(0, abs=1e-12)


def test_psi_equals_a_manual_calculation():
    # (0.2 - 0.5) ln(0.2 / 0.5) + (0.8 - 0.5) ln(0.8 / 0.5)
    assert psi(draw(np.array([50, 50])), draw(np.array([20, 80]))) == pytest.approx(0.41589, abs=1e-5)


def test_a_bin_that_is_empty_on_one_side_counts_as_half_a_row():
    assert psi(draw(np.array([100, 0])), draw(np.array([90, 10]))) == pytest.approx(
        -0.1 * np.log(0.9) + (0.1 - 0.005) * np.log(0.1 / 0.005)
    )


@given(VALUES, VALUES)
def test_ks_equals_scipy(ours, theirs):
    values = np.unique(np.concatenate([ours, theirs]))
    counts = [np.array([(side == value).sum() for value in values]) for side in (ours, theirs)]
    expected = ks_2samp(ours, theirs, method="asymp").statistic
    assert ks(draw(counts[0]), draw(counts[1])) == pytest.approx(expected)


def test_draws_are_independent_columns():
    reference, current = np.random.default_rng(0).integers(0, 20, size=(2, 5, 40)).astype(float)
    for statistic in (psi, ks):
        one_by_one = [statistic(reference[:, [draw]], current[:, [draw]])[0] for draw in range(40)]
        assert statistic(reference, current) == pytest.approx(one_by_one)


@given(st.floats(0, 3), arrays(np.float64, 30, elements=st.floats(0, 5)))
def test_an_interval_contains_its_value_and_is_never_negative(value, resampled):
    low, high = interval(value, resampled)
    assert 0 <= low <= value <= high


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=20))
def test_holm_never_lowers_a_p_value_or_changes_the_order(p):
    adjusted = holm(p)
    assert all(after >= before or after == 1 for before, after in zip(p, adjusted, strict=True))
    assert all(adjusted[i] <= adjusted[j] for i in range(len(p)) for j in range(len(p)) if p[i] < p[j])
