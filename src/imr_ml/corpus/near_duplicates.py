"""Requests that must stay together: those of one case, and those whose clinical summaries are nearly the same.

Knows the requests table and word shingles. Knows nothing of outcomes or models.

A worker who is reviewed twice leaves two cases with one story. Were one of them learnt from and the other tested on, a
model that remembers would look like one that understands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from imr_ml.corpus.sketches import HASHES, SHINGLE_WORDS, alike, sketch, words_of
from imr_ml.corpus.table import case_keys

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SAME_FROM = 0.8
FEWEST_WORDS = 30
"""A summary of less is a category or a stock phrase, which strangers share."""
# Four standard deviations of an estimate: what is plainly too low needs no exact look.
_WORTH_A_LOOK = SAME_FROM - 0.16


def duplicate_groups(requests: pd.DataFrame) -> NDArray[np.int64]:
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
        words = words_of(summary) if isinstance(summary, str) else []
        if len(words) >= FEWEST_WORDS:
            together.merge(case, first_case.setdefault(" ".join(words), case))
    stories = list(first_case)
    sketches = np.array([sketch(story.split()) for story in stories], dtype=np.uint32).reshape(-1, HASHES)
    for one, other in alike(sketches, _WORTH_A_LOOK):
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


def _shingles(story: str) -> Iterable[str]:
    words = story.split()
    runs = zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)
    return map(" ".join, runs)
