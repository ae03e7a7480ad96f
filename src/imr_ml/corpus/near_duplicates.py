"""Group requests of one case or with nearly the same clinical summary.

A worker who is reviewed twice leaves two cases with one story. Were one of them learned from and the other tested on,
a model that remembers would look like one that understands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

from imr_ml.corpus.table import case_keys
from imr_ml.progress import Progress

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


SHINGLE_WORDS = 5
# Twenty bands of five: a pair that shares 0.8 of its shingles meets in some band 9,996 times in 10,000, one that shares
# 0.1 of them twice. Of 100 hashes an estimate is off by 0.04 (one standard deviation).
BANDS, BAND_HASHES = 20, 5
HASHES = BANDS * BAND_HASHES
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    r"""Words in small letters; breaks and punctuation are none.

    Examples
    --------
    >>> words_of("Knee pain,\nX-ray.")
    ['knee', 'pain', 'x', 'ray']
    """
    return _WORD.findall(text.lower())


def sketch(words: Sequence[str]) -> NDArray[np.uint32]:
    """MinHash of a text's shingles: shape (`HASHES`,); the same on any machine.

    Parameters
    ----------
    words : sequence of str
        At least `SHINGLE_WORDS` of them.
    """
    import numpy as np

    places, factors, offsets = _constants()
    hashed = np.fromiter(map(crc32, map(str.encode, words)), dtype=np.uint64, count=len(words))
    shingles = np.lib.stride_tricks.sliding_window_view(hashed, SHINGLE_WORDS) @ places
    shingles ^= shingles >> np.uint64(29)
    # Multiply-shift hashing: the high half of a product modulo 2**64 is close to a random one.
    smallest = (shingles[:, None] * factors + offsets).min(axis=0)
    found: NDArray[np.uint32] = (smallest >> np.uint64(32)).astype(np.uint32)
    return found


def alike(
    sketches: NDArray[np.uint32],
    least: float,
    *,
    every_pair: bool = True,
    progress: Progress | None = None,
) -> Iterator[tuple[int, int]]:
    """Pairs of places, the earlier first, of which probably a share of `least` of their shingles is common.

    A pair may come several times.

    Parameters
    ----------
    sketches : (texts, `HASHES`) uint32
    least : float
        Share of hashes that must be the same.
    every_pair : bool, default True
        False compares each text of a band only with the one before it and the first of them: enough to learn which
        texts have a like, in a time that grows with the texts and not with their pairs.
    progress : callable, optional
        Called with 1 as each of the `BANDS` is done.
    """
    import numpy as np

    for start in range(0, HASHES, BAND_HASHES):
        for places in _together(sketches[:, start : start + BAND_HASHES]):
            for count, place in enumerate(places.tolist()):
                others = places[count + 1 :] if every_pair else places[[0, count - 1]] if count else places[:0]
                shares = (sketches[others] == sketches[place]).mean(axis=1)
                for other in np.unique(others[shares >= least]).tolist():
                    yield min(place, other), max(place, other)
        if progress:
            progress(1)


def _together(band: NDArray[np.uint32]) -> Iterator[NDArray[np.int64]]:
    """Places of rows that are the same, where there are several."""
    import numpy as np

    order = np.lexsort(band.T)
    ordered = band[order]
    borders = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
    for start, end in zip([0, *borders.tolist()], [*borders.tolist(), len(order)], strict=True):
        if end - start > 1:
            yield np.sort(order[start:end])


@cache
def _constants() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Odd factors of a shingle's words, and the factors and offsets of the hashes, the same on any machine."""
    import numpy as np

    random = np.random.Generator(np.random.PCG64(1))
    drawn = random.integers(0, 1 << 63, size=SHINGLE_WORDS + 2 * HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return drawn[:SHINGLE_WORDS], drawn[SHINGLE_WORDS:-HASHES], drawn[-HASHES:]
