"""Accumulate figures over all rows of a batch.

Holds counts only, so that a batch of any size takes the same memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.reporting.batch_page.facts import SAMPLE, ReportFacts
from imr_ml.score_columns import UNCERTAIN

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

BINS = 100
OUTCOMES = ("upheld", UNCERTAIN, "overturned")
OTHER_REASONS = "other reasons"
_MOST_REASONS = 100
_LONGEST_REASON = 300


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
