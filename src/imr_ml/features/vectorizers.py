"""Vectorizers of texts that are already tokens: TF-IDF of sections, one column per fact, and pairs of facts.

They count a text that several requests share once.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils import gen_batches
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

from imr_ml.features.terms import FeatureError, Terms, frequent_terms

_ENTRIES_AT_ONCE = 10_000_000
_TEXTS_AT_ONCE = 20_000


class _CountedTexts:
    """Vectorizer of tokens that are separated by blanks; it saves small and counts each different text once."""

    def fit(self, raw_documents: Any, y: Any = None) -> Self:
        """Choose the terms; `y` is the case of each text, each its own where not given."""
        self.fit_distinct(raw_documents, y)
        return self

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Matrix of the texts, shape (rows, terms); see `fit`."""
        matrix, places = self.fit_distinct(raw_documents, y)
        return matrix[places]

    def transform(self, raw_documents: Any) -> Any:
        """Matrix of the texts, shape (rows, terms)."""
        documents = np.asarray(raw_documents, dtype=object)
        if len(documents) == 1:
            return self._weigh(self._count(documents))
        places, texts = pd.factorize(documents)
        return self._weigh(self._count(texts))[places]

    def fit_distinct(self, raw_documents: Any, y: Any = None) -> tuple[csr_matrix, NDArray[np.int64]]:
        """Matrix of the different texts, shape (texts, terms), and the place of each row's text among them.

        Parameters
        ----------
        raw_documents : (rows,) str
        y : (rows,) int, optional
            Case of each text; each its own where not given.

        Raises
        ------
        FeatureError
            Where no term occurs in enough cases.
        """
        places, texts = pd.factorize(np.asarray(raw_documents, dtype=object))
        times = np.bincount(places, minlength=len(texts))
        cases = self._cases_with(places, y) if self.min_df > 1 else None  # type: ignore[attr-defined]
        terms = frequent_terms(
            texts.tolist(),
            times,
            cases,
            self.ngram_range[1],  # type: ignore[attr-defined]
            self.max_features,  # type: ignore[attr-defined]
            self.min_df,  # type: ignore[attr-defined]
        )
        self.vocabulary_ = {term: column for column, term in enumerate(terms)}
        self._terms = Terms.of(terms)
        counts = self._count(texts)
        self._fit_weights(counts, times)
        return self._weigh(counts), places

    def _cases_with(self, places: NDArray[np.int64], y: Any) -> csr_matrix | None:
        """Which cases have which text, shape (cases, texts); None where each row is a case of its own."""
        case = np.arange(len(places)) if y is None else np.unique(y, return_inverse=True)[1]
        number = int(case.max()) + 1
        if self.min_df > number:  # type: ignore[attr-defined]
            raise FeatureError(f"min_cases is {self.min_df}, and there are {number} cases: lower it")  # type: ignore[attr-defined]
        return None if y is None else csr_matrix((np.ones(len(places), dtype=np.float32), (case, places)))

    def _count(self, texts: Any) -> csr_matrix:
        if getattr(self, "_terms", None) is None:
            self._terms = Terms.of(sorted(self.vocabulary_, key=self.vocabulary_.__getitem__))
        counts = self._terms.count(texts, self.dtype)  # type: ignore[attr-defined]
        if self.binary:  # type: ignore[attr-defined]
            counts.data.fill(1)
        return counts

    def _fit_weights(self, counts: csr_matrix, times: NDArray[np.int64]) -> None:
        """Nothing is weighed."""

    def _weigh(self, counts: csr_matrix) -> csr_matrix:
        return counts

    def __getstate__(self) -> dict[str, object]:
        """The vocabulary as one array: skops writes a slow node for each entry of a dict."""
        state: dict[str, object] = dict(super().__getstate__())  # type: ignore[call-overload]
        state.pop("_terms", None)
        if isinstance(vocabulary := state.get("vocabulary_"), dict):
            state["vocabulary_"] = np.array(sorted(vocabulary, key=vocabulary.__getitem__), dtype=np.str_)
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        if isinstance(terms := state.get("vocabulary_"), np.ndarray):
            state = state | {"vocabulary_": {term: place for place, term in enumerate(terms.tolist())}}
        super().__setstate__(state)  # type: ignore[misc]


class TermVectorizer(_CountedTexts, TfidfVectorizer):
    """`TfidfVectorizer` of tokens that are separated by blanks; `min_df` counts cases, not texts."""

    def _fit_weights(self, counts: csr_matrix, times: NDArray[np.int64]) -> None:
        """Inverse document frequencies, as of rows."""
        rows = np.zeros(counts.shape[1])
        for part in gen_batches(counts.shape[0], _TEXTS_AT_ONCE):
            texts = counts[part]
            rows += np.bincount(texts.indices, np.repeat(times[part], np.diff(texts.indptr)), counts.shape[1])
        rows = rows.astype(self.dtype) + self.smooth_idf
        self._tfidf = TfidfTransformer(
            norm=self.norm, use_idf=self.use_idf, smooth_idf=self.smooth_idf, sublinear_tf=self.sublinear_tf
        )
        self._tfidf.idf_ = np.log((times.sum() + self.smooth_idf) / rows) + 1

    def _weigh(self, counts: csr_matrix) -> csr_matrix:
        """What `TfidfTransformer` makes of counts, with rows of length 1, in place and a part at a time."""
        frequency = self._tfidf.idf_.astype(counts.dtype)
        for part in gen_batches(max(1, counts.nnz), _ENTRIES_AT_ONCE):
            if self.sublinear_tf:
                np.log(counts.data[part], counts.data[part])
                counts.data[part] += 1.0
            counts.data[part] *= frequency[counts.indices[part]]
        inplace_csr_row_normalize_l2(counts)
        return counts


class FactVectorizer(_CountedTexts, CountVectorizer):
    """`CountVectorizer` of tokens that are separated by blanks."""


class FactPairs(PolynomialFeatures):
    """`PolynomialFeatures` that gives the pairs alone, without the single facts that they are made of."""

    def __init__(self) -> None:
        super().__init__(degree=2, interaction_only=True, include_bias=False)

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Every product of two columns, shape (rows, columns * (columns - 1) / 2)."""
        return super().transform(X)[:, self.n_features_in_ :]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Both names of each pair, with a blank between them."""
        names: NDArray[np.object_] = super().get_feature_names_out(input_features)[self.n_features_in_ :]
        return names
