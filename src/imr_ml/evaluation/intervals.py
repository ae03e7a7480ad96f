"""Compute bootstrap intervals and paired differences over cases."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from imr_ml.evaluation.metrics import Values, Weights

Metric = Callable[[int, Weights], Values]
"""(repeat of the cross-validation, weights) -> one value a resample."""

_WEIGHTS_AT_ONCE = 4_000_000
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value with its 95 % interval.

    Attributes
    ----------
    value : float
        Mean over the repeats of the cross-validation.
    low, high : float
        2.5th and 97.5th percentile over resampled cases, widened to hold the value: an error that chance only makes
        larger, such as that of calibration, is larger in nearly every resample than in the data.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def signed(self) -> str:
        """Text of a difference, e.g. ``+0.012 [-0.003, +0.027]``."""
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True, slots=True)
class Bootstrap(Generic[Name]):
    """Metrics over bootstrap resamples of the cases; all share the same resamples, so differences are paired.

    Attributes
    ----------
    metrics : dict of Metric
    values : dict of (resamples,) float
    requests : int
    repeats : int
        Repeats of the cross-validation.
    """

    metrics: Mapping[Name, Metric]
    values: Mapping[Name, Values]
    requests: int
    repeats: int

    @classmethod
    def over_cases(
        cls, metrics: Mapping[Name, Metric], groups: NDArray[np.int64], repeats: int, resamples: int, seed: int
    ) -> Self:
        """Resample cases and compute each metric.

        Resample b uses the predictions of repeat ``b % repeats``, so the spread includes the luck of the folds as well
        as that of the cases.

        Parameters
        ----------
        metrics : dict of Metric
        groups : (requests,) int
            Case of each request, counted from 0.
        repeats : int
            Repeats of the cross-validation.
        resamples : int
        seed : int
        """
        random = np.random.default_rng(seed)
        cases = int(groups.max()) + 1
        at_once = max(1, _WEIGHTS_AT_ONCE // len(groups))
        values: dict[Name, list[Values]] = {name: [] for name in metrics}
        for repeat in range(repeats):
            count = len(range(repeat, resamples, repeats))
            for start in range(0, count, at_once):
                drawn = random.multinomial(cases, np.full(cases, 1 / cases), size=min(at_once, count - start))
                weights = drawn[:, groups].astype(np.float64)
                for name, metric in metrics.items():
                    values[name].append(metric(repeat, weights))
        return cls(metrics, {name: np.concatenate(each) for name, each in values.items()}, len(groups), repeats)

    def estimate(self, name: Name) -> Estimate:
        """Value on the requests themselves, with the interval of the resampled values."""
        return self._estimate(self.metrics[name], self.values[name])

    def difference(self, first: Name, second: Name) -> Estimate:
        """First minus second, paired."""
        one, other = self.metrics[first], self.metrics[second]
        return self._estimate(
            lambda repeat, weights: one(repeat, weights) - other(repeat, weights),
            self.values[first] - self.values[second],
        )

    def _estimate(self, metric: Metric, values: Values) -> Estimate:
        ones = np.ones((1, self.requests))
        value = float(np.mean([metric(repeat, ones)[0] for repeat in range(self.repeats)]))
        low, high = _interval(values)
        return Estimate(value, min(low, value), max(high, value))


def _interval(values: Values) -> tuple[float, float]:
    if np.isnan(values).all():
        return (float("nan"), float("nan"))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
