"""Which request of a case's list is which item of its letter: the search does not number its requests.

Knows words and order. Outcomes are no clue: they are what is cross-checked, and a request's category must not depend
on how it was decided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_WORDS = re.compile(r"[a-z0-9]{3,}")
_WORD_SHARED, _CATEGORY_SHARED, _PLACE_SHIFTED = 4.0, 2.0, 0.01
NO_PLACE = -1


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table's columns that tell what a request is, as lists, which are read one by one much faster."""

    texts: list[str]
    categories: list[object]

    def part(self, places: Iterable[int]) -> list[tuple[str, object]]:
        return [(self.texts[place], self.categories[place]) for place in places]


def pair_requests(
    requests: pd.DataFrame,
    letters: NDArray[np.int64],
    entries: NDArray[np.int64],
    listed: pd.DataFrame,
    runs: Mapping[int, range],
) -> NDArray[np.int64]:
    """The listed request that each row of the table is, by words that both hold, category and order.

    Parameters
    ----------
    requests : DataFrame
        The requests table.
    letters, entries : ndarray of int, shape (rows,)
        The letter that each row is of, and that letter's entry; `NO_PLACE` for none.
    listed : DataFrame
        Requests as the search lists them.
    runs : mapping of int to range
        Entry -> its rows of `listed`, in order.

    Returns
    -------
    ndarray of int, shape (rows,)
        Row of `listed`; `NO_PLACE` where the search lists another number of requests for the letter, or none.
    """
    import numpy as np
    import pandas as pd

    pairs = np.full(len(requests), NO_PLACE, dtype=np.int64)
    ours = _rows(requests["request"], requests.get("category"))
    theirs = _rows(listed["subcategory"], listed["category"])
    items, entry_of = requests["item"].to_numpy(dtype=np.float64), entries.tolist()
    for rows in pd.Series(letters).groupby(letters, sort=False).indices.values():
        run = runs.get(entry_of[rows[0]])
        if run is None or len(run) != len(rows):
            continue
        if len(run) == 1:
            pairs[rows[0]] = run.start
            continue
        ordered = np.asarray(rows)[np.argsort(items[rows], kind="stable")]
        chosen = _assigned(ours.part(ordered.tolist()), theirs.part(run))
        pairs[ordered] = run.start + np.asarray(chosen, dtype=np.int64)
    return pairs


def _rows(texts: pd.Series, categories: pd.Series | None) -> _Rows:
    words = texts.fillna("").str.lower().tolist()
    return _Rows(words, [None] * len(words) if categories is None else categories.tolist())


def _assigned(items: Sequence[tuple[str, object]], listed: Sequence[tuple[str, object]]) -> list[int]:
    """For each item, the place of its listed request, each taken once."""
    from scipy.optimize import linear_sum_assignment

    likeness = [
        [_likeness(item, each) - _PLACE_SHIFTED * abs(i - j) for j, each in enumerate(listed)]
        for i, item in enumerate(items)
    ]
    places: list[int] = linear_sum_assignment(likeness, maximize=True)[1].tolist()
    return places


def _likeness(item: tuple[str, object], listed: tuple[str, object]) -> float:
    (text, category), (name, kind) = item, listed
    shares_word = any(word in text for word in _WORDS.findall(name))
    return _WORD_SHARED * shares_word + _CATEGORY_SHARED * (category is not None and category == kind)
