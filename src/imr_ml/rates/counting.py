"""Count decided requests by one or two questions, with intervals of the rates and of their differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.corpus.rates import difference_interval, wilson
from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.corpus.table import case_keys
from imr_ml.evaluation.slices import FEWEST_REQUESTS
from imr_ml.progress import StartProgress, no_progress
from imr_ml.rates.questions import (
    Question,
    RatesError,
    answer_questions,
    distinct_values,
    has_any_value,
    question_named,
    resolve_values,
)
from imr_ml.rates.table_facts import TableFacts, summarize_table

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

COUNTS = ["requests", "overturned"]
FIGURES = ["rate", "low", "high", "difference", "difference_low", "difference_high"]
ReadRows = Callable[["NDArray[np.int64]", Sequence[str]], pd.DataFrame]
_FALSE_ALARM_RATE = 0.05
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates by one or two questions.

    Attributes
    ----------
    cells : DataFrame
        ``by``, `COUNTS`, `FIGURES` and ``families``. A request counts once for each of its values. Differences are from
        all other requests. Cells with fewer than 20 requests have a count only.
    overall : dict
        Counts and figures of all requests.
    """

    by: tuple[str, ...]
    cells: pd.DataFrame
    overall: dict[str, float | None]
    facts: TableFacts

    @property
    def chance(self) -> str:
        """Number of cells that differ significantly, and number expected by chance."""
        tested = self.cells.dropna(subset=["difference"])
        outside = int(((tested["difference_low"] > 0) | (tested["difference_high"] < 0)).sum())
        return (
            f"{outside} of {len(tested)} cells differ from the other requests by their 95 % interval; about "
            f"{_FALSE_ALARM_RATE * len(tested):.1f} would by chance alone. Requests of one case are not independent, "
            "so intervals are somewhat too narrow."
        )


@dataclass(frozen=True, slots=True)
class AnsweredRequests:
    """Decided requests with their answers.

    Attributes
    ----------
    requests : DataFrame
        ``outcome`` and, if known, ``decision_date``.
    answers : DataFrame
        Result of `answer_questions`; always includes ``family``.
    read_rows : callable
        (row numbers of requests, columns of the table) -> cells of these requests, in that order.
    """

    requests: pd.DataFrame
    answers: pd.DataFrame
    facts: TableFacts
    read_rows: ReadRows


def parse_condition(condition: str) -> tuple[Question, str]:
    """Parse a condition such as ``"body_part=low_back"``; raise `RatesError` for other text."""
    key, separator, value = condition.partition("=")
    if not (separator and value.strip()):
        raise RatesError(f"--where {condition[:80]}: write it as NAME=VALUE, as in --where body_part=low_back")
    return question_named(key), value


def answer_requests(
    requests: pd.DataFrame,
    questions: Sequence[str],
    name: str,
    where: Sequence[str] = (),
    start: StartProgress = no_progress,
) -> AnsweredRequests:
    """Answer questions about the requests that meet conditions.

    Parameters
    ----------
    requests : DataFrame
        Decided requests, completed.
    questions : sequence of str
        Names in `QUESTIONS`.
    name : str
        Name of the table in the output.
    where : sequence of str
        Conditions such as ``"body_part=low_back"``, all of which must be met. They are applied in order, so that texts
        are read only for requests that meet the earlier ones.
    start : callable, optional
        Starts a progress bar.

    Raises
    ------
    RatesError
        For an invalid condition, or one that no request meets.
    """
    # Count before the conditions remove rows of a case.
    cases = case_keys(requests)
    counted = cases.map(cases.value_counts()).astype("float64")
    requests = requests.assign(items_in_case=requests["items_in_case"].astype("float64").fillna(counted))
    for condition in where:
        question, value = parse_condition(condition)
        answers = answer_questions(requests, [question.name], start)[question.name]
        requests = requests[has_any_value(answers, resolve_values(question, value, distinct_values(answers)))]
    answered = answer_questions(requests, [*questions, "family"], start)
    facts = replace(summarize_table(requests, name, case_keys(requests).nunique()), where=tuple(where))
    return AnsweredRequests(
        requests, answered, facts, lambda places, columns: requests.iloc[places].reindex(columns=list(columns))
    )


