"""Group requests of one case or with nearly the same clinical summary.

A worker who is reviewed twice has two cases with the same history. If one were used for training and the other for
testing, a model that memorizes would look like one that generalizes.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from imr_ml.corpus.minhash import HASHES, candidates, shingle_hashes, similarity, sketch, words_of
from imr_ml.corpus.table import case_keys
from imr_ml.progress import Progress

MIN_SIMILARITY = 0.8
"""Jaccard similarity from which two summaries count as nearly the same."""
MIN_WORDS = 30
"""Shorter summaries are categories or stock phrases, which unrelated cases share."""
NO_SUMMARY = -1
"""Marks a summary that is missing or shorter than `MIN_WORDS`."""
# Pairs whose estimate is four standard deviations too low are not compared exactly.
_MIN_ESTIMATE = MIN_SIMILARITY - 0.16
_MEMORY_BYTES = 64 << 20
_DIGEST_BYTES = 12


def duplicate_groups(requests: pd.DataFrame) -> NDArray[np.int64]:
    """Group of each request: its case, joined with every case whose clinical summary is nearly the same.

    Summaries are nearly the same if their sets of five-word shingles have a Jaccard similarity of `MIN_SIMILARITY` or
    more. The relation is transitive: the first and the last of a chain are in one group. A missing summary, or one of
    fewer than `MIN_WORDS` words, joins no cases.

    Returns
    -------
    (rows,) int
        Counted from 0 in the order of the rows.
    """
    with SummaryIndex() as index:
        numbers = index.add(requests["clinical_summary"])
        return join_cases(case_keys(requests), index.groups(numbers))


def join_cases(cases: pd.Series, summary_groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group cases that share a summary, directly or through a chain of cases.

    Parameters
    ----------
    cases : (rows,) Series
        Key of each row's case.
    summary_groups : (rows,) int
        Group of each row's summary, or `NO_SUMMARY`; see `SummaryIndex.groups`.

    Returns
    -------
    (rows,) int
        Counted from 0 in the order of the rows.
    """
    codes, unique = cases.factorize()
    has_summary = summary_groups != NO_SUMMARY
    # Cases and groups of summaries are the nodes of a graph; each row is an edge.
    edges = codes[has_summary], len(unique) + summary_groups[has_summary]
    nodes = len(unique) + int(summary_groups.max(initial=NO_SUMMARY)) + 1
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(nodes, nodes))
    components = connected_components(graph, directed=False)[1] if nodes else codes
    groups: NDArray[np.int64] = pd.factorize(components[codes])[0]
    return groups


def summary_digest(text: str) -> bytes | None:
    """Digest of a summary's words; None if there are fewer than `MIN_WORDS`."""
    return _digest(words_of(text))


def _digest(words: list[str]) -> bytes | None:
    if len(words) < MIN_WORDS:
        return None
    return blake2b(" ".join(words).encode(), digest_size=_DIGEST_BYTES).digest()


class SummaryIndex:
    """Index of distinct clinical summaries that stores hashes instead of texts.

    A summary takes about 600 bytes of memory. Shingle hashes (eight bytes per word) move to a temporary file when they
    exceed 64 MB. Use the index in a ``with`` statement, which removes that file.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._sketches = bytearray()
        self._ends = array("Q", [0])
        self._shingles = SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shingles.close()

    def add(self, summaries: pd.Series) -> NDArray[np.int64]:
        """Add summaries.

        Returns
        -------
        (rows,) int
            Number of each row's summary, equal for equal words; `NO_SUMMARY` if it is missing or short.
        """
        codes, texts = summaries.factorize()
        # A missing summary has the code -1, which selects the last number.
        numbers: NDArray[np.int64] = np.array([*map(self._number, texts), NO_SUMMARY], dtype=np.int64)[codes]
        return numbers

    def groups(self, numbers: NDArray[np.int64], progress: Progress | None = None) -> NDArray[np.int64]:
        """Group summaries that are nearly the same, directly or through a chain of summaries.

        Parameters
        ----------
        numbers : (rows,) int
            Result of `add`.
        progress : callable, optional
            Called with 1 after each of the `BANDS`.

        Returns
        -------
        (rows,) int
            Group of each row's summary; `NO_SUMMARY` is unchanged.
        """
        sketches = np.frombuffer(self._sketches, np.uint32).reshape(-1, HASHES)
        groups = _Groups(np.arange(len(sketches)))
        for first, second in candidates(sketches, _MIN_ESTIMATE, groups.of, progress):
            if similarity(self._shingles_of(first), self._shingles_of(second)) >= MIN_SIMILARITY:
                groups.join(first, second)
        grouped: NDArray[np.int64] = np.append(groups.of, NO_SUMMARY)[numbers]
        return grouped

    def _number(self, text: str) -> int:
        words = words_of(text)
        digest = _digest(words)
        if digest is None:
            return NO_SUMMARY
        known = len(self._numbers)
        number = self._numbers.setdefault(digest, known)
        if number == known:
            shingles = shingle_hashes(words)
            self._sketches += sketch(shingles).tobytes()
            self._shingles.write(shingles.tobytes())
            self._ends.append(self._ends[-1] + shingles.nbytes)
        return number

    def _shingles_of(self, number: int) -> NDArray[np.uint64]:
        start, end = self._ends[number], self._ends[number + 1]
        self._shingles.seek(start)
        return np.frombuffer(self._shingles.read(end - start), np.uint64)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Groups that are merged pairwise; `of` is the group of each summary."""

    of: NDArray[np.int64]
    _members: dict[int, list[int]] = field(default_factory=dict)

    def join(self, first: int, second: int) -> None:
        """Merge the groups of two summaries."""
        both = [self._members.pop(group, [group]) for group in self.of[[first, second]].tolist()]
        smaller, larger = sorted(both, key=len)
        self.of[smaller] = group = int(self.of[larger[0]])
        larger += smaller
        self._members[group] = larger
