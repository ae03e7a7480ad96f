"""Simple rungs: category rates, naive Bayes, and feature blocks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, TargetEncoder

from imr_ml.classifiers.families import family_sets
from imr_ml.classifiers.types import Labels, Predictions
from imr_ml.evaluation.baselines import WordVectorizer
from imr_ml.features.matrix import BlockWeights, feature_matrix

_AS_MANY_AS = 20.0
_THRESHOLD = 0.4


class CategoryRate:
    """The rate of the request's category, smoothed: the overall rate counts as much as twenty requests."""

    def fit(self, frame: pd.DataFrame, labels: Labels, groups: NDArray[np.int64]) -> Self:  # noqa: ARG002
        """Learn the rates."""
        columns = np.column_stack([labels.overturned, labels.families])
        self.rates_ = [_encoder().fit(frame[["category"]], column.astype(float)) for column in columns.T]
        return self

    def predict(self, frame: pd.DataFrame) -> Predictions:
        """The rates of each row's category; the overall ones for a category not met before."""
        rates = np.column_stack([rate.transform(frame[["category"]])[:, 0] for rate in self.rates_])
        return Predictions(rates[:, 0], rates[:, 1:], family_sets(rates[:, 1:], _THRESHOLD))


def _encoder() -> TargetEncoder:
    return TargetEncoder(target_type="continuous", smooth=_AS_MANY_AS)


class LogCountRatio(TransformerMixin, BaseEstimator):
    """Weighs each feature by the log of how much more it belongs to one class than to the other.

    Parameters
    ----------
    alpha : float, default 1
        Added to every sum.

    Attributes
    ----------
    ratio_ : (features,) float
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Learn the ratios from (rows, features) and (rows,) bool."""
        truth = np.asarray(y, dtype=bool)
        shares = [self.alpha + np.asarray(X[rows].sum(axis=0)).ravel() for rows in (truth, ~truth)]
        self.ratio_ = np.log(shares[0] / shares[0].sum()) - np.log(shares[1] / shares[1].sum())
        return self

    def transform(self, X: Any) -> csr_matrix:  # noqa: N803
        """The same features, weighed."""
        return csr_matrix(X).multiply(self.ratio_).tocsr()


_SHORTEST_RUN, _LONGEST_RUN = 2, 5
_RAREST_RUN = 2
_MOST_RUNS = 50_000


def raw_words(columns: list[str]) -> Pipeline:
    """TF-IDF of words and pairs of words as they are written, each column by itself."""
    return _texts([(name, WordVectorizer(sublinear_tf=True, ngram_range=(1, 2)), name) for name in columns])


def words_and_characters(columns: list[str]) -> Pipeline:
    """The same beside TF-IDF of runs of two to five characters within words, which misspellings leave mostly whole."""
    words = [(name, WordVectorizer(sublinear_tf=True, ngram_range=(1, 2)), name) for name in columns]
    return _texts([*words, *((f"{name}_characters", _characters(), name) for name in columns)])


def sections(weights: BlockWeights, *, dense: bool = False) -> ColumnTransformer:
    """The section features of the model, those blocks alone that weigh anything."""
    every = feature_matrix(pairs=weights.pairs > 0)
    blocks = [block for block in every.transformers if weights.of(block[0])]
    return ColumnTransformer(
        blocks,
        sparse_threshold=0.0 if dense else 1.0,
        transformer_weights={name: weights.of(name) for name, _, _ in blocks},
    )


def _texts(blocks: list[tuple[str, TfidfVectorizer, str]]) -> Pipeline:
    return make_pipeline(FunctionTransformer(_without_gaps), ColumnTransformer(blocks))


def _characters() -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(_SHORTEST_RUN, _LONGEST_RUN),
        min_df=_RAREST_RUN,
        max_features=_MOST_RUNS,
        sublinear_tf=True,
    )


def _without_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["request", "clinical_summary", "ur_guideline"]].fillna("absent")
