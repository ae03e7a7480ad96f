"""Compare two profiles: drift statistics with intervals and chance levels.

Whole cases are resampled, because the requests of a case share a summary and usually a date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imr_ml.drift.cells import Cells, cells_of, holm, interval, ks, psi, unstated
from imr_ml.errors import ImrError
from imr_ml.profiles import Profile

if TYPE_CHECKING:
    Weights = NDArray[np.float32]


Statistic = Literal["psi", "ks"]
Verdict = Literal["drifted", "slight", "by chance", "steady"]
_MIN_CASES = 2
_DRAWS_AT_ONCE = 250
_INTERVAL, _CHANCE = "interval", "chance"
# Keys: whether the value is above the threshold, and whether it exceeds chance.
_VERDICTS: dict[tuple[bool, bool], Verdict] = {
    (True, True): "drifted",
    (True, False): "by chance",
    (False, True): "slight",
    (False, False): "steady",
}


class DriftError(ImrError):
    """Profiles or settings that can't be used for a comparison."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """Settings of a comparison.

    Attributes
    ----------
    psi, ks : float
        Thresholds of drift. Common practice acts on a population stability index of 0.2 or more (Siddiqi, Credit Risk
        Scorecards, 2006: from 0.25; watch 0.1 to 0.25).
    level : float
        Family-wise error rate of the comparison.
    draws : int
        Number of resamples and of permutations.
    """

    psi: float = 0.2
    ks: float = 0.15
    level: float = 0.05
    draws: int = 999
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("psi", "ks"):
            if not getattr(self, name) > 0:
                raise DriftError(f"the threshold of {name.upper()} must be above 0, not {getattr(self, name)}")

    def threshold(self, statistic: Statistic) -> float:
        """Return the threshold of a statistic."""
        return self.psi if statistic == "psi" else self.ks


@dataclass(frozen=True, slots=True)
class Finding:
    """One statistic of one characteristic.

    Attributes
    ----------
    statistic : {"psi", "ks"}
    low, high : float
        Ends of the 95 % bootstrap interval over cases.
    by_chance : float
        95th percentile over random assignments of cases to the two sides.
    p : float
        Permutation p-value, adjusted for the number of statistics (Holm).
    verdict : {"drifted", "slight", "by chance", "steady"}
        ``drifted``: above the threshold and beyond chance. ``slight``: beyond chance, but below the threshold. ``by
        chance``: above the threshold, but not unusual for a batch of this size. ``steady``: neither.
    """

    characteristic: str
    statistic: Statistic
    value: float
    low: float
    high: float
    by_chance: float
    p: float
    threshold: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of rows by bin in both profiles; those of each profile sum to 1."""

    bins: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Size of a profile; its rows are a sample of `drawn_from` rows."""

    rows: int
    cases: int
    drawn_from: int


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Result of a comparison.

    Attributes
    ----------
    shares : dict of Shares
        By characteristic.
    constant : tuple of str
        Characteristics with the same value in all requests of both profiles.
    unstated : tuple of str
        Characteristics that only one profile has, which are not compared.
    """

    findings: tuple[Finding, ...]
    shares: dict[str, Shares]
    constant: tuple[str, ...]
    reference: Side
    current: Side
    settings: DriftSettings
    unstated: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[str, ...]:
        """Characteristics that drifted, in order."""
        return tuple(dict.fromkeys(finding.characteristic for finding in self.findings if finding.verdict == "drifted"))


class _Measurement(NamedTuple):
    """A statistic with its values in resamples and permutations, shape (draws,)."""

    characteristic: str
    statistic: Statistic
    value: float
    resampled: NDArray[np.float64]
    by_chance: NDArray[np.float64]

    @property
    def p(self) -> float:
        """Share of permutations, including the identity, with at least this value."""
        # The tolerance treats rounding differences as ties; NaN (a side without rows) counts as at least this value.
        is_as_large = ~(self.by_chance < self.value - 1e-9)
        return float(1 + is_as_large.sum()) / (1 + len(is_as_large))


