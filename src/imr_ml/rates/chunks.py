"""Answer questions about the requests of a table, one chunk of rows at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api.types import union_categoricals

from imr_ml.corpus.dates import survey_styles
from imr_ml.corpus.decided_rows import NO_FAMILIES, decide_rows, lacks_families
from imr_ml.corpus.decisions import (
    ALL_TWICE,
    describe_lacks,
    describe_reading,
    no_decisions,
)
from imr_ml.corpus.issues import current_requests
from imr_ml.corpus.schema import CASE_VERSION, COLUMNS, count_warnings, typed
from imr_ml.corpus.table import case_keys, complete_cases
from imr_ml.ingest.sources import select_source
from imr_ml.rates.counting import AnsweredRequests, parse_condition
from imr_ml.rates.questions import (
    FactCache,
    RatesError,
    answer_questions,
    candidate_values,
    distinct_values,
    has_any_value,
    resolve_values,
)
from imr_ml.rates.table_facts import summarize_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imr_ml.corpus.dates import DateStyle
    from imr_ml.corpus.decisions import InputOptions
    from imr_ml.tables.table import Table

_ITEMS = "items"
_TEXTS = ["request", "clinical_summary", "outcome"]
_UNUSED = {"rationale", "file", "text_from", "letter_warnings"}
_QUESTIONS_NEEDING = {"imr_guideline": {"chapter"}, "ur_guideline": {"ur_family", "ur_cites_nothing"}}
"""Questions that need a long column; the column is not read for others."""


@dataclass(slots=True)
class ChunkedReading:
    """Answers about a table that is read in chunks.

    Attributes
    ----------
    rows, answers : list of DataFrame
        For each chunk, the compact columns of every decided request, and the answers for requests that may meet the
        conditions; both are indexed by the row in the table.
    all_values : dict
        All values in the table, by question of a condition.
    """

    path: Path
    table: Table
    questions: tuple[str, ...]
    where: tuple[str, ...]
    source: str | None
    options: InputOptions
    rows_at_once: int
    rows: list[pd.DataFrame] = field(default_factory=list)
    answers: list[pd.DataFrame] = field(default_factory=list)
    all_values: dict[str, frozenset[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()
    _cache: FactCache = field(default_factory=dict)
    _styles: dict[str, DateStyle] = field(default_factory=dict)

    def read(self) -> Iterator[int]:
        """Read the table; yield the number of rows of each chunk."""
        names = self._user_names()
        self._styles = survey_styles(self.table, names)
        needed = {*self.questions, *(parse_condition(condition)[0].name for condition in self.where)}
        unneeded = {column for column, questions in _QUESTIONS_NEEDING.items() if not needed & questions}
        columns = [user_name for name, user_name in names.items() if name not in _UNUSED | unneeded]
        for chunk in self.table.chunks(self.rows_at_once, columns):
            self.reasons.update(line.reason for line in chunk.rejects)
            self._add(chunk.frame)
            yield len(chunk.frame)

    def answer(self) -> AnsweredRequests:
        """Return the answers about the requests that meet the conditions; call this after `read`."""
        rows = self._current_rows(_concatenate(self.rows))
        answers = _concatenate(self.answers)
        answers = answers[answers.index.isin(rows["row"])]
        counts = rows["case"].map(rows["case"].value_counts())
        rows = rows.assign(items_in_case=rows["items_in_case"].fillna(counts)).set_index("row").loc[answers.index]
        if _ITEMS in answers:
            answers = answers.assign(**{_ITEMS: answer_questions(rows, [_ITEMS])[_ITEMS]})
            self.all_values[_ITEMS] = distinct_values(answers[_ITEMS])
        for condition in self.where:
            question, value = parse_condition(condition)
            values = resolve_values(question, value, self.all_values.get(question.name, frozenset()))
            answers = answers[has_any_value(answers[question.name], values)]
        if answers.empty:
            raise RatesError(f"no request meets {' and '.join(self.where)}")
        rows = rows.loc[answers.index]
        facts = replace(summarize_table(rows, self.path.name, rows["case"].nunique()), where=self.where)
        places = answers.index.to_numpy()
        return AnsweredRequests(
            requests=rows.reset_index(drop=True),
            answers=answers[list(self.questions)].reset_index(drop=True),
            facts=facts,
            read_rows=lambda wanted, columns: self._read_rows(places[wanted], columns),
        )

    def _user_names(self) -> dict[str, str]:
        """Map the schema's columns that the table has to the user's names."""
        names = {column.name: self.options.mapping.user_name(column.name) for column in COLUMNS}
        return {name: user_name for name, user_name in names.items() if user_name in self.table.columns}

    def _add(self, chunk: pd.DataFrame) -> None:
        decided = decide_rows(self.options.mapping.apply(chunk), self._styles, self.options.partial)
        self.reasons.update(decided.reasons.dropna())
        self.warnings.update(count_warnings(decided.warnings))
        table = complete_cases(decided.table[decided.reasons.isna()])
        self.rows.append(_compact_columns(table, decided.table))
        if self.source is not None and "source" in table:
            table = table[table["source"].eq(self.source).fillna(value=False)]
        answers = pd.DataFrame(index=table.index)
        for condition in self.where:
            question, value = parse_condition(condition)
            answers[question.name] = answer_questions(table, [question.name], cache=self._cache)[question.name]
            if question.name != _ITEMS:
                values_here = distinct_values(answers[question.name])
                self.all_values[question.name] = self.all_values.get(question.name, frozenset()) | values_here
                table = table[has_any_value(answers[question.name], candidate_values(question, value, values_here))]
                answers = answers.loc[table.index]
        others = [name for name in self.questions if name not in answers]
        self.answers.append(answers.join(answer_questions(table, others, cache=self._cache)))

    def _current_rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Select the last issue of each case of the source, and note which rows are left out."""
        lacking = lacks_families(rows)
        self.reasons.update({NO_FAMILIES: int(lacking.sum())} if lacking.any() else {})
        usable = rows[~lacking]
        if usable.empty:
            raise no_decisions(self.path, self.reasons)
        of_source = select_source(usable, self.source, self.path)
        current = current_requests(of_source)
        left_out = len(of_source) - len(current)
        self.notes = (
            *([f"{self.source} only"] if self.source else []),
            *([f"{left_out} request(s) left out, as their cases were reissued"] if left_out else []),
            *describe_reading(self.reasons, self._styles, self.warnings),
            *describe_lacks(self._user_names(), usable),
            *([ALL_TWICE] if (usable["texts"].value_counts() > 1).all() else []),
        )
        return current

    def _read_rows(self, wanted: NDArray[np.int64], columns: Sequence[str]) -> pd.DataFrame:
        """Read cells of the wanted rows of the table, in that order."""
        user_names = [self.options.mapping.user_name(name) for name in columns]
        chunks = (chunk.frame for chunk in self.table.chunks(self.rows_at_once, user_names))
        frame = pd.concat([chunk[chunk.index.isin(wanted)] for chunk in chunks])
        return typed(self.options.mapping.apply(frame), self._styles).reindex(index=wanted, columns=list(columns))


