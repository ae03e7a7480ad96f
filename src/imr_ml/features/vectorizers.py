"""Vectorize tokenized texts: TF-IDF of sections, indicators of facts, and pairs of facts.

Texts that several requests share are counted only once.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils import gen_batches
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

from imr_ml.features.terms import FeatureError, Terms
from imr_ml.features.vocabulary import select_frequent_terms

_ENTRIES_AT_ONCE = 10_000_000
_TEXTS_AT_ONCE = 20_000


class _CountedTexts:
    """Base of vectorizers for tokens separated by blanks; counts each distinct text once and saves compactly."""

    _terms: Terms | None = None

    def fit(self, raw_documents: Any, y: Any = None) -> Self:
        """Select the terms; `y` is the case of each text, by default each text is a case."""
        self.fit_distinct(raw_documents, y)
        return self

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Fit and return the matrix of the texts, shape (rows, terms)."""
        matrix, places = self.fit_distinct(raw_documents, y)
        return matrix[places]

    def transform(self, raw_documents: Any) -> Any:
        """Return the matrix of the texts, shape (rows, terms)."""
        documents = np.asarray(raw_documents, dtype=object)
        if len(documents) == 1:
            return self._apply_weights(self._count(documents))
        places, texts = pd.factorize(documents)
        return self._apply_weights(self._count(texts))[places]

    def fit_distinct(self, raw_documents: Any, y: Any = None) -> tuple[csr_matrix, NDArray[np.int64]]:
        """Fit and return the matrix of the distinct texts, shape (texts, terms), and the row of each text in it.

        Parameters
        ----------
        raw_documents : (rows,) str
        y : (rows,) int, optional
            Case of each text; default: each text is a case.

        Raises
        ------
        FeatureError
            If no term occurs in enough cases.
        """
        places, texts = pd.factorize(np.asarray(raw_documents, dtype=object))
        times = np.bincount(places, minlength=len(texts))
        cases = self._cases_with(places, y) if self.min_df > 1 else None  # type: ignore[attr-defined]
        terms = select_frequent_terms(
            texts.tolist(),
            times,
            cases,
            self.ngram_range[1],  # type: ignore[attr-defined]
            self.max_features,  # type: ignore[attr-defined]
            self.min_df,  # type: ignore[attr-defined]
        )
        self.vocabulary_ = {term: column for column, term in enumerate(terms)}
        self._terms = None
        counts = self._count(texts)
        self._fit_weights(counts, times)
        return self._apply_weights(counts), places

    def _cases_with(self, places: NDArray[np.int64], y: Any) -> csr_matrix | None:
        """Return the number of occurrences of each text in each case, shape (cases, texts); None without `y`."""
        case = np.arange(len(places)) if y is None else np.unique(y, return_inverse=True)[1]
        number = int(case.max()) + 1
        if self.min_df > number:  # type: ignore[attr-defined]
            raise FeatureError(f"min_cases is {self.min_df}, but there are only {number} cases: lower it")  # type: ignore[attr-defined]
        return None if y is None else csr_matrix((np.ones(len(places), dtype=np.float32), (case, places)))

    def _count(self, texts: Any) -> csr_matrix:
        if self._terms is None:
            self._terms = Terms.from_vocabulary(sorted(self.vocabulary_, key=self.vocabulary_.__getitem__))
        counts = self._terms.count(texts, self.dtype)  # type: ignore[attr-defined]
        if self.binary:  # type: ignore[attr-defined]
            counts.data.fill(1)
        return counts

    def _fit_weights(self, counts: csr_matrix, times: NDArray[np.int64]) -> None:
        """Fit term weights; counts are unweighted by default."""

    def _apply_weights(self, counts: csr_matrix) -> csr_matrix:
        return counts

    def __getstate__(self) -> dict[str, object]:
        """Store the vocabulary as an array, because skops is slow for large dicts."""
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
    """`TfidfVectorizer` for tokens separated by blanks; `min_df` counts cases instead of texts."""

    def _fit_weights(self, counts: csr_matrix, times: NDArray[np.int64]) -> None:
        """Fit the inverse document frequencies; each row counts as a document."""
        rows = np.zeros(counts.shape[1])
        for part in gen_batches(counts.shape[0], _TEXTS_AT_ONCE):
            texts = counts[part]
            rows += np.bincount(texts.indices, np.repeat(times[part], np.diff(texts.indptr)), counts.shape[1])
        rows = rows.astype(self.dtype) + self.smooth_idf
        self._tfidf = TfidfTransformer(
            norm=self.norm, use_idf=self.use_idf, smooth_idf=self.smooth_idf, sublinear_tf=self.sublinear_tf
        )
        self._tfidf.idf_ = np.log((times.sum() + self.smooth_idf) / rows) + 1

    def _apply_weights(self, counts: csr_matrix) -> csr_matrix:
        """Apply TF-IDF and L2 normalization like `TfidfTransformer`, but in place and in batches."""
        frequency = self._tfidf.idf_.astype(counts.dtype)
        for part in gen_batches(max(1, counts.nnz), _ENTRIES_AT_ONCE):
            if self.sublinear_tf:
                np.log(counts.data[part], counts.data[part])
                counts.data[part] += 1.0
            counts.data[part] *= frequency[counts.indices[part]]
        inplace_csr_row_normalize_l2(counts)
        return counts


class FactVectorizer(_CountedTexts, CountVectorizer):
    """`CountVectorizer` for tokens separated by blanks."""

    def _count(self, texts: Any) -> csr_matrix:
        if not self.binary:
            return super()._count(texts)
        # For the few facts of a request, a lookup is faster than counting numbered words.
        known = self.vocabulary_
        columns = [sorted({known[token] for token in text.split() if token in known}) for text in texts]
        ends = np.cumsum([0, *map(len, columns)])
        indices = np.fromiter(chain.from_iterable(columns), dtype=np.int32, count=ends[-1])
        return csr_matrix((np.ones(len(indices), self.dtype), indices, ends), shape=(len(columns), len(known)))


class FactPairs(PolynomialFeatures):
    """`PolynomialFeatures` that returns only the pairs, without the single facts."""

    def __init__(self) -> None:
        super().__init__(degree=2, interaction_only=True, include_bias=False)

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Return the product of each pair of columns, shape (rows, columns * (columns - 1) / 2)."""
        return super().transform(X)[:, self.n_features_in_ :]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return both names of each pair, separated by a blank."""
        names: NDArray[np.object_] = super().get_feature_names_out(input_features)[self.n_features_in_ :]
        return names
