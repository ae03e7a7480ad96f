"""Population stability index and Kolmogorov-Smirnov distance of counts, many draws at once.

Knows counts. Knows nothing of what is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Counts = NDArray[np.floating]
    Values = NDArray[np.float64]

_HALF_A_ROW = 0.5


def psi(reference: Counts, current: Counts) -> Values:
    """Population stability index: the sum over bins of ``(c - r) ln(c / r)`` of their shares ``r`` and ``c``.

    It is 0 for equal shares, never negative, and the same with the sides exchanged. A bin that is empty on one side
    counts as half a row there, without which it would be infinite; one that is empty on both is left out.

    Parameters
    ----------
    reference, current : (bins, draws) float
        Rows of each side in each bin.

    Returns
    -------
    (draws,) float
        NaN where a side has no row.
    """
    empty = (reference == 0) & (current == 0)
    ours, theirs = (_shares(counts) for counts in (current, reference))
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = (ours - theirs) * np.log(ours / theirs)
    parts[empty] = 0
    total: Values = parts.sum(axis=0)
    return total


def ks(reference: Counts, current: Counts) -> Values:
    """Kolmogorov-Smirnov distance: the largest difference between the shares of rows up to any value.

    Parameters
    ----------
    reference, current : (values, draws) float
        Rows of each side with each value, in ascending order.

    Returns
    -------
    (draws,) float
        NaN where a side has no row.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [counts.cumsum(axis=0, dtype=np.float64) / counts.sum(axis=0) for counts in (reference, current)]
    largest: Values = np.abs(shares[0] - shares[1]).max(axis=0)
    return largest


def interval(value: float, resampled: Values) -> tuple[float, float]:
    """Ends of the 95 % basic bootstrap interval of a distance.

    Resampling adds its own noise to a distance, which is never negative, so that resampled values lie above the one
    that they come from about as much as that lies above the true one. The basic interval takes the excess off again;
    it is widened to hold the value itself.
    """
    resampled = resampled[np.isfinite(resampled)]
    if not len(resampled):
        return value, value
    least, most = np.percentile(resampled, [2.5, 97.5])
    return max(0.0, min(value, 2 * value - float(most))), max(value, 2 * value - float(least))


def holm(p: Sequence[float]) -> list[float]:
    """P-values adjusted so that a family of tests errs as rarely as one of them would (Holm, 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1)))
    return [float(one) for one in adjusted[np.argsort(order)]]


def _shares(counts: Counts) -> Values:
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Values = np.where(counts == 0, _HALF_A_ROW, counts) / counts.sum(axis=0)
    return shares
