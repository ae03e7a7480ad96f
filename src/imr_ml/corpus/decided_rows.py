"""Parse the rows of a table of decided requests, and collect those that can be trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from imr_ml.corpus.cells import parse_text
from imr_ml.corpus.dates import DateStyle
from imr_ml.corpus.schema import OWN_SOURCE, count_warnings, parse_requests, row_errors
from imr_ml.corpus.spellings import PARTIAL, Partial, read_outcomes
from imr_ml.tables.table import Chunk, RejectedLine

_SUMMARY = "clinical_summary"
_TEXTS = ["request", _SUMMARY, "outcome"]
NO_FAMILIES = "families is empty, where other rows have them"


@dataclass(frozen=True, slots=True)
class DecidedRows:
    """Parsed rows of a table.

    Attributes
    ----------
    table : DataFrame
        Columns have the types of the schema; ``outcome`` may be ``partial``.
    reasons : Series of string
        Why each row is rejected; missing if it is not.
    warnings : Series of string
        See `ParsedRequests`.
    """

    table: pd.DataFrame
    reasons: pd.Series
    warnings: pd.Series


@dataclass(frozen=True, slots=True)
class RowsRead:
    """Collector for the rows of a table that is read in chunks; stores each distinct clinical summary once.

    Attributes
    ----------
    warnings : Counter
        Number of rows with each warning.
    """

    warnings: Counter[str] = field(default_factory=Counter)
    _requests: list[pd.DataFrame] = field(default_factory=list)
    _families: list[pd.DataFrame] = field(default_factory=list)
    _hashes: list[pd.Series] = field(default_factory=list)
    _rejected: list[pd.DataFrame] = field(default_factory=list)
    _lines: list[RejectedLine] = field(default_factory=list)
    _summaries: dict[str, str] = field(default_factory=dict)

    def add(self, chunk: Chunk, decided: DecidedRows) -> None:
        """Add a chunk and its rows as parsed by `decide_rows`."""
        is_usable = decided.reasons.isna()
        requests = decided.table[is_usable]
        self.warnings.update(count_warnings(decided.warnings))
        self._hashes.append(pd.util.hash_pandas_object(requests[_TEXTS], index=False).set_axis(requests.index))
        self._requests.append(self._share_summaries(requests))
        self._families.append(decided.table[[name for name in ("source", "families") if name in decided.table]])
        self._rejected.append(chunk.frame[~is_usable].assign(reason=decided.reasons[~is_usable]))
        self._lines.extend(chunk.rejects)

    def joined(self, read_again: Callable[[], Iterable[Chunk]]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the requests, and the rejected rows in table order followed by lines that are not rows.

        Rows without families are read again, because only the whole table shows whether to reject them.
        """
        requests = pd.concat(self._requests)
        self._requests.clear()
        lacking = lacks_families(pd.concat(self._families)).loc[requests.index]
        rejected = self._rejected
        if lacking.any():
            rows, requests = requests.index[lacking], requests[~lacking]
            written = pd.concat([chunk.frame[chunk.frame.index.isin(rows)] for chunk in read_again()])
            rejected = [*rejected, written.assign(reason=pd.Series(NO_FAMILIES, written.index, dtype="string"))]
        left_out = pd.concat(rejected).sort_index()
        left_out.insert(0, "row", left_out.index + 1)
        if self._lines:
            left_out = pd.concat([left_out, pd.DataFrame(self._lines)], ignore_index=True)
            left_out = left_out.astype({"row": "Int64", "line": "Int64"})
        return requests, left_out

    def are_all_repeated(self, rows: pd.Index) -> bool:
        """Whether every one of these rows has a duplicate."""
        return bool((pd.concat(self._hashes).loc[rows].value_counts() > 1).all())

    def _share_summaries(self, requests: pd.DataFrame) -> pd.DataFrame:
        codes, texts = requests[_SUMMARY].factorize()
        shared: list[str | None] = [*(self._summaries.setdefault(text, text) for text in texts), None]
        # Arrow would store a text once per row.
        return requests.assign(**{_SUMMARY: pd.array(shared, dtype="string[python]").take(codes)})


def _with_source(requests: pd.DataFrame) -> pd.DataFrame:
    """Fill the source of each row; rows without a source are the user's own."""
    missing = pd.Series(pd.NA, index=requests.index, dtype="string")
    return requests.assign(source=requests.get("source", missing).astype("string").fillna(OWN_SOURCE))


def decide_rows(mapped: pd.DataFrame, styles: Mapping[str, DateStyle], partial: Partial) -> DecidedRows:
    """Parse the rows of a table or chunk, and find the reason to reject each row that can't be used.

    Parameters
    ----------
    mapped : DataFrame
        Columns have the names of the schema.
    styles : mapping of str to DateStyle
        Format of each date column.
    partial : {"overturned", "upheld", "drop"}
        How to count a partially overturned request.
    """
    parsed = parse_requests(mapped, styles)
    outcomes = read_outcomes(mapped["outcome"])
    outcomes = outcomes if partial == "drop" else outcomes.replace(PARTIAL, partial)
    reasons = _rejection_reasons(parsed.table, mapped["outcome"], outcomes)
    return DecidedRows(_with_source(parsed.table.assign(outcome=outcomes)), reasons, parsed.warnings)


def lacks_families(table: pd.DataFrame) -> pd.Series:
    """Mask of rows that have no families although other rows of the same source do: shape (rows,) bool.

    A source with no families at all trains only the outcome classifier.
    """
    if "families" not in table:
        return pd.Series(data=False, index=table.index)
    given = table["families"].notna()
    return ~given & given.groupby(table["source"].astype("string")).transform("any")


def _rejection_reasons(table: pd.DataFrame, written: pd.Series, outcomes: pd.Series) -> pd.Series:
    """Why each row can't be trained on, judged from that row alone; missing if it can."""
    reasons = row_errors(table)
    given = parse_text(written).notna()
    checks = (
        (~given, "outcome is empty"),
        (given & outcomes.isna(), "outcome is not a known decision"),
        (outcomes.eq(PARTIAL).fillna(value=False), "outcome is partial (choose with --partial)"),
    )
    for failed, reason in checks:
        reasons = reasons.mask(failed & reasons.isna(), reason)
    return reasons
