"""Facts and figures of a batch, as counts: a batch of any size takes the same memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.reporting.names import FAMILY_NAMES
from imr_ml.score_columns import UNCERTAIN

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from imr_ml.model_files import LoadedModel


SAMPLE = "sample"
BINS = 100
OUTCOMES = ("upheld", UNCERTAIN, "overturned")
OTHER_REASONS = "other reasons"
_MOST_REASONS = 100
_LONGEST_REASON = 300
_ENDS = (20, 40, 100)
"""Percent that an axis may end at; a bin is one percent wide."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Where a scored batch came from and what scored it.

    Attributes
    ----------
    source : str
        Name of the input, as a reader knows it.
    model_version : str
        First 12 digits of the classifiers' SHA-256.
    trained_on : str
        Source of the training data: ``dwc``, ``dmhc`` or ``sample``.
    coverage : float
        Share of cases whose prediction set must hold their outcome, between 0 and 1.
    base_rate : float or None
        Share overturned among the training requests; None where not known.
    columns : mapping of str to str
        The contract's name of a column -> the user's, for those that the user calls otherwise.
    """

    source: str
    model_version: str
    trained_on: str
    coverage: float
    scored_at: datetime
    base_rate: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        source: str,
        model: LoadedModel,
        scored_at: datetime,
        coverage: float | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """What `model` says of itself; without a coverage, the one it was trained for.

        Parameters
        ----------
        source : str
            What to call the input in an error.
        model : LoadedModel
        scored_at : datetime
        coverage : float, optional
            Share of cases whose set must contain their outcome.
        columns : mapping, optional
        """
        data = model.facts["data"]
        decided = data["requests"] - data["undecided"]
        return cls(
            source=source,
            model_version=model.version,
            trained_on=data["source"],
            coverage=model.facts["settings"]["coverage"] if coverage is None else coverage,
            scored_at=scored_at,
            base_rate=data["overturned"] / decided if decided else None,
            columns=columns or {},
        )

    @property
    def is_sample_model(self) -> bool:
        """Whether the model was trained on invented letters."""
        return self.trained_on == SAMPLE

    def column(self, name: str) -> str:
        """What the user calls a column of the contract."""
        return self.columns.get(name, name)


@dataclass(slots=True)
class Totals:
    """Counts over the rows added so far.

    Attributes
    ----------
    rows, errors, sample_rows : int
        All rows, those that could not be scored, and those that come from the sample corpus.
    reasons : Counter of str
        Why rows could not be scored; what comes after the first 100 reasons is counted together.
    families : Counter of str
        Scored rows by guideline family expected; a row counts for each of its families.
    histogram : (outcomes, bins) int
        Scored rows by predicted outcome, in the order of `OUTCOMES`, and by ``p_overturned`` in equal bins of 0 to 1.
    sum_p : float
        Of ``p_overturned``.
    """

    rows: int = 0
    errors: int = 0
    sample_rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(OUTCOMES), BINS), dtype=np.int64))
    sum_p: float = 0.0

    @property
    def scored(self) -> int:
        """Rows with a prediction."""
        return int(self.histogram.sum())

    @property
    def outcomes(self) -> dict[str, int]:
        """Scored rows by predicted outcome."""
        return dict(zip(OUTCOMES, self.histogram.sum(axis=1).tolist(), strict=True))

    @property
    def mean_p(self) -> float | None:
        """Mean of ``p_overturned``; None where nothing was scored."""
        return self.sum_p / self.scored if self.scored else None

    def add(self, chunk: pd.DataFrame, facts: ReportFacts) -> None:
        """Count the rows of a chunk."""
        self.rows += len(chunk)
        self._add_errors(chunk["error"])
        self._add_probabilities(chunk)
        if "families_pred" in chunk:
            cited = chunk["families_pred"].dropna().astype(str).value_counts()
            for families, count in cited.items():
                self.families.update(dict.fromkeys(str(families).split(FAMILY_SEPARATOR), int(count)))
        source = facts.column("source")
        if source in chunk:
            self.sample_rows += int(chunk[source].astype("string").eq(SAMPLE).sum())

    def _add_errors(self, errors: pd.Series) -> None:
        for reason, count in errors.dropna().astype(str).str[:_LONGEST_REASON].value_counts().items():
            known = reason in self.reasons or len(self.reasons) < _MOST_REASONS
            self.reasons[str(reason) if known else OTHER_REASONS] += int(count)
            self.errors += int(count)

    def _add_probabilities(self, chunk: pd.DataFrame) -> None:
        p = chunk["p_overturned"].to_numpy(dtype=np.float64, na_value=np.nan)
        outcomes = chunk["outcome_pred"].astype("string").to_numpy(dtype=object, na_value="")
        scored = ~np.isnan(p)
        bins = np.minimum((p[scored] * BINS).astype(np.int64), BINS - 1)
        for place, outcome in enumerate(OUTCOMES):
            self.histogram[place] += np.bincount(bins[outcomes[scored] == outcome], minlength=BINS)
        self.sum_p += float(p[scored].sum())


class Bar(NamedTuple):
    """One colored piece of a histogram's column, in percent of the drawing, from its top left."""

    outcome: str
    x: float
    y: float
    width: float
    height: float


class Histogram(NamedTuple):
    """A histogram to draw, from 0 to the least of `_ENDS` that leaves nothing out.

    Attributes
    ----------
    columns : list of (float, str)
        Place and description of each column that holds anything.
    width : float
        Of a column, in percent of the drawing.
    highest : int
        Count of the full height.
    end : int
        Probability of the full width, in percent.
    """

    bars: list[Bar]
    columns: list[tuple[float, str]]
    width: float
    highest: int
    end: int

    def place(self, probability: float) -> float:
        """Place of a probability, in percent of the drawing."""
        return 10_000 * probability / self.end


def histogram(counts: NDArray[np.int64], base_rate: float | None = None) -> Histogram:
    """Columns of stacked bars, from counts of shape (outcomes, bins) over 0 to 1."""
    of_bin = counts.sum(axis=0).tolist()
    filled = [place for place, count in enumerate(of_bin) if count]
    last = max([*filled, int(100 * (base_rate or 0))], default=0)
    end = next((end for end in _ENDS if last < end), _ENDS[-1])
    highest, width = max(of_bin), 100 / end
    bars: list[Bar] = []
    for place in filled:
        top = 100.0
        for outcome, count in zip(OUTCOMES, counts[:, place].tolist(), strict=True):
            if count:
                height = 100 * count / highest
                top -= height
                bars.append(Bar(outcome, round(place * width, 3), round(top, 3), round(width, 3), round(height, 3)))
    columns = [(round(place * width, 3), f"{place} to {place + 1} %: {of_bin[place]:,}") for place in filled]
    return Histogram(bars, columns, round(width, 3), highest, end)


def family_bars(totals: Totals) -> list[dict[str, str | float]]:
    """Families that any row expects, the most frequent first."""
    return [
        {
            "family": family,
            "name": FAMILY_NAMES.get(family, family),
            "count": count,
            "percent": round(100 * count / totals.scored, 2),
        }
        for family, count in totals.families.most_common()
    ]
