"""Baselines: the base rate, the families that UR cited, and plain TF-IDF.

Each baseline is fitted and evaluated on the same folds as the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import gen_batches

from imr_ml.classifiers.families import family_probabilities, family_sets
from imr_ml.classifiers.outcome import sparse_logistic_regression
from imr_ml.classifiers.types import Labels, Predictions, join_predictions
from imr_ml.corpus.schema import families_of
from imr_ml.features.vectorizers import TermVectorizer
from imr_ml.guidelines.types import FAMILIES

_PLAIN_C = 10.0
_PLAIN_THRESHOLD = 0.4
_PLACEHOLDER = "absent"
_ROWS_AT_ONCE = 20_000
# The pattern of scikit-learn's vectorizers.
_WORD = re.compile(r"(?u)\b\w\w+\b")


class BaseRate:
    """Predict the rates of the evaluated data for every request, the best constant prediction."""

    def __init__(self, labels: Labels) -> None:
        self.p_overturned = float(labels.overturned.mean())
        self.family_probability = labels.families.mean(axis=0)

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Do nothing; the rates are set at construction."""
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Return the same probabilities for every row; the set is the most frequent family."""
        probability = np.tile(self.family_probability, (len(frame), 1))
        return Predictions(
            np.full(len(frame), self.p_overturned), probability, family_sets(probability, threshold=np.inf)
        )


class UrFamilies:
    """Predict that the reviewer cites the families that the claims administrator cited."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Compute the base rates, which break ties and apply where the UR families are unknown."""
        self.base_ = BaseRate(labels)
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Return the UR families as the set; the most frequent of them is the most likely."""
        base = self.base_.predict(frame)
        ur_families = [set(families_of(str(value).replace(" ", "|"))) for value in frame["ur_families"]]
        cited = np.array([[family in row for family in FAMILIES] for row in ur_families], dtype=bool)
        has_families = cited.any(axis=1, keepdims=True)
        probability = np.where(has_families, cited + base.family_probability / 2, base.family_probability)
        return Predictions(base.p_overturned, probability, np.where(has_families, cited, base.family_set))


class PlainText:
    """TF-IDF of the raw words and logistic regression, without the spaCy stage.

    It predicts the outcome from the request and the clinical summary as one text, and the families from the request
    and the UR guideline as two texts: each arrangement works best for its target. On a large table it is fitted on a
    sample of the cases.
    """

    MOST_REQUESTS = 50_000
    COLUMNS = ("request", "clinical_summary", "ur_guideline")

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Fit one pipeline per label."""
        self.outcome_ = make_pipeline(_words(), _regression()).fit(_outcome_text(frame), labels.overturned)
        self.families_ = [
            _family_pipeline().fit(_family_texts(frame), column) if 0 < column.sum() < len(column) else float(column[0])
            for column in labels.families.T
        ]
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """Return predictions; the set contains every family above `_PLAIN_THRESHOLD`, and the most likely one."""
        parts = [self._predict(frame.iloc[rows]) for rows in gen_batches(len(frame), _ROWS_AT_ONCE)]
        return join_predictions(parts)

    def _predict(self, frame: pd.DataFrame) -> Predictions:
        probability = family_probabilities(self.families_, _family_texts(frame))
        outcome = self.outcome_.predict_proba(_outcome_text(frame))[:, 1]
        return Predictions(outcome, probability, family_sets(probability, _PLAIN_THRESHOLD))


class WordVectorizer(TermVectorizer):
    """Return exactly the values of `TfidfVectorizer`, but accept a corpus without any word."""

    def fit_distinct(self, raw_documents: Any, y: Any = None) -> tuple[csr_matrix, NDArray[np.int64]]:
        """Return the matrix of the distinct texts and each row's index in it; see `TermVectorizer`."""
        texts = _plain_words(raw_documents)
        return super().fit_distinct(texts if any(texts) else [_PLACEHOLDER] * len(texts), y)

    def transform(self, raw_documents: Any) -> csr_matrix:
        """Return the matrix of the texts, shape (rows, terms)."""
        return csr_matrix(super().transform(_plain_words(raw_documents)))


def _plain_words(texts: Iterable[str]) -> list[str]:
    return [" ".join(_WORD.findall(text.lower())) for text in texts]


def _words() -> WordVectorizer:
    return WordVectorizer(sublinear_tf=True, ngram_range=(1, 2))


def _regression() -> LogisticRegression:
    return sparse_logistic_regression(_PLAIN_C, seed=0)


def _family_pipeline() -> Pipeline:
    sections = [(name, _words(), name) for name in ("request", "ur_guideline")]
    return make_pipeline(ColumnTransformer(sections), _regression())


def _outcome_text(frame: pd.DataFrame) -> pd.Series:
    return frame["request"].fillna("") + "\n" + frame["clinical_summary"].fillna("")


def _family_texts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["request", "ur_guideline"]].astype("object").fillna(_PLACEHOLDER)
