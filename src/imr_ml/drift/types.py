"""Data types of a drift report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imr_ml.errors import ImrError

Statistic = Literal["psi", "ks"]
Verdict = Literal["drifted", "slight", "by chance", "steady"]


class DriftError(ImrError):
    """Profiles that can't be compared; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """Settings of a comparison.

    Attributes
    ----------
    psi, ks : float
        Thresholds of drift. Common practice acts on a population stability index of 0.2 or more (Siddiqi, Credit Risk
        Scorecards, 2006: from 0.25; watch 0.1 to 0.25).
    level : float
        Family-wise error rate of a comparison.
    draws : int
        Number of resamples and of permutations.
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
        """Threshold of a statistic."""
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
        Ends of the 95 % bootstrap interval over cases.
    by_chance : float
        95th percentile over random assignments of cases to the two sides.
    p : float
        Permutation p-value, adjusted for the number of statistics (Holm).
    threshold : float
    verdict : {"drifted", "slight", "by chance", "steady"}
        ``drifted``: above the threshold and beyond chance. ``slight``: beyond chance, below the threshold. ``by
        chance``: above the threshold, but a batch this small may be without drift. ``steady``: neither.
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
    """Distribution of a characteristic over its bins on both sides; each side's shares sum to 1."""

    bins: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Size of one side; `drawn_from` is the number of rows that its rows are a sample of."""

    rows: int
    cases: int
    drawn_from: int


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Result of a comparison.

    Attributes
    ----------
    findings : tuple of Finding
    shares : dict of Shares
        By characteristic.
    constant : tuple of str
        Characteristics with one value in all requests of both sides.
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
        """Characteristics that drifted, in order."""
        return tuple(dict.fromkeys(one.characteristic for one in self.findings if one.verdict == "drifted"))
