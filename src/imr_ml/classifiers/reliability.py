"""Measure how much of a request's text a model knows, and move predictions of little known text to the base rate.

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
"""Reliability below which a request's outcome is not called."""
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
        Columns of the feature matrix that are one word or code each.
    usual : float
        Known words that nine in ten of the requests fitted on have at least.
    """

    columns: NDArray[np.int64]
    usual: float

    @classmethod
    def of(cls, parts: Iterable[csr_matrix], names: NDArray[np.str_], blocks: Collection[str]) -> Self:
        """Count the known words of a training matrix.

        Parameters
        ----------
        parts : iterable of (rows, features) sparse matrix
            Rows of the matrix, some at a time.
        names : (features,) str
            ``block__term``.
        blocks : collection of str
            Blocks whose words count.
        """
        split = (name.partition("__") for name in names.tolist())
        words = [block in blocks and term != ABSENT and is_word(term) for block, _, term in split]
        counting = cls(np.flatnonzero(words), 0.0)
        counts = np.concatenate([counting.count(part) for part in parts])
        return cls(counting.columns, float(np.quantile(counts, _USUAL_SHARE)))

    def count(self, matrix: csr_matrix) -> NDArray[np.int64]:
        """Known words of each row, shape (rows,)."""
        is_known = np.zeros(matrix.shape[1], dtype=bool)
        is_known[self.columns] = True
        known_before = np.concatenate([[0], np.cumsum(is_known[matrix.indices])])
        counts: NDArray[np.int64] = np.diff(known_before[matrix.indptr])
        return counts

    def reliability(self, matrix: csr_matrix) -> NDArray[np.float64]:
        """Share of the usual number of known words, between 0 and 1; shape (rows,).

        It is 1 throughout where requests without a known word were usual.
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
        Of the feature matrix that the model was fitted on.
    outcome : KnownWords
        What the outcome rests on.
    families : KnownWords
        What the families rest on.
    overturned : float
        Base rate of overturned denials.
    without_text : float
        How much higher the log-odds of an overturned denial are without the texts of a request than with them, on
        average.
    cited : (families,) float
        Base rate of each family; NaN where the source has no families.
    """

    averages: NDArray[np.float64]
    outcome: KnownWords
    families: KnownWords
    overturned: float
    without_text: float
    cited: NDArray[np.float64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, for saving."""
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
        """The same from what `arrays` gave."""
        usual_outcome, usual_families, overturned, without_text, *cited = arrays["rates"].tolist()
        return cls(
            np.asarray(arrays["averages"]),
            KnownWords(np.asarray(arrays["outcome_words"]), usual_outcome),
            KnownWords(np.asarray(arrays["family_words"]), usual_families),
            overturned,
            without_text,
            np.array(cited),
        )


def toward_base_rate(
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
        See `Baseline`; what of it a request has for lack of known text is taken off first.

    Examples
    --------
    >>> toward_base_rate(np.array([0.5, 0.5]), 0.1, np.array([0.0, 1.0]))
    array([0.1, 0.5])
    """
    share = reliability.reshape(-1, *[1] * (probability.ndim - 1))
    base = log_odds(base_rate)
    # Squared, because the first words to be cut change a score less than the last.
    lift = (1 - share) ** 2 * without_text
    moved: NDArray[np.float64] = expit(base + share * (log_odds(probability) - base - lift))
    # What is sure of every request stays sure.
    return np.where((share == 1) | (probability == base_rate), probability, moved)


def without_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Some rows of a feature frame as if their request and summary said nothing."""
    some = frame.iloc[:: max(1, len(frame) // _MOST_ROWS)]
    return some.assign(**dict.fromkeys(_FROM_TEXTS, ABSENT))


def log_odds(probability: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds, finite for what is certain."""
    finite: NDArray[np.float64] = logit(np.clip(probability, _CERTAIN, 1 - _CERTAIN))
    return finite
