"""Join the search's fields to the requests table as ``index_`` columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import require_columns
from imr_ml.fetch.index import INDEX_DATES, Index
from imr_ml.nlp.types import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


_OF_CASE = ("case_outcome", "specialty", *INDEX_DATES)
_OF_REQUEST = ("category", "subcategory", "outcome")
_NEEDED = ("case_number", "item", "request")


@dataclass(frozen=True, slots=True)
class Joined:
    """The table with the ``index_`` columns.

    Attributes
    ----------
    table : DataFrame
        As `with_index` describes it, ``category`` untouched.
    entries : ndarray of int, shape (rows,)
        Row of ``Index.cases`` that each row's letter is; -1 for none.
    letters : ndarray of int, shape (rows,)
        The same number for rows of one letter.
    listed : ndarray of int, shape (rows,)
        How many requests the search lists for each row's letter; 0 where it lists none.
    """

    table: pd.DataFrame
    entries: NDArray[np.int64]
    letters: NDArray[np.int64]
    listed: NDArray[np.int64]


def join_index(requests: pd.DataFrame, index: Index) -> Joined:
    """Join what the search lists to the letters it lists it of.

    Raises
    ------
    SchemaError
        For a table without case numbers, items and requests.
    """
    import numpy as np

    require_columns(requests, _NEEDED, "requests table")
    entries = _entries(requests, index)
    letters = _letters(requests, entries)
    runs = _runs(index)
    pairs = pair_requests(requests, letters, entries, index.requests, runs)
    added = {f"index_{name}": _taken(index.cases[name], entries, requests) for name in _OF_CASE}
    added |= {f"index_{name}": _taken(index.requests[name], pairs, requests) for name in _OF_REQUEST}
    listed = np.asarray([len(runs.get(int(entry), ())) for entry in entries], dtype=np.int64)
    return Joined(requests.assign(**added), entries, letters, listed)


def with_index_category(joined: pd.DataFrame) -> pd.DataFrame:
    """The table with ``category`` as the search has it, where it has one of the table's categories."""
    import pandas as pd

    names = {plain(name): name for name in CATEGORIES}
    known = in_each(joined["index_category"], lambda stated: names.get(plain(stated)))
    read = joined["category"].astype("string") if "category" in joined else pd.Series(pd.NA, joined.index, "string")
    return joined.assign(category=known.fillna(read))


def in_each(values: pd.Series, lookup: Callable[[object], str | None]) -> pd.Series:
    """What each value says, asked once for those that are the same; missing where the value is."""
    meant = {value: lookup(value) for value in values.dropna().unique()}
    return values.map(meant).astype("string")


def plain(words: object) -> str | None:
    """Letters and digits alone, ``and`` and ``&`` alike.

    Examples
    --------
    >>> plain("Evaluation & Management") == plain("Evaluation and  management")
    True
    """
    if not isinstance(words, str):
        return None
    return "".join(letter for letter in words.lower().replace("&", "and") if letter.isalnum())


def _entries(requests: pd.DataFrame, index: Index) -> NDArray[np.int64]:
    """The entry of each row: of the file it was read from, else the latest of its case."""
    import numpy as np
    import pandas as pd

    latest = index.cases[index.cases["is_latest"]]
    by_case = pd.Series(latest.index, index=latest["case_number"])
    entries = requests["case_number"].map(by_case)
    if "letter_sha256" in requests.columns:
        keys = ["case_number", "url"]
        places = index.cases[keys].assign(entry=index.cases.index)
        files = index.letters.merge(places, on=keys).drop_duplicates("letter_sha256")
        by_file = files.set_index("letter_sha256")
        known = requests["letter_sha256"].isin(by_file.index)
        entry = by_file["entry"].where(by_file["is_latest"], NO_PLACE)
        entries = entries.where(~known, requests["letter_sha256"].map(entry))
    return np.asarray(entries.astype("float64").fillna(NO_PLACE), dtype=np.int64)


def _letters(requests: pd.DataFrame, entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which rows are of one letter: those of one entry and, where the table tells, of one file."""
    import numpy as np
    import pandas as pd

    files = requests["letter_sha256"].factorize()[0] if "letter_sha256" in requests.columns else 0
    codes = pd.DataFrame({"entry": entries, "file": files}).groupby(["entry", "file"], sort=False).ngroup()
    return np.asarray(codes, dtype=np.int64)


def _runs(index: Index) -> dict[int, range]:
    """Entry -> its requests' rows, which stand together as both tables are sorted alike."""
    keys = ["case_number", "url"]
    places = index.cases[keys].assign(entry=index.cases.index)
    entries = index.requests[keys].merge(places, on=keys, how="left")["entry"]
    bounds = entries.reset_index().groupby("entry")["index"].agg(["min", "max"])
    return {int(entry): range(int(first), int(last) + 1) for entry, first, last in bounds.itertuples()}


def _taken(values: pd.Series, places: NDArray[np.int64], requests: pd.DataFrame) -> pd.Series:
    """The values at these places, missing at -1, as a column of the table."""
    taken: pd.Series = values.reindex(places).set_axis(requests.index)
    return taken


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
