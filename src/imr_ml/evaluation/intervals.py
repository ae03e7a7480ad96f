"""Compute bootstrap intervals and paired differences over cases."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from imr_ml.evaluation.metrics import Values, Weights

Metric = Callable[[int, Weights], Values]
"""(repeat of the cross-validation, weights) -> one value per resample."""

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
        2.5th and 97.5th percentile over resampled cases, widened to include the value: chance only increases some
        metrics, such as the calibration error, so nearly every resample has a larger one than the data.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def short(self) -> str:
        """Value and interval with two decimals."""
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"

    @property
    def signed(self) -> str:
        """Value and interval with signs, for a difference."""
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def error(self) -> list[list[float]]:
        """Distances of the interval's ends from the value, as matplotlib's error bars expect."""
        return [[self.value - self.low], [self.high - self.value]]


@dataclass(frozen=True, slots=True)
class Bootstrap(Generic[Name]):
    """Metrics on bootstrap resamples of the cases; all use the same resamples, so differences are paired.

    Attributes
    ----------
    values : dict of (resamples,) float
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

        Resample b uses the predictions of repeat ``b % repeats``, so the spread includes chance in the folds as well
        as in the cases.

        Parameters
        ----------
        metrics : dict of Metric
        groups : (requests,) int
            Case of each request, numbered from 0.
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
        return cls(metrics, {name: np.concatenate(parts) for name, parts in values.items()}, len(groups), repeats)

    def estimate(self, name: Name) -> Estimate:
        """Return the value on all requests, with the interval of the resampled values."""
        return self._estimate(self.metrics[name], self.values[name])

    def difference(self, first: Name, second: Name) -> Estimate:
        """Return the first metric minus the second, paired."""
        minuend, subtrahend = self.metrics[first], self.metrics[second]
        return self._estimate(
            lambda repeat, weights: minuend(repeat, weights) - subtrahend(repeat, weights),
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
