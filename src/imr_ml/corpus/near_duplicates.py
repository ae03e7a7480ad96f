"""Requests that must stay together: those of one case, and those whose clinical summaries are nearly the same.

Knows the requests table and word shingles. Knows nothing of outcomes or models.

A worker who is reviewed twice leaves two cases with one story. Were one of them learnt from and the other tested on, a
model that remembers would look like one that understands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from imr_ml.corpus.table import case_keys

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SAME_FROM = 0.8
_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 5
# A summary of less is a category or a stock phrase, which strangers share.
_FEWEST_WORDS = 30
# Twenty bands of five: a pair that shares 0.8 of its shingles meets in some band 9,996 times in 10,000, one that shares
# 0.1 of them twice.
_BANDS, _ROWS = 20, 5
# Of 100 hashes the estimate is off by 0.04 (one standard deviation): what is plainly too low needs no exact look.
_WORTH_A_LOOK = SAME_FROM - 0.16


def joined_cases(requests: pd.DataFrame) -> NDArray[np.int64]:
    """Group of each request: its case, joined with every case whose clinical summary is nearly the same.

    Summaries are nearly the same where their sets of five-word shingles have a Jaccard similarity of `SAME_FROM` or
    more; likeness passes on, so that the first and the last of a chain are in one group. A missing summary or one of
    less than 30 words joins nothing.

    Parameters
    ----------
    requests : DataFrame
        Requests table.

    Returns
    -------
    (rows,) int
        Counted from 0 in the order of the rows.
    """
    import numpy as np
    import pandas as pd
    from scipy.cluster.hierarchy import DisjointSet

    cases = pd.Series(case_keys(requests).factorize()[0], index=requests.index)
    together = DisjointSet(range(len(cases)))
    first_case: dict[str, int] = {}
    for case, summary in zip(cases, requests["clinical_summary"].astype("object"), strict=True):
        words = _WORD.findall(summary.lower()) if isinstance(summary, str) else []
        if len(words) >= _FEWEST_WORDS:
            together.merge(case, first_case.setdefault(" ".join(words), case))
    stories = list(first_case)
    for one, other in _candidates(stories):
        first, second = first_case[stories[one]], first_case[stories[other]]
        if not together.connected(first, second) and similarity(stories[one], stories[other]) >= SAME_FROM:
            together.merge(first, second)
    groups: NDArray[np.int64] = np.asarray(cases.map(together.__getitem__).factorize()[0], dtype=np.int64)
    return groups


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of two texts' sets of five-word shingles; words are what stands between spaces.

    >>> similarity("a b c d e f", "a b c d e g")
    0.3333333333333333
    """
    first, second = set(_shingles(one)), set(_shingles(other))
    return len(first & second) / len(first | second)


def _candidates(stories: list[str]) -> Iterator[tuple[int, int]]:
    """Pairs of places that are probably alike, each once."""
    from zlib import crc32

    from datasketch import MinHash, MinHashLSH

    hashes = _BANDS * _ROWS
    index = MinHashLSH(num_perm=hashes, params=(_BANDS, _ROWS))
    signatures: list[MinHash] = []
    encoded = ([shingle.encode() for shingle in _shingles(story)] for story in stories)
    # The library mixes the bits of every hash itself, so that a checksum does, at a fifth of the cost of SHA-1.
    for place, signature in enumerate(MinHash.generator(encoded, num_perm=hashes, seed=1, hashfunc=crc32)):
        for earlier in sorted(index.query(signature)):
            if signature.jaccard(signatures[earlier]) >= _WORTH_A_LOOK:
                yield earlier, place
        index.insert(place, signature, check_duplication=False)
        signatures.append(signature)


def _shingles(story: str) -> Iterable[str]:
    words = story.split()
    runs = zip(*(words[start:] for start in range(_SHINGLE_WORDS)), strict=False)
    return map(" ".join, runs)
