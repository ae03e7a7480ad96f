"""A bootstrap that draws cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.evaluation.intervals import Bootstrap, Estimate, Metric


def estimate(metric: Metric, values: np.ndarray, *, requests: int, repeats: int) -> Estimate:
    return Bootstrap({"m": metric}, {"m": values}, requests, repeats).estimate("m")


def draw_weights(groups: np.ndarray, repeats: int = 1, resamples: int = 20) -> tuple[np.ndarray, list[int]]:
    """Weights of each resample, and the repeat that it uses."""
    drawn: list[np.ndarray] = []
    repeat_of: list[int] = []

    def metric(repeat: int, weights: np.ndarray) -> np.ndarray:
        drawn.append(weights)
        repeat_of.extend([repeat] * len(weights))
        return weights[:, 0]

    Bootstrap.over_cases({"m": metric}, groups, repeats, resamples, seed=0)
    return np.vstack(drawn), repeat_of


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_a_cases_requests_are_drawn_together(sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)

    weights, _ = draw_weights(groups)

    for case in range(len(sizes)):
        own = weights[:, groups == case]
        assert (own == own[:, :1]).all()


def test_as_many_cases_are_drawn_as_there_are_whatever_their_size():
    groups = np.array([0, 0, 0, 0, 1, 2])

    weights, _ = draw_weights(groups)

    assert (weights[:, [0, 4, 5]].sum(axis=1) == 3).all()
    assert weights.std() > 0


def test_resamples_are_distributed_over_the_repeats():
    _, repeat_of = draw_weights(np.arange(5), repeats=3, resamples=20)

    assert [repeat_of.count(repeat) for repeat in range(3)] == [7, 7, 6]


def test_metrics_use_the_same_resamples():
    metrics = {name: lambda _, w: w @ np.arange(6.0) for name in "ab"}
    bootstrap = Bootstrap.over_cases(metrics, np.arange(6), 2, 50, seed=3)

    assert bootstrap.values["a"].tolist() == bootstrap.values["b"].tolist()
    assert bootstrap.difference("a", "b") == Estimate(0.0, 0.0, 0.0)


def test_an_interval_contains_the_central_95_percent_of_resampled_values():
    values = np.append(np.arange(101.0), np.nan)

    interval = estimate(lambda repeat, _: np.array([repeat + 50.0]), values, requests=3, repeats=3)

    assert interval == Estimate(value=51.0, low=2.5, high=97.5)
    assert str(Estimate(0.1234, 0.1, 0.2)) == "0.123 [0.100, 0.200]"


def test_an_interval_is_widened_to_include_the_value():
    """An absolute error is larger in nearly every resample than in the data."""
    interval = estimate(lambda _repeat, _weights: np.array([0.1]), np.linspace(0.2, 0.3, 41), requests=3, repeats=1)

    assert (interval.value, interval.low) == (0.1, 0.1)
    assert interval.high == pytest.approx(0.2975)


def test_a_metric_undefined_in_all_resamples_has_no_interval():
    interval = estimate(lambda _repeat, _weights: np.array([0.5]), np.full(4, np.nan), requests=3, repeats=1)

    assert interval.value == 0.5
    assert np.isnan([interval.low, interval.high]).all()


def test_an_interval_of_siblings_is_wider_than_one_of_single_requests():
    """Ten identical requests contain no more information than one."""
    values = np.random.default_rng(0).random(40)
    siblings, alone = values.repeat(10), values.repeat(10)

    def resample(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
        return Bootstrap.over_cases({"m": lambda _, w: w @ values / w.sum(axis=1)}, groups, 1, 400, 0).values["m"]

    wide, narrow = resample(siblings, np.arange(40).repeat(10)), resample(alone, np.arange(400))

    assert wide.std() / narrow.std() == pytest.approx(np.sqrt(10), rel=0.25)
