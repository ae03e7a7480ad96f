"""Compute overturn rates by column."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import families_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def overturn_rates(requests: pd.DataFrame, by: str) -> pd.DataFrame:
    """Requests, overturned ones and their rate for each value of a column.

    Parameters
    ----------
    requests : DataFrame
        Requests table; rows without an outcome do not count.
    by : str
        Column; of one that holds families, a request counts for each family it names.

    Returns
    -------
    DataFrame
        Indexed by the value, most frequent first; columns ``requests``, ``overturned``, ``rate``, and the 95 % Wilson
        interval ``low`` and ``high``, which takes the requests as independent although a case's requests are not.
    """
    import pandas as pd

    decided = requests[requests["outcome"].notna()]
    overturned = decided["outcome"].eq("overturned")
    values = decided[by].map(families_of).explode() if by.endswith("families") else decided[by]
    counted = overturned.reindex(values.index).groupby(values.to_numpy()).agg(["size", "sum"])
    counted = counted.set_axis(["requests", "overturned"], axis=1).sort_values("requests", ascending=False)
    intervals = [wilson(overturned, requests) for requests, overturned in counted.to_numpy(dtype=int).tolist()]
    bounds = pd.DataFrame(intervals, index=counted.index, columns=["low", "high"])
    return counted.assign(rate=counted["overturned"] / counted["requests"]).join(bounds)


@cache
def wilson(overturned: int, requests: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share overturned."""
    from scipy.stats import binomtest

    interval = binomtest(overturned, requests).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def difference_interval(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of the difference of two shares, from their Wilson intervals (Newcombe's method 10).

    Parameters
    ----------
    first, second : (int, int)
        Overturned and all requests of two groups that share no request.

    Examples
    --------
    >>> low, high = difference_interval((56, 70), (48, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    (a, low_a, high_a), (b, low_b, high_b) = ((one[0] / one[1], *wilson(*one)) for one in (first, second))
    below, above = math.hypot(a - low_a, high_b - b), math.hypot(high_a - a, b - low_b)
    return a - b - below, a - b + above


def rates_figure(rates: pd.DataFrame, overall: float, title: str) -> Figure:
    """Rates with their intervals as points, most frequent on top, beside the overall rate as a dashed line.

    Parameters
    ----------
    rates : DataFrame
    overall : float
    title : str
    """
    from matplotlib.figure import Figure

    upward = rates.iloc[::-1]
    figure = Figure(figsize=(8, 0.4 * len(rates) + 1.2), layout="constrained")
    axes = figure.subplots()
    spread = [upward["rate"] - upward["low"], upward["high"] - upward["rate"]]
    axes.errorbar(upward["rate"], range(len(upward)), xerr=spread, fmt="o", capsize=3)
    axes.set_yticks(range(len(upward)), [f"{row.Index} ({row.requests})" for row in upward.itertuples()])
    axes.axvline(overall, linestyle="--", color="grey")
    axes.set(xlabel="share overturned with its 95 % interval; dashed: all requests", title=title)
    return figure
