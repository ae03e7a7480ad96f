"""Feature frames as matrices: raw words, characters, and the section features by weight.

Knows the feature frame's columns and scikit-learn's transformers. What each makes is learnt from texts, never from
labels.
"""

from __future__ import annotations

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imr_ml.features.matrix import BlockWeights, feature_matrix

_SHORTEST_RUN, _LONGEST_RUN = 2, 5
_RAREST_RUN = 2
_MOST_RUNS = 50_000


def raw_words(columns: list[str]) -> Pipeline:
    """TF-IDF of words and pairs of words as they are written, each column by itself."""
    return _texts([(name, TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), name) for name in columns])


def words_and_characters(columns: list[str]) -> Pipeline:
    """The same beside TF-IDF of runs of two to five characters within words, which misspellings leave mostly whole."""
    words = [(name, TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), name) for name in columns]
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
