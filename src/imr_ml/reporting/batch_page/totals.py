"""Facts and counts of a batch; memory use does not depend on the size of the batch."""

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
_MAX_REASONS = 100
_MAX_REASON_LENGTH = 300
_AXIS_ENDS = (20, 40, 100)
"""Possible ends of the axis in percent; a bin is one percent wide."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Origin of a scored batch, and the model that scored it.

    Attributes
    ----------
    source : str
        Name of the input, for readers.
    model_version : str
        First 12 digits of the classifiers' SHA-256.
    trained_on : str
        Source of the training data, e.g. ``dwc``, ``dmhc`` or ``sample``.
    coverage : float
        Share of cases whose prediction set must contain their outcome, between 0 and 1.
    base_rate : float or None
        Share overturned among the training requests; None if unknown.
    columns : mapping of str to str
        Standard name of a column -> the user's name, where they differ.
    """

    source: str
    model_version: str
    trained_on: str
    coverage: float
    scored_at: datetime
    base_rate: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_model(
        cls,
        source: str,
        model: LoadedModel,
        scored_at: datetime,
        coverage: float | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Collect the facts of a model and a batch.

        Parameters
        ----------
        source : str
            Name of the input, for readers.
        model : LoadedModel
        scored_at : datetime
        coverage : float, optional
            Share of cases whose set must contain their outcome; by default the one that the model was trained for.
        columns : mapping, optional
            Standard name of a column -> the user's name, where they differ.
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
        """Return the user's name of a standard column."""
        return self.columns.get(name, name)


@dataclass(slots=True)
class Totals:
    """Counts of the rows added so far.

    Attributes
    ----------
    rows, errors, sample_rows : int
        All rows, rows that could not be scored, and rows of the sample corpus.
    reasons : Counter of str
        Reasons why rows could not be scored; all after the first 100 are counted together.
    families : Counter of str
        Scored rows by predicted guideline family; a row counts for each of its families.
    histogram : (outcomes, bins) int
        Scored rows by predicted outcome, in the order of `OUTCOMES`, and by ``p_overturned`` in equal bins of 0 to 1.
    sum_p : float
        Sum of ``p_overturned``.
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
        """Mean of ``p_overturned``; None if no row was scored."""
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
        for reason, count in errors.dropna().astype(str).str[:_MAX_REASON_LENGTH].value_counts().items():
            has_room = reason in self.reasons or len(self.reasons) < _MAX_REASONS
            self.reasons[str(reason) if has_room else OTHER_REASONS] += int(count)
            self.errors += int(count)

    def _add_probabilities(self, chunk: pd.DataFrame) -> None:
        p = chunk["p_overturned"].to_numpy(dtype=np.float64, na_value=np.nan)
        outcomes = chunk["outcome_pred"].astype("string").to_numpy(dtype=object, na_value="")
        scored = ~np.isnan(p)
        bins = np.minimum((p[scored] * BINS).astype(np.int64), BINS - 1)
        for number, outcome in enumerate(OUTCOMES):
            self.histogram[number] += np.bincount(bins[outcomes[scored] == outcome], minlength=BINS)
        self.sum_p += float(p[scored].sum())


class Bar(NamedTuple):
    """A colored segment of a histogram's column, in percent of the drawing, from its top left."""

    outcome: str
    x: float
    y: float
    width: float
    height: float


class Histogram(NamedTuple):
    """A histogram to draw, from 0 to the smallest of `_AXIS_ENDS` that includes all values.

    Attributes
    ----------
    columns : list of (float, str)
        Position and description of each column that is not empty.
    width : float
        Width of a column, in percent of the drawing.
    highest : int
        Count at the full height.
    end : int
        Probability at the full width, in percent.
    """

    bars: list[Bar]
    columns: list[tuple[float, str]]
    width: float
    highest: int
    end: int

    def position(self, probability: float) -> float:
        """Return the position of a probability, in percent of the drawing."""
        return 10_000 * probability / self.end


def histogram(counts: NDArray[np.int64], base_rate: float | None = None) -> Histogram:
    """Lay out columns of stacked bars, from counts of shape (outcomes, bins) over 0 to 1."""
    totals = counts.sum(axis=0).tolist()
    filled = [number for number, total in enumerate(totals) if total]
    last = max([*filled, int(100 * (base_rate or 0))], default=0)
    end = next((end for end in _AXIS_ENDS if last < end), _AXIS_ENDS[-1])
    highest, width = max(totals), 100 / end
    bars: list[Bar] = []
    for number in filled:
        top = 100.0
        for outcome, count in zip(OUTCOMES, counts[:, number].tolist(), strict=True):
            if count:
                height = 100 * count / highest
                top -= height
                bars.append(Bar(outcome, round(number * width, 3), round(top, 3), round(width, 3), round(height, 3)))
    columns = [(round(number * width, 3), f"{number} to {number + 1} %: {totals[number]:,}") for number in filled]
    return Histogram(bars, columns, round(width, 3), highest, end)


def family_bars(totals: Totals) -> list[dict[str, str | float]]:
    """Return the predicted families for the bar chart, most frequent first."""
    return [
        {
            "family": family,
            "name": FAMILY_NAMES.get(family, family),
            "count": count,
            "percent": round(100 * count / totals.scored, 2),
        }
        for family, count in totals.families.most_common()
    ]
