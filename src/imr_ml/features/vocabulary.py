"""Select the vocabulary of tokenized texts: the most frequent words and phrases."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.utils import gen_batches

from imr_ml.features.terms import FeatureError, NumberedTexts, Numbers, Terms

_KEYS_AT_ONCE = 20_000_000
_CASES_AT_ONCE = 10_000


def select_frequent_terms(
    texts: list[str], times: NDArray[np.int64], cases: csr_matrix | None, longest: int, most: int | None, fewest: int
) -> list[str]:
    """Select the most frequent terms of texts, in alphabetical order.

    Parameters
    ----------
    texts : list of str
    times : (texts,) int
        Number of occurrences of each text.
    cases : (cases, texts) sparse matrix or None
        Texts of each case; required if `fewest` is above 1.
    longest : int
        Number of words in the longest term.
    most : int or None
        Maximum number of terms; None for all.
    fewest : int
        Minimum number of cases that contain a term.

    Raises
    ------
    FeatureError
        If no term occurs in enough cases.
    """
    numbers = Numbers()
    order = np.argsort(times, kind="stable")
    numbered = NumberedTexts.from_texts((texts[place] for place in order.tolist()), numbers, grow=True)
    levels = [np.arange(len(numbers))]
    counts = [_count_words(numbered, times[order], len(numbers))]
    for _ in range(1, longest):
        level, count = _count_phrases(numbered, times[order], levels)
        levels.append(level)
        counts.append(count)
    spelling = _Spelling(list(numbers), levels)
    enough = [np.flatnonzero(count >= fewest) for count in counts]
    if fewest > 1 and cases is not None:
        candidates = spelling.terms(enough)
        common = _count_cases(Terms.from_vocabulary(candidates), texts, cases) >= fewest
        ends = np.cumsum([len(places) for places in enough])[:-1]
        enough = [places[part] for places, part in zip(enough, np.split(common, ends), strict=True)]
    selected = _most_frequent(counts, enough, most)
    if not any(map(len, selected)):
        raise FeatureError(f"no term occurs in {fewest} cases: set min_cases lower")
    return sorted(spelling.terms(selected))


@dataclass(frozen=True, slots=True)
class _Spelling:
    """Words by number, and sorted keys of the phrases of each length, for decoding keys."""

    words: list[str]
    levels: list[NDArray[np.int64]]

    def terms(self, places: list[NDArray[np.int64]]) -> list[str]:
        """Decode the words and phrases at the given places of each level."""
        return [term for level, selected in enumerate(places) for term in self._spell(level, selected)]

    def _spell(self, level: int, places: NDArray[np.int64]) -> list[str]:
        if level == 0:
            return [self.words[place] for place in places.tolist()]
        beginnings, last = np.divmod(self.levels[level][places], len(self.words))
        return list(map("{} {}".format, self._spell(level - 1, beginnings), self._spell(0, last)))


def _count_words(texts: NumberedTexts, times: NDArray[np.int64], words: int) -> NDArray[np.float64]:
    """Count the occurrences of each word, shape (words,).

    Parameters
    ----------
    texts : NumberedTexts
    times : (texts,) int
        Number of occurrences of each text.
    words : int
        Number of words.
    """
    counts = np.zeros(words)
    for part in texts.parts():
        word_times = np.repeat(times[part], np.diff(texts.ends[part.start : part.stop + 1]))
        counts += np.bincount(texts[part].words, word_times, words)
    return counts


def _count_phrases(
    texts: NumberedTexts, times: NDArray[np.int64], levels: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return sorted keys and counts of the phrases that are one word longer than those of the last level.

    Parameters
    ----------
    texts : NumberedTexts
    times : (texts,) int
        Number of occurrences of each text, in ascending order.
    levels : list of (keys,) int
        Sorted keys of shorter phrases by length.
    """
    keys, counts, waiting = [np.empty(0, dtype=np.int64)], list[Any]([np.empty(0)]), 0
    bounds = np.flatnonzero(np.diff(times, prepend=-1, append=-1))
    for start, stop in pairwise(bounds.tolist()):
        group = texts[start:stop]
        for part in group.parts():
            *_, (_, phrases) = group[part].phrases(levels, len(levels) + 1)
            distinct, number = np.unique(phrases, return_counts=True)
            keys.append(distinct)
            counts.append(number * float(times[start]))
            waiting += len(distinct)
            if waiting > _KEYS_AT_ONCE:
                keys, counts = _sum_counts(keys, counts)
                waiting = 0
    keys, counts = _sum_counts(keys, counts)
    return keys[0], counts[0]


def _sum_counts(
    keys: list[NDArray[np.int64]], counts: list[NDArray[np.float64]]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
    distinct, places = np.unique(np.concatenate(keys), return_inverse=True)
    sums: NDArray[np.float64] = np.bincount(places, np.concatenate(counts), len(distinct)).astype(np.float64)
    return [distinct], [sums]


def _count_cases(terms: Terms, texts: list[str], cases: csr_matrix) -> NDArray[np.int64]:
    """Count the cases that contain each term, shape (terms,)."""
    counts = np.zeros(terms.size, dtype=np.int64)
    for batch in gen_batches(cases.shape[0], _CASES_AT_ONCE):
        part = cases[batch]
        used = np.unique(part.indices)
        counts += (part[:, used] @ terms.count([texts[place] for place in used], np.float32)).getnnz(axis=0)
    return counts


def _most_frequent(
    counts: list[NDArray[np.float64]], enough: list[NDArray[np.int64]], most: int | None
) -> list[NDArray[np.int64]]:
    """Return the places of the most frequent terms; ties by length, then by place."""
    if most is None or sum(map(len, enough)) <= most:
        return enough
    frequent = np.concatenate([count[places] for count, places in zip(counts, enough, strict=True)])
    selected = np.zeros(len(frequent), dtype=bool)
    selected[np.argsort(-frequent, kind="stable")[:most]] = True
    ends = np.cumsum([len(places) for places in enough])[:-1]
    return [places[part] for places, part in zip(enough, np.split(selected, ends), strict=True)]