def _compact_columns(table: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """Reduce decided requests to numbers, dates and codes, with hashes in place of texts and case numbers."""
    numbers = table.reindex(columns=["outcome", "items_in_case"]).astype({"outcome": "category"})
    numbers["items_in_case"] = whole["items_in_case"].loc[table.index] if "items_in_case" in whole else float("nan")
    numbers["row"] = table.index
    numbers["case"] = pd.util.hash_array(case_keys(table).to_numpy(dtype=object), categorize=False)
    numbers["texts"] = pd.util.hash_pandas_object(table[_TEXTS], index=False)
    for name in ("source", "families"):
        if name in table:
            numbers[name] = table[name].astype("category")
    for name in (CASE_VERSION, "decision_date", "decision_year"):
        if name in table:
            numbers[name] = table[name]
    if "case_number" in table:
        numbers["case_number"] = numbers["case"].astype("int64").astype("Int64").mask(table["case_number"].isna())
    return numbers


def _concatenate(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate chunks without expanding their categories."""
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    columns = {name: _concatenate_column([frame[name] for frame in frames]) for name in frames[0]}
    return pd.DataFrame(columns, index=frames[0].index.append([frame.index for frame in frames[1:]]))


def _concatenate_column(parts: list[pd.Series]) -> object:
    if not isinstance(parts[0].dtype, pd.CategoricalDtype):
        return pd.concat(parts).array
    # The categories of a chunk without values have another type.
    codes = [(part.cat.codes.to_numpy(), pd.Index(part.cat.categories, dtype="object")) for part in parts]
    return union_categoricals([pd.Categorical.from_codes(code, names) for code, names in codes])
