"""Compare letters with their entries in the decision search."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.fetch.index import INDEX_DATES, Index, JoinedTable, join_index, map_values, normalize
from imr_ml.nlp.types import CATEGORIES

_PARTLY = "partly overturned"


def compare_with_index(requests: pd.DataFrame, index: Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the fields of the index to the requests table, and list the disagreements.

    Compared are the number of items, their outcomes and categories, the outcome of the case, the reviewer's specialty,
    and the dates of decision, injury and application, if both sides have a value. The search does not number its
    requests, so outcomes of items disagree only if their counts in the case differ.

    Returns
    -------
    table : DataFrame
        The requests with ``index_category``, ``index_subcategory``, ``index_outcome``, ``index_case_outcome``,
        ``index_specialty``, ``index_decision_date``, ``index_date_of_injury`` and ``index_application_received``, which
        are missing if the index lacks the case or lists another number of requests. The category of the index replaces
        ``category`` if it is a category of the table.
    disagreements : DataFrame
        ``case_number, item, column, read, index``, one row per disagreement, by case and item; `item` is missing for a
        field of the case. `column` is a column of the table, ``items`` or ``case_outcome``.

    Raises
    ------
    SchemaError
        If the table lacks case numbers, items or requests.
    """
    joined = join_index(requests, index)
    return _with_index_category(joined.table), _find_disagreements(joined)


def _with_index_category(joined: pd.DataFrame) -> pd.DataFrame:
    """Replace ``category`` by that of the search, if it is a category of the table."""
    names = {normalize(name): name for name in CATEGORIES}
    index = map_values(joined["index_category"], lambda stated: names.get(normalize(stated)))
    from_letter = (
        joined["category"].astype("string") if "category" in joined else pd.Series(pd.NA, joined.index, "string")
    )
    return joined.assign(category=index.fillna(from_letter))


def _find_disagreements(joined: JoinedTable) -> pd.DataFrame:
    rows, letters = joined.table[joined.is_indexed], joined.letters[joined.is_indexed]
    first = ~pd.Series(letters).duplicated().to_numpy()
    heads = rows[first].assign(item=float("nan"))
    listed = pd.Series(joined.listed[joined.is_indexed][first], heads.index)
    from_letter = rows["item"].groupby(letters, sort=False).size().set_axis(heads.index)
    parts = [
        *_compare_items(rows, letters),
        *_compare_letters(heads),
        *_compare_outcomes(rows, letters, heads),
        _list_disagreements(heads, (listed > 0) & (from_letter != listed), "items", from_letter, listed),
    ]
    return pd.concat(parts, ignore_index=True).sort_values(
        ["case_number", "item", "column"], kind="stable", ignore_index=True, na_position="first"
    )


def _compare_items(rows: pd.DataFrame, letters: NDArray[np.int64]) -> Iterator[pd.DataFrame]:
    if "outcome" in rows:
        from_letter, index = rows["outcome"], map_values(rows["index_outcome"], _translate_outcome)
        overturned = [stated.eq("overturned").fillna(value=False).astype("int64") for stated in (from_letter, index)]
        gap = (overturned[0] - overturned[1]).where(from_letter.notna() & index.notna(), 0)
        counts_differ = gap.groupby(letters).transform("sum") != 0
        yield _list_disagreements(rows, (from_letter != index) & counts_differ, "outcome", from_letter, index)
    if "category" in rows:
        from_letter, index = rows["category"], rows["index_category"]
        differ = map_values(from_letter, normalize) != map_values(index, normalize)
        yield _list_disagreements(rows, differ, "category", from_letter, index)


def _compare_outcomes(rows: pd.DataFrame, letters: NDArray[np.int64], heads: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield letters whose case outcome differs from that of the search."""
    if "outcome" in rows:
        is_decided = rows["outcome"].notna().groupby(letters, sort=False).all()
        share = rows["outcome"].eq("overturned").fillna(value=False).groupby(letters, sort=False).mean()
        stated = share.map({0.0: "upheld", 1.0: "overturned"}).astype("string").fillna(_PARTLY).where(is_decided)
        from_letter, index = stated.set_axis(heads.index), map_values(heads["index_case_outcome"], _translate_outcome)
        yield _list_disagreements(heads, from_letter != index, "case_outcome", from_letter, index)


def _compare_letters(heads: pd.DataFrame) -> Iterator[pd.DataFrame]:
    if "specialties" in heads:
        from_letter, index = heads["specialties"], heads["index_specialty"]
        pairs = list(zip(from_letter.fillna(""), index.fillna(""), strict=True))
        different = {pair for pair in set(pairs) if all(pair) and not _share_specialty(*pair)}
        differ = pd.Series([pair in different for pair in pairs], heads.index)
        yield _list_disagreements(heads, differ, "specialties", from_letter, index)
    for name in (name for name in INDEX_DATES if name in heads):
        from_letter, index = pd.to_datetime(heads[name]), heads[f"index_{name}"]
        yield _list_disagreements(
            heads, from_letter != index, name, from_letter.dt.strftime("%Y-%m-%d"), index.dt.strftime("%Y-%m-%d")
        )


def _list_disagreements(
    rows: pd.DataFrame, differ: pd.Series, column: str, from_letter: pd.Series, index: pd.Series
) -> pd.DataFrame:
    """List the disagreements in one column, where both sides have a value."""
    mask = (differ.fillna(value=False).astype("bool") & from_letter.notna() & index.notna()).to_numpy()
    return pd.DataFrame(
        {
            "case_number": rows["case_number"].to_numpy()[mask],
            "item": pd.array(rows["item"].to_numpy()[mask], dtype="Int64"),
            "column": column,
            "read": from_letter.astype("string").to_numpy()[mask],
            "index": index.astype("string").to_numpy()[mask],
        }
    ).astype({"case_number": "string", "column": "string", "read": "string", "index": "string"})


def _translate_outcome(stated: object) -> str | None:
    """Translate an outcome to the table's terms; return None for any other.

    Examples
    --------
    >>> [_translate_outcome(text) for text in ("Upheld", "OVERTURNED", "Overturned in part", "Withdrawn")]
    ['upheld', 'overturned', 'partly overturned', None]
    """
    words = stated.lower() if isinstance(stated, str) else ""
    if "part" in words or ("upheld" in words and "overturn" in words):
        return _PARTLY
    return "upheld" if "upheld" in words else "overturned" if "overturn" in words else None


def _share_specialty(specialties: str, stated: str) -> bool:
    """Whether a specialty of the letter contains that of the index or the reverse, ignoring punctuation."""
    theirs = normalize(stated) or ""
    ours = [normalize(name) or "" for name in specialties.split(FAMILY_SEPARATOR)]
    return any(name and (name in theirs or theirs in name) for name in ours)