def compare(reference: Profile, current: Profile, settings: DriftSettings | None = None) -> DriftReport:
    """Compare the characteristics of two profiles; raise `DriftError` if one has too few cases."""
    settings = settings or DriftSettings()
    for name, profile in (("reference", reference), ("current", current)):
        if profile.cases < _MIN_CASES:
            raise DriftError(f"the {name} table has {profile.cases} usable case(s); at least {_MIN_CASES} are needed")
    characteristics = cells_of(reference, current)
    cells = [characteristic for characteristic in characteristics if not characteristic.is_constant]
    measurements = _measure(cells, reference, current, settings)
    adjusted = holm([measurement.p for measurement in measurements])
    return DriftReport(
        findings=tuple(_build_finding(*pair, settings) for pair in zip(measurements, adjusted, strict=True)),
        shares={characteristic.name: _compute_shares(characteristic) for characteristic in cells},
        constant=tuple(characteristic.name for characteristic in characteristics if characteristic.is_constant),
        reference=Side(len(reference), reference.cases, reference.drawn_from),
        current=Side(len(current), current.cases, current.drawn_from),
        settings=settings,
        unstated=unstated(reference, current),
    )


def _measure(cells: list[Cells], reference: Profile, current: Profile, settings: DriftSettings) -> list[_Measurement]:
    draws: dict[tuple[str, Statistic, str], list[NDArray[np.float64]]] = {}
    for (ours, theirs), permuted in _draw_cases(reference.cases, current.cases, settings):
        for characteristic in cells:
            for kind, counts in (
                (_INTERVAL, (characteristic.reference @ ours, characteristic.current @ theirs)),
                (_CHANCE, _permute(characteristic, permuted)),
            ):
                for statistic, values in _compute_statistics(characteristic, *counts):
                    draws.setdefault((characteristic.name, statistic, kind), []).append(values)
    return [
        _Measurement(
            characteristic.name,
            statistic,
            float(value[0]),
            np.concatenate(draws[characteristic.name, statistic, _INTERVAL]),
            np.concatenate(draws[characteristic.name, statistic, _CHANCE]),
        )
        for characteristic in cells
        for statistic, value in _compute_statistics(characteristic, *_count_values(characteristic))
        if np.isfinite(value[0])
    ]


def _draw_cases(ours: int, theirs: int, settings: DriftSettings) -> Iterator[tuple[tuple[Weights, Weights], Weights]]:
    """Yield how often resamples draw each case of both sides, and which cases permutations assign to `current`."""
    random = np.random.default_rng(settings.seed)
    for start in range(0, settings.draws, _DRAWS_AT_ONCE):
        draws = min(_DRAWS_AT_ONCE, settings.draws - start)
        is_current = np.zeros((draws, ours + theirs), dtype=np.float32)
        is_current[:, :theirs] = 1
        resamples = _resample(random, ours, draws), _resample(random, theirs, draws)
        yield resamples, np.ascontiguousarray(random.permuted(is_current, axis=1).T)


def _resample(random: np.random.Generator, cases: int, draws: int) -> Weights:
    cells = random.integers(cases, size=(draws, cases)) * draws + np.arange(draws)[:, None]
    return np.bincount(cells.ravel(), minlength=cases * draws).reshape(cases, draws).astype(np.float32)


def _count_values(cells: Cells) -> tuple[Weights, Weights]:
    return tuple(  # type: ignore[return-value]
        np.asarray(side.sum(axis=1), dtype=np.float32).reshape(-1, 1) for side in (cells.reference, cells.current)
    )


def _permute(cells: Cells, is_current: Weights) -> tuple[Weights, Weights]:
    split = cells.reference.shape[1]
    current = cells.reference @ is_current[:split] + cells.current @ is_current[split:]
    total = sum(_count_values(cells))
    return total - current, current


def _compute_statistics(
    cells: Cells, reference: Weights, current: Weights
) -> Iterator[tuple[Statistic, NDArray[np.float64]]]:
    yield "psi", psi(cells.binned @ reference, cells.binned @ current)
    if cells.numbers:
        yield "ks", ks(reference[: cells.numbers], current[: cells.numbers])


def _build_finding(measurement: _Measurement, p: float, settings: DriftSettings) -> Finding:
    low, high = interval(measurement.value, measurement.resampled)
    threshold = settings.threshold(measurement.statistic)
    return Finding(
        characteristic=measurement.characteristic,
        statistic=measurement.statistic,
        value=measurement.value,
        low=low,
        high=high,
        by_chance=float(np.nanpercentile(measurement.by_chance, 95)),
        p=p,
        threshold=threshold,
        verdict=_VERDICTS[measurement.value > threshold, p < settings.level],
    )


def _compute_shares(cells: Cells) -> Shares:
    reference, current = ((cells.binned @ counts).ravel() for counts in _count_values(cells))
    shares = (tuple(float(share) for share in counts / counts.sum()) for counts in (reference, current))
    return Shares(cells.bins, *shares)
