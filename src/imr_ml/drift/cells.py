"""Bin the characteristics of two profiles and compute drift statistics from counts by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from imr_ml.profiles import Profile

if TYPE_CHECKING:
    Counts = NDArray[np.floating]
    Values = NDArray[np.float64]


_DECILES = np.arange(1, 10) / 10
_HALF_A_ROW = 0.5
_RARE = 0.01
_STATED = ("items_in_case",)
_RARER, UNKNOWN = "rarer", "unknown"


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts of one characteristic.

    Attributes
    ----------
    reference, current : (values, cases) sparse matrix of float32
        Number of rows by value and case; numbers are in ascending order, unknown is last.
    numbers : int or None
        Number of numeric values; None for labels.
    binned : (bins, values) sparse matrix of float32
        1 if the bin contains the value.
    """

    name: str
    reference: csr_matrix
    current: csr_matrix
    numbers: int | None
    binned: csr_matrix
    bins: tuple[str, ...]

    @property
    def is_constant(self) -> bool:
        """Whether all rows in both profiles have the same value."""
        return bool(self.reference.shape[0] == 1)


def cells_of(reference: Profile, current: Profile) -> list[Cells]:
    """Count the characteristics that both profiles have."""
    excluded = unstated(reference, current)
    numbers = [name for name in reference.numbers if name in current.numbers and name not in excluded]
    cells = [_bin_numbers(name, reference, current) for name in numbers]
    return cells + [_bin_labels(name, reference, current) for name in reference.labels if name in current.labels]


def unstated(reference: Profile, current: Profile) -> tuple[str, ...]:
    """Return optional characteristics that only one profile has: letters state them, most tables do not."""
    is_stated = {
        name: [bool(np.isfinite(side.numbers.get(name, np.nan)).any()) for side in (reference, current)]
        for name in _STATED
    }
    return tuple(name for name, sides in is_stated.items() if any(sides) and not all(sides))


def _bin_numbers(name: str, reference: Profile, current: Profile) -> Cells:
    """Bin by the deciles of the reference; unknown values have a separate bin."""
    ours, theirs = reference.numbers[name], current.numbers[name]
    values, indices = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    numbers = int(np.isfinite(values).sum())
    finite = ours[np.isfinite(ours)].astype(np.float64)
    edges = np.unique(np.quantile(finite, _DECILES, method="inverted_cdf")) if len(finite) else np.empty(0)
    edges = edges[edges < values[:numbers].max(initial=-np.inf)]
    bin_of = np.searchsorted(edges, values[:numbers])
    labels = _name_ranges(edges)
    if numbers < len(values):
        bin_of, labels = np.append(bin_of, len(labels)), [*labels, UNKNOWN]
    return _build_cells(name, reference, current, indices, numbers, bin_of, labels)


def _bin_labels(name: str, reference: Profile, current: Profile) -> Cells:
    """Use one bin per label; labels in less than 1 % of all rows share a bin."""
    labels, indices = np.unique(np.concatenate([reference.labels[name], current.labels[name]]), return_inverse=True)
    share = np.bincount(indices) / len(indices)
    order = np.flatnonzero(share >= _RARE)
    order = order[np.argsort(-share[order], kind="stable")]
    bin_of = np.full(len(labels), len(order))
    bin_of[order] = np.arange(len(order))
    bins = [str(labels[index]) for index in order] + ([_RARER] if (share < _RARE).any() else [])
    return _build_cells(name, reference, current, indices, None, bin_of, bins)


def _build_cells(
    name: str,
    reference: Profile,
    current: Profile,
    indices: NDArray[np.int64],
    numbers: int | None,
    bin_of: NDArray[np.int64],
    bins: list[str],
) -> Cells:
    values = len(bin_of)
    ours, theirs = indices[: len(reference)], indices[len(reference) :]
    return Cells(
        name=name,
        reference=_count_values(ours, reference.case, (values, reference.cases)),
        current=_count_values(theirs, current.case, (values, current.cases)),
        numbers=numbers,
        binned=_count_values(bin_of, np.arange(values), (len(bins), values)),
        bins=tuple(bins),
    )


def _count_values(rows: NDArray[np.int64], columns: NDArray[np.integer], shape: tuple[int, int]) -> csr_matrix:
    return csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)


def _name_ranges(edges: NDArray[np.float64]) -> list[str]:
    if not len(edges):
        return ["known"]
    ends = [f"{edge:.3g}" if edge < 1 else f"{edge:,.0f}" for edge in edges]
    return [*(f"to {end}" for end in ends), f"over {ends[-1]}"]


def psi(reference: Counts, current: Counts) -> Values:
    """Population stability index: the sum over bins of ``(c - r) ln(c / r)`` of their shares ``r`` and ``c``.

    It is 0 for equal shares, never negative and symmetric. An empty bin counts as half a row, to keep the index
    finite; a bin that is empty on both sides is ignored.

    Parameters
    ----------
    reference, current : (bins, draws) float
        Number of rows by bin.

    Returns
    -------
    (draws,) float
        NaN if a side has no row.
    """
    empty = (reference == 0) & (current == 0)
    ours, theirs = (_compute_shares(counts) for counts in (current, reference))
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
        Number of rows by value, in ascending order of values.

    Returns
    -------
    (draws,) float
        NaN if a side has no row.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [counts.cumsum(axis=0, dtype=np.float64) / counts.sum(axis=0) for counts in (reference, current)]
    largest: Values = np.abs(shares[0] - shares[1]).max(axis=0)
    return largest


def interval(value: float, resampled: Values) -> tuple[float, float]:
    """Return the 95 % basic bootstrap interval of a distance.

    A distance is never negative, so resampled values exceed the observed value about as much as it exceeds the true
    value. The basic interval corrects for that; it is widened to include the observed value.
    """
    resampled = resampled[np.isfinite(resampled)]
    if not len(resampled):
        return value, value
    low, high = np.percentile(resampled, [2.5, 97.5])
    return max(0.0, min(value, 2 * value - float(high))), max(value, 2 * value - float(low))


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p-values for the family-wise error rate (Holm, 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1)))
    return [float(value) for value in adjusted[np.argsort(order)]]


def _compute_shares(counts: Counts) -> Values:
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Values = np.where(counts == 0, _HALF_A_ROW, counts) / counts.sum(axis=0)
    return shares
