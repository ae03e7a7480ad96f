"""Read the entries of the search from a manifest, and join them to the requests table as ``index_`` columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from imr_ml.corpus.schema import require_columns
from imr_ml.fetch.manifest import open_manifest

INDEX_DATES = ("decision_date", "date_of_injury", "application_received")
_CASE_FIELDS = ("case_outcome", "specialty", *INDEX_DATES)
_REQUEST_FIELDS = ("category", "subcategory", "outcome")
_KEY = ["case_number", "url"]
_NEEDED = ("case_number", "item", "request")
_DTYPES = {"place": "int64", "is_latest": "bool"}
_NO_ENTRY = -1
_WORDS = re.compile(r"[a-z0-9]{3,}")
_SHARED_WORD, _SHARED_CATEGORY, _OUT_OF_PLACE = 4.0, 2.0, -0.01
"""Scores for pairing an item with a listed request; the last is per position of distance."""
_CASES = """
SELECT case_number, url, case_outcome, specialty, decision_date, date_of_injury, application_received,
    row_number() OVER newest = 1 AS is_latest
FROM cases WINDOW newest AS (PARTITION BY case_number ORDER BY decision_date DESC, listed_at DESC, rowid DESC)
ORDER BY case_number, url
"""
_REQUESTS = """
SELECT case_number, url, place, category, subcategory, outcome FROM requests ORDER BY case_number, url, place
"""
_LETTERS = """
SELECT case_number, url, sha256 AS letter_sha256,
    row_number() OVER (PARTITION BY case_number, url ORDER BY version DESC) = 1 AS is_latest
FROM letters ORDER BY case_number, version
"""


@dataclass(frozen=True, slots=True)
class Index:
    """Cases, requests and letters of the search.

    Attributes
    ----------
    cases : DataFrame
        One row per letter: ``case_number, url, case_outcome, specialty, decision_date, date_of_injury,
        application_received, is_latest``; a case reissued at another address has two rows.
    requests : DataFrame
        One row per request: ``case_number, url, place, category, subcategory, outcome``; `place` counts from 1.
    letters : DataFrame
        One row per fetched file: ``case_number, url, letter_sha256, is_latest``; a file replaced at its address has no
        known index.
    """

    cases: pd.DataFrame
    requests: pd.DataFrame
    letters: pd.DataFrame

    def restrict_to(self, requests: pd.DataFrame) -> Index:
        """Select the cases of a requests table, as the time of a join grows with the index."""
        is_needed = self.cases["case_number"].isin(requests["case_number"].dropna())
        if "letter_sha256" in requests:
            is_used = self.letters["letter_sha256"].isin(requests["letter_sha256"].dropna())
            is_needed |= self.cases["case_number"].isin(self.letters.loc[is_used, "case_number"])
        cases = self.cases.loc[is_needed, "case_number"].unique()
        parts = (self.cases, self.requests, self.letters)
        return Index(*(part[part["case_number"].isin(cases)].reset_index(drop=True) for part in parts))


def read_index(manifest: Path) -> Index:
    """Read the index of a manifest; see `open_manifest` for errors."""
    with open_manifest(manifest) as connection:
        frames = [pd.read_sql_query(query, connection) for query in (_CASES, _REQUESTS, _LETTERS)]
    cases, requests, letters = (
        frame.astype({name: _DTYPES.get(str(name), "string") for name in frame}) for frame in frames
    )
    days = {name: pd.to_datetime(cases[name], format="%Y-%m-%d").astype("datetime64[s]") for name in INDEX_DATES}
    return Index(cases.assign(**days), requests, letters)


@dataclass(frozen=True, slots=True)
class JoinedTable:
    """A requests table with the ``index_`` columns.

    Attributes
    ----------
    table : DataFrame
        As in `imr_ml.fetch.cross_check.compare_with_index`, with the original ``category``.
    is_indexed : (rows,) bool
        Whether the search lists the row's letter.
    letters : (rows,) int
        Number of the row's letter.
    listed : (rows,) int
        Number of requests that the search lists for the letter.
    """

    table: pd.DataFrame
    is_indexed: NDArray[np.bool_]
    letters: NDArray[np.int64]
    listed: NDArray[np.int64]


def join_index(requests: pd.DataFrame, index: Index) -> JoinedTable:
    """Join the entries of the search to the rows of their letters."""
    require_columns(list(requests.columns), _NEEDED, "requests table")
    index = index.restrict_to(requests)
    entries = _find_entries(requests, index)
    letters = _number_letters(requests, entries)
    ranges = _find_listed(index)
    listed = [ranges.get(entry, range(0)) for entry in entries.tolist()]
    pairs = _pair_requests(requests, letters, listed, index)
    columns = {
        f"index_{name}": frame[name].reindex(places).set_axis(requests.index)
        for names, frame, places in ((_CASE_FIELDS, index.cases, entries), (_REQUEST_FIELDS, index.requests, pairs))
        for name in names
    }
    counts = np.asarray([len(requests_listed) for requests_listed in listed], dtype=np.int64)
    return JoinedTable(requests.assign(**columns), entries != _NO_ENTRY, letters, counts)


def map_values(values: pd.Series, lookup: Callable[[object], str | None]) -> pd.Series:
    """Look up each distinct value once; missing values stay missing."""
    return values.map({value: lookup(value) for value in values.dropna().unique()}).astype("string")


def normalize(words: object) -> str | None:
    """Reduce text to lowercase letters and digits, with "and" for ``&``; return None for other values.

    Examples
    --------
    >>> normalize("Evaluation & Management") == normalize("Evaluation and  management")
    True
    """
    if not isinstance(words, str):
        return None
    return "".join(letter for letter in words.lower().replace("&", "and") if letter.isalnum())


def _find_entries(requests: pd.DataFrame, index: Index) -> NDArray[np.int64]:
    """Find the entry of each row: that of its file, else the latest one of its case."""
    latest = index.cases[index.cases["is_latest"]]
    entries = requests["case_number"].map(pd.Series(latest.index, index=latest["case_number"]))
    if "letter_sha256" in requests.columns:
        places = index.cases[_KEY].assign(entry=index.cases.index)
        by_file = index.letters.merge(places, on=_KEY).drop_duplicates("letter_sha256").set_index("letter_sha256")
        is_fetched = requests["letter_sha256"].isin(by_file.index)
        entry = by_file["entry"].where(by_file["is_latest"], _NO_ENTRY)
        entries = entries.where(~is_fetched, requests["letter_sha256"].map(entry))
    return np.asarray(entries.astype("float64").fillna(_NO_ENTRY), dtype=np.int64)


def _number_letters(requests: pd.DataFrame, entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the letters; rows of a letter share an entry and, if known, a file."""
    files = requests["letter_sha256"].factorize()[0] if "letter_sha256" in requests.columns else 0
    codes = pd.DataFrame({"entry": entries, "file": files}).groupby(["entry", "file"], sort=False).ngroup()
    return np.asarray(codes, dtype=np.int64)


