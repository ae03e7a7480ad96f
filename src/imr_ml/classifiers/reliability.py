"""Measure how much of a request's text a model knows, and shrink predictions to the base rate if it is little.

A classifier cannot distinguish a word that was cut from one that was never written, so a cut summary would otherwise
shift the prediction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit, logit

from imr_ml.features.frame import ABSENT
from imr_ml.features.matrix import is_word

TOO_LITTLE = 1 / 3
"""Reliability below which the predicted outcome is ``uncertain``."""
OUTCOME_TEXTS = ("request", "summary", "codes")
FAMILY_TEXTS = ("request", "ur_guideline", "codes")
_USUAL_SHARE = 0.1
_CERTAIN = 1e-15
_MOST_ROWS = 500
_FROM_TEXTS = (
    "request_tokens",
    "summary_tokens",
    "treatments",
    "request_body_parts",
    "treated_body_parts",
    "summary_body_parts",
    "drug_classes",
    "diagnoses",
    "findings",
    "guideline_topics",
    "guideline_region",
)


@dataclass(frozen=True, slots=True)
class KnownWords:
    """Distinct words of a request that a model knows, compared with its training requests.

    Attributes
    ----------
    columns : (words,) int
        Columns of the feature matrix that stand for a single word or code.
    usual : float
        Number of known words that 90% of the training requests reach.
    """

    columns: NDArray[np.int64]
    usual: float

    @classmethod
    def from_matrices(cls, parts: Iterable[csr_matrix], names: NDArray[np.str_], blocks: Collection[str]) -> Self:
        """Count the known words of a training matrix.

        Parameters
        ----------
        parts : iterable of (rows, features) sparse matrix
            Row batches of the matrix.
        names : (features,) str
            Column names, ``block__term``.
        blocks : collection of str
            Blocks whose words are counted.
        """
        split = (name.partition("__") for name in names.tolist())
        words = [block in blocks and term != ABSENT and is_word(term) for block, _, term in split]
        uncalibrated = cls(np.flatnonzero(words), 0.0)
        counts = np.concatenate([uncalibrated.count(part) for part in parts])
        return cls(uncalibrated.columns, float(np.quantile(counts, _USUAL_SHARE)))

    def count(self, matrix: csr_matrix) -> NDArray[np.int64]:
        """Count the known words of each row, shape (rows,)."""
        is_known = np.zeros(matrix.shape[1], dtype=bool)
        is_known[self.columns] = True
        known_before = np.concatenate([[0], np.cumsum(is_known[matrix.indices])])
        counts: NDArray[np.int64] = np.diff(known_before[matrix.indptr])
        return counts

    def reliability(self, matrix: csr_matrix) -> NDArray[np.float64]:
        """Return each row's share of the usual number of known words, at most 1, shape (rows,).

        It is 1 for all rows if the usual number is 0.
        """
        if not self.usual:
            return np.ones(matrix.shape[0])
        return np.minimum(1.0, self.count(matrix) / self.usual)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Prediction for a request without known text, and the reference for contributions.

    Attributes
    ----------
    averages : (features,) float
        Column means of the training matrix.
    outcome : KnownWords
        Known words in the texts that predict the outcome.
    families : KnownWords
        Known words in the texts that predict the families.
    overturned : float
        Base rate of overturned denials.
    without_text : float
        Mean difference in log-odds of an overturned denial between requests without and with their texts.
    cited : (families,) float
        Base rate of each family; NaN if the source has no families.
    """

    averages: NDArray[np.float64]
    outcome: KnownWords
    families: KnownWords
    overturned: float
    without_text: float
    cited: NDArray[np.float64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return arrays by name, for saving."""
        return {
            "averages": self.averages,
            "outcome_words": self.outcome.columns,
            "family_words": self.families.columns,
            "rates": np.array(
                [self.outcome.usual, self.families.usual, self.overturned, self.without_text, *self.cited]
            ),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Rebuild a baseline from what `arrays` returned."""
        usual_outcome, usual_families, overturned, without_text, *cited = arrays["rates"].tolist()
        return cls(
            np.asarray(arrays["averages"]),
            KnownWords(np.asarray(arrays["outcome_words"]), usual_outcome),
            KnownWords(np.asarray(arrays["family_words"]), usual_families),
            overturned,
            without_text,
            np.array(cited),
        )


def shrink_to_base_rate(
    probability: NDArray[np.float64],
    base_rate: float | NDArray[np.float64],
    reliability: NDArray[np.float64],
    without_text: float = 0.0,
) -> NDArray[np.float64]:
    """Shrink probabilities toward the base rate by their reliability, in log-odds; same shape.

    Parameters
    ----------
    probability : (rows,) or (rows, classes) float
    base_rate : float or (classes,) float
    reliability : (rows,) float
        Between 0 and 1.
    without_text : float, default 0
        See `Baseline`; the part of it that is due to unknown text is subtracted first.

    Examples
    --------
    >>> shrink_to_base_rate(np.array([0.5, 0.5]), 0.1, np.array([0.0, 1.0]))
    array([0.1, 0.5])
    """
    share = reliability.reshape(-1, *[1] * (probability.ndim - 1))
    base = log_odds(base_rate)
    # Squared, because the first words to be cut change a score less than the last.
    lift = (1 - share) ** 2 * without_text
    shrunk: NDArray[np.float64] = expit(base + share * (log_odds(probability) - base - lift))
    # Avoid rounding errors where nothing changes.
    return np.where((share == 1) | (probability == base_rate), probability, shrunk)


def without_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a sample of rows of a feature frame with empty request and summary texts."""
    sample = frame.iloc[:: max(1, len(frame) // _MOST_ROWS)]
    return sample.assign(**dict.fromkeys(_FROM_TEXTS, ABSENT))


def log_odds(probability: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds, finite for probabilities of 0 and 1."""
    finite: NDArray[np.float64] = logit(np.clip(probability, _CERTAIN, 1 - _CERTAIN))
    return finite