def count_rates(answered: AnsweredRequests, by: Sequence[str]) -> Rates:
    """Count the requests and compute their rates by one or two of the answered questions."""
    overturned = answered.requests["outcome"].eq("overturned").fillna(value=False)
    counts = _count_answers(answered.answers, overturned, [*by, "family"])
    cells = _split_answers(counts, by).groupby([*by], sort=False)[COUNTS].sum()
    total = (len(overturned), int(overturned.sum()))
    pairs = cells[COUNTS].to_numpy(dtype=int).tolist()
    figures = pd.DataFrame(
        [_compute_figures(count, part, total) for count, part in pairs], columns=FIGURES, index=cells.index
    )
    cells = cells.join(figures).join(_list_families(counts, by))
    cells["overturned"] = cells["overturned"].astype("Int64").mask(cells["requests"] < FEWEST_REQUESTS)
    ordered = cells.reset_index().sort_values(["requests", *by], ascending=[False, *(True for _ in by)])
    overall = dict(zip([*COUNTS, *FIGURES], [*total, *_compute_figures(*total, total)], strict=True))
    return Rates(tuple(by), ordered.reset_index(drop=True), overall, answered.facts)


def cell_records(cells: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Convert cells to records for a page: values of the questions, counts and figures; None for missing ones."""
    rounded = cells.round(dict.fromkeys(FIGURES, _DIGITS)).astype("object")
    rows = rounded.where(rounded.notna(), None).to_dict("records")
    return [
        {"values": [row[name] for name in names]} | {str(key): row[key] for key in row if key not in names}
        for row in rows
    ]


def compare_values(answered: AnsweredRequests, name: str, values: tuple[str, str]) -> str:
    """Describe the difference between the rates of two values, for requests that have only one of them.

    Parameters
    ----------
    answered : AnsweredRequests
    name : str
        Question.
    values : (str, str)
        Values of the question.

    Raises
    ------
    RatesError
        If no request has a value, or fewer than 20 requests have only that value.
    """
    answers = answered.answers[name]
    resolved = [resolve_values(question_named(name), value, distinct_values(answers)) for value in values]
    names = [" or ".join(sorted(value)) for value in resolved]
    first, second = (has_any_value(answers, value) for value in resolved)
    overturned = answered.requests["outcome"].eq("overturned").fillna(value=False)
    counts = [(int(overturned[only].sum()), int(only.sum())) for only in (first & ~second, second & ~first)]
    few = [f"{name} ({count[1]})" for name, count in zip(names, counts, strict=True) if count[1] < FEWEST_REQUESTS]
    if few:
        raise RatesError(f"--compare: fewer than {FEWEST_REQUESTS} requests have only {' and only '.join(few)}")
    low, high = difference_interval(counts[0], counts[1])
    (a, n_a), (b, n_b) = counts
    return (
        f"{names[0]} {a / n_a:.1%} of {n_a:,} minus {names[1]} {b / n_b:.1%} of {n_b:,}: "
        f"{100 * (a / n_a - b / n_b):+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]; "
        f"{int((first & second).sum()):,} request(s) with both left out"
    )


def write_rates(rates: Rates, path: Path) -> None:
    """Write the cells as a table (.csv, .jsonl, .parquet), with the source in each row."""
    from imr_ml.scoring.output import chunk_writer

    with chunk_writer(path) as write:
        write(rates.cells.assign(source=rates.facts.kind))


def _count_answers(answers: pd.DataFrame, overturned: pd.Series, by: Sequence[str]) -> pd.DataFrame:
    """Count requests and overturned ones by the answers as they are, with several values joined."""
    names = list(dict.fromkeys(by))
    frame = answers[names].assign(overturned=overturned.to_numpy())
    grouped = frame.groupby(names, observed=True, sort=False)["overturned"].agg(["size", "sum"])
    return grouped.set_axis(COUNTS, axis=1).reset_index().astype(dict.fromkeys(names, "object"))


def _split_answers(counts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    for name in dict.fromkeys(by):
        counts = counts.assign(**{name: counts[name].str.split(FAMILY_SEPARATOR)}).explode(name, ignore_index=True)
    return counts


def _compute_figures(requests: int, overturned: int, total: tuple[int, int]) -> tuple[float | None, ...]:
    if requests < FEWEST_REQUESTS:
        return (None,) * len(FIGURES)
    rate = (overturned / requests, *wilson(overturned, requests))
    others = (total[1] - overturned, total[0] - requests)
    if others[1] < FEWEST_REQUESTS:
        return (*rate, None, None, None)
    difference = overturned / requests - others[0] / others[1]
    return (*rate, difference, *difference_interval((overturned, requests), others))


def _list_families(counts: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """List the cited families of each cell with their numbers of requests, as ``"odg 12, acoem 3"``."""
    cited = _split_answers(counts.assign(cited=counts["family"]), [*by, "cited"])
    summed = cited.groupby([*by, "cited"], sort=False)["requests"].sum().reset_index("cited")
    summed = summed.sort_values("requests", ascending=False, kind="stable")
    words = summed["cited"] + " " + summed["requests"].astype("string")
    return words.groupby(level=list(range(len(by))), sort=False).agg(", ".join).rename("families")
