"""Confidence intervals of overturn rates and of their differences."""

from __future__ import annotations

import math
from functools import cache


@cache
def wilson(overturned: int, requests: int) -> tuple[float, float]:
    """95 % Wilson interval of an overturn rate."""
    from scipy.stats import binomtest

    interval = binomtest(overturned, requests).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def difference_interval(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """95 % interval of the difference of two rates, from their Wilson intervals (Newcombe's method 10).

    Parameters
    ----------
    first, second : (int, int)
        Number of overturned and of all requests, in two groups without common requests.

    Examples
    --------
    >>> low, high = difference_interval((56, 70), (48, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    (a, low_a, high_a), (b, low_b, high_b) = ((one[0] / one[1], *wilson(*one)) for one in (first, second))
    below, above = math.hypot(a - low_a, high_b - b), math.hypot(high_a - a, b - low_b)
    return a - b - below, a - b + above