def _find_listed(index: Index) -> dict[int, range]:
    """Find the rows of each entry's requests, which are adjacent, as both tables have the same order."""
    places = index.cases[_KEY].assign(entry=index.cases.index)
    entries = index.requests[_KEY].merge(places, on=_KEY, how="left")["entry"]
    bounds = entries.reset_index().groupby("entry")["index"].agg(["min", "max"])
    return {int(entry): range(int(first), int(last) + 1) for entry, first, last in bounds.itertuples()}


def _pair_requests(
    requests: pd.DataFrame, letters: NDArray[np.int64], ranges: Sequence[range], index: Index
) -> NDArray[np.int64]:
    """Match rows to rows of `Index.requests` by words, category and order, never by outcome.

    The match is -1 if the search lists another number of requests for the letter.
    """
    pairs = np.full(len(requests), _NO_ENTRY, dtype=np.int64)
    items = requests["item"].to_numpy(dtype=np.float64)
    # Accessing single elements is much faster in lists than in columns.
    ours = _comparable_texts(requests["request"], requests.get("category"))
    theirs = _comparable_texts(index.requests["subcategory"], index.requests["category"])
    for rows in pd.Series(letters).groupby(letters, sort=False).indices.values():
        listed = ranges[rows[0]]
        if len(listed) == len(rows):
            ordered = np.asarray(rows)[np.argsort(items[rows], kind="stable")]
            places = _assign_items([ours[row] for row in ordered.tolist()], [theirs[row] for row in listed])
            pairs[ordered] = listed.start + np.asarray(places, dtype=np.int64)
    return pairs


def _comparable_texts(texts: pd.Series, categories: pd.Series | None) -> list[tuple[str, str]]:
    """Return the text and category of each request, empty if missing."""
    words = texts.fillna("").str.lower().tolist()
    return list(zip(words, [""] * len(words) if categories is None else categories.fillna("").tolist(), strict=True))


def _assign_items(items: Sequence[tuple[str, str]], listed: Sequence[tuple[str, str]]) -> list[int]:
    """Assign a different listed request to each item; return their positions."""
    if len(items) == 1:
        return [0]
    scores = [
        [_score(item, request) + _OUT_OF_PLACE * abs(i - j) for j, request in enumerate(listed)]
        for i, item in enumerate(items)
    ]
    places: list[int] = linear_sum_assignment(scores, maximize=True)[1].tolist()
    return places


def _score(item: tuple[str, str], listed: tuple[str, str]) -> float:
    (text, category), (name, listed_category) = item, listed
    shares_word = any(word in text for word in _WORDS.findall(name))
    return _SHARED_WORD * shares_word + _SHARED_CATEGORY * (category != "" and category == listed_category)
