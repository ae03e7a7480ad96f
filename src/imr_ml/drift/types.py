"""Data types of a drift report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imr_ml.errors import ImrError

Statistic = Literal["psi", "ks"]
Verdict = Literal["drifted", "slight", "by chance", "steady"]


class DriftError(ImrError):
    """What can't be compared; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """How profiles are compared, and what counts as drift.

    Attributes
    ----------
    psi, ks : float
        Thresholds. A population stability index of 0.2 and more is commonly taken for a shift to act on (Siddiqi,
        Credit Risk Scorecards, 2006, from 0.25 on; 0.1 to 0.25 to watch).
    level : float
        How often chance may raise any alarm in a comparison.
    draws : int
        Resamples for the intervals, and permutations for what chance gives.
    seed : int
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
        """Of a statistic."""
        return self.psi if statistic == "psi" else self.ks


@dataclass(frozen=True, slots=True)
class Finding:
    """One statistic of one characteristic.

    Attributes
    ----------
    characteristic : str
    statistic : {"psi", "ks"}
    value : float
    low, high : float
        Ends of the 95 % interval over resampled cases.
    by_chance : float
        95th percentile of the same statistic where cases are dealt out to the two sides at random.
    p : float
        How often chance gives as much, adjusted for the number of statistics in the comparison (Holm).
    threshold : float
    verdict : {"drifted", "slight", "by chance", "steady"}
        ``drifted``: past the threshold and beyond chance. ``slight``: beyond chance, not past the threshold. ``by
        chance``: past the threshold, as a batch so small may be without any drift. ``steady``: neither.
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
    """How requests of either side are spread over the bins of a characteristic.

    Attributes
    ----------
    bins : tuple of str
    reference, current : tuple of float
        Shares, each adding up to 1.
    """

    bins: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """How much was compared on one side.

    Attributes
    ----------
    rows, cases : int
    drawn_from : int
        Rows that these were drawn from.
    """

    rows: int
    cases: int
    drawn_from: int


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What a comparison found.

    Attributes
    ----------
    findings : tuple of Finding
    shares : dict of Shares
        By characteristic.
    constant : tuple of str
        Characteristics that are the same in all requests of both sides.
    reference, current : Side
    settings : DriftSettings
    unstated : tuple of str
        Characteristics that one side alone states, which are not compared.
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
        """Characteristics that drifted, in their order."""
        return tuple(dict.fromkeys(one.characteristic for one in self.findings if one.verdict == "drifted"))
