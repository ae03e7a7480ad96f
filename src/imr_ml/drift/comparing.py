"""Compare two profiles: drift statistics with intervals and chance levels.

A case's requests share a summary and mostly a date, so whole cases are drawn, never single requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.drift.cells import Cells, cells_of, holm, interval, ks, psi, unstated
from imr_ml.drift.types import DriftError, DriftReport, DriftSettings, Finding, Shares, Side, Statistic, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from imr_ml.profiles.profile import Profile

    Weights = NDArray[np.float32]

_FEWEST_CASES = 2
_DRAWS_AT_ONCE = 250
_INTERVAL, _CHANCE = "interval", "chance"


@dataclass(frozen=True, slots=True)
class _Measured:
    """A statistic as it is, and in every draw: shape (draws,)."""

    characteristic: str
    statistic: Statistic
    value: float
    resampled: NDArray[np.float64]
    by_chance: NDArray[np.float64]

    @property
    def p(self) -> float:
        """Share of the permutations, the identity among them, that give as much."""
        # Rounding must not tell equal draws apart; a draw without any row on a side speaks for chance.
        as_much = ~(self.by_chance < self.value - 1e-9)
        return float(1 + as_much.sum()) / (1 + len(as_much))


def compare(reference: Profile, current: Profile, settings: DriftSettings | None = None) -> DriftReport:
    """Compare what requests are like.

    Parameters
    ----------
    reference, current : Profile
    settings : DriftSettings, optional

    Raises
    ------
    DriftError
        Where a side has too few cases to tell anything.
    """
    settings = settings or DriftSettings()
    for name, profile in (("reference", reference), ("current", current)):
        if profile.cases < _FEWEST_CASES:
            raise DriftError(f"the {name} table holds {profile.cases} case(s) that can be used; {_FEWEST_CASES} needed")
    found = cells_of(reference, current)
    cells = [one for one in found if not one.is_constant]
    measured = _measured(cells, reference, current, settings)
    adjusted = holm([one.p for one in measured])
    return DriftReport(
        findings=tuple(_finding(one, p, settings) for one, p in zip(measured, adjusted, strict=True)),
        shares={one.name: _shares(one) for one in cells},
        constant=tuple(one.name for one in found if one.is_constant),
        reference=_side(reference),
        current=_side(current),
        settings=settings,
        unstated=unstated(reference, current),
    )


def _measured(cells: list[Cells], reference: Profile, current: Profile, settings: DriftSettings) -> list[_Measured]:
    drawn: dict[tuple[str, Statistic, str], list[NDArray[np.float64]]] = {}
    for resample, dealt in _draws(reference.cases, current.cases, settings):
        for one in cells:
            for kind, counts in ((_INTERVAL, _resampled(one, *resample)), (_CHANCE, _dealt(one, dealt))):
                for statistic, values in _statistics(one, *counts):
                    drawn.setdefault((one.name, statistic, kind), []).append(values)
    return [
        _Measured(
            one.name,
            statistic,
            float(value[0]),
            np.concatenate(drawn[one.name, statistic, _INTERVAL]),
            np.concatenate(drawn[one.name, statistic, _CHANCE]),
        )
        for one in cells
        for statistic, value in _statistics(one, *_observed(one))
        if np.isfinite(value[0])
    ]


def _draws(ours: int, theirs: int, settings: DriftSettings) -> Iterator[tuple[tuple[Weights, Weights], Weights]]:
    """How often each case of either side is drawn, and which of all cases are dealt to the current side."""
    random = np.random.default_rng(settings.seed)
    for start in range(0, settings.draws, _DRAWS_AT_ONCE):
        draws = min(_DRAWS_AT_ONCE, settings.draws - start)
        dealt = np.zeros((draws, ours + theirs), dtype=np.float32)
        dealt[:, :theirs] = 1
        yield (
            (_drawn(random, ours, draws), _drawn(random, theirs, draws)),
            np.ascontiguousarray(random.permuted(dealt, axis=1).T),
        )


def _drawn(random: np.random.Generator, cases: int, draws: int) -> Weights:
    places = random.integers(cases, size=(draws, cases)) * draws + np.arange(draws)[:, None]
    return np.bincount(places.ravel(), minlength=cases * draws).reshape(cases, draws).astype(np.float32)


def _observed(cells: Cells) -> tuple[Weights, Weights]:
    return tuple(  # type: ignore[return-value]
        np.asarray(side.sum(axis=1), dtype=np.float32).reshape(-1, 1) for side in (cells.reference, cells.current)
    )


def _resampled(cells: Cells, ours: Weights, theirs: Weights) -> tuple[Weights, Weights]:
    return cells.reference @ ours, cells.current @ theirs


def _dealt(cells: Cells, to_current: Weights) -> tuple[Weights, Weights]:
    split = cells.reference.shape[1]
    current = cells.reference @ to_current[:split] + cells.current @ to_current[split:]
    total = sum(_observed(cells))
    return total - current, current


def _statistics(cells: Cells, reference: Weights, current: Weights) -> Iterator[tuple[Statistic, NDArray[np.float64]]]:
    yield "psi", psi(cells.binned @ reference, cells.binned @ current)
    if cells.known:
        yield "ks", ks(reference[: cells.known], current[: cells.known])


def _finding(one: _Measured, p: float, settings: DriftSettings) -> Finding:
    low, high = interval(one.value, one.resampled)
    threshold = settings.threshold(one.statistic)
    return Finding(
        characteristic=one.characteristic,
        statistic=one.statistic,
        value=one.value,
        low=low,
        high=high,
        by_chance=float(np.nanpercentile(one.by_chance, 95)),
        p=p,
        threshold=threshold,
        verdict=_verdict(is_past=one.value > threshold, is_beyond_chance=p < settings.level),
    )


def _verdict(*, is_past: bool, is_beyond_chance: bool) -> Verdict:
    if is_past:
        return "drifted" if is_beyond_chance else "by chance"
    return "slight" if is_beyond_chance else "steady"


def _shares(cells: Cells) -> Shares:
    reference, current = ((cells.binned @ counts).ravel() for counts in _observed(cells))
    shares = (tuple(float(share) for share in counts / counts.sum()) for counts in (reference, current))
    return Shares(cells.bins, *shares)


def _side(profile: Profile) -> Side:
    return Side(len(profile), profile.cases, profile.drawn_from)
