"""Answer questions about each request, such as treatment or year, to count rates by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.errors import ImrError
from imr_ml.nlp.frame import section_columns
from imr_ml.nlp.types import Kind
from imr_ml.nlp.views import view_section
from imr_ml.progress import StartProgress, no_progress
from imr_ml.rates.table_answers import MAX_NAME_CHARACTERS, NO_CHAPTER, TABLE_ANSWERS, UNKNOWN, short_names

if TYPE_CHECKING:
    pass

NONE_NAMED = "none named"
MISSING = (UNKNOWN, NONE_NAMED, NO_CHAPTER)
MAX_QUESTIONS = 2
FactCache = dict[tuple[str, ...], dict[str, tuple[str, ...]]]
"""Facts read from texts, by section and names of the facts."""
_TEXTS_AT_ONCE = 5_000
_MAX_CACHED_CHARACTERS, _MAX_CACHED_TEXTS = 200, 300_000
_AFFIRMED = re.compile(r"(?<!\S)(?!no_)\S+")


class RatesError(ImrError):
    """Rates can't be counted as requested; the message states what to change."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to count requests by.

    Attributes
    ----------
    name, label : str
        Name on the command line and label on a page.
    section, fact : str
        Text column and the fact that the spaCy stage reads from it; empty if another column has the answer.
    kind : str or None
        Kind of the fact, to interpret a value such as ``"low back"`` as the stage does.
    is_ordered : bool
        Whether the values have an order, as years do.
    """

    name: str
    label: str
    section: str = ""
    fact: str = ""
    kind: Kind | None = None
    is_ordered: bool = False


_ALL = (
    Question("category", "Category", "request", "category"),
    Question("treatment", "Treatment", "request", "treatments", "treatment"),
    Question("drug", "Drug", "request", "drugs", "drug"),
    Question("drug_class", "Drug class", "request", "drug_classes", "class"),
    Question("body_part", "Body part", "request", "request_body_parts", "body"),
    Question("diagnosis", "Diagnosis", "clinical_summary", "diagnoses", "diagnosis"),
    Question("family", "Family cited"),
    Question("chapter", "ACOEM chapter cited"),
    Question("ur_family", "Family cited by UR"),
    Question("ur_cites_nothing", "UR cites nothing"),
    Question("specialty", "Reviewer's specialty"),
    Question("items", "Requests in the case", is_ordered=True),
    Question("age_band", "Age", is_ordered=True),
    Question("sex", "Sex"),
    Question("quarter", "Quarter of decision", is_ordered=True),
    Question("year", "Year of decision", is_ordered=True),
)
QUESTIONS = {question.name: question for question in _ALL}


def question_named(name: str) -> Question:
    """Find a question by name, in any case and with ``-``, ``_`` or spaces between words."""
    question = QUESTIONS.get(_normalize(name).replace(" ", "_"))
    if question is None:
        raise RatesError(f"no question {name[:MAX_NAME_CHARACTERS]!r}; choose from {', '.join(QUESTIONS)}")
    return question


def questions_named(names: Sequence[str]) -> list[str]:
    """Find one or two questions by name; raise `RatesError` for another number, duplicates or unknown names."""
    resolved = [question_named(name).name for name in names]
    if not 1 <= len(set(resolved)) == len(resolved) <= MAX_QUESTIONS:
        raise RatesError(f"--by: choose one or {MAX_QUESTIONS} different questions from {', '.join(QUESTIONS)}")
    return resolved


def answer_questions(
    requests: pd.DataFrame, names: Iterable[str], start: StartProgress = no_progress, cache: FactCache | None = None
) -> pd.DataFrame:
    """Answer questions about each request; several values are joined by ``|``.

    Each distinct text is read once, and only if a question needs it.

    Parameters
    ----------
    requests : DataFrame
        Requests table with `imr_ml.corpus.table.complete_cases` applied.
    names : iterable of str
        Names in `QUESTIONS`.
    start : callable, optional
        Starts a progress bar over the distinct texts of a section.
    cache : dict, optional
        Facts of short texts, shared by the chunks of one table so that no text is read twice.
    """
    questions = [QUESTIONS[name] for name in dict.fromkeys(names)]
    columns: dict[str, pd.Series] = {}
    for section in dict.fromkeys(question.section for question in questions if question.section):
        of_section = [question for question in questions if question.section == section]
        columns |= _facts(requests, section, of_section, start, {} if cache is None else cache)
    columns |= {question.name: TABLE_ANSWERS[question.name](requests) for question in questions if not question.section}
    return pd.DataFrame({question.name: columns[question.name].astype("category") for question in questions})


def distinct_values(answers: pd.Series) -> frozenset[str]:
    """Return all values in the answers."""
    return frozenset(part for joined in answers.cat.categories for part in joined.split(FAMILY_SEPARATOR))


def candidate_values(question: Question, value: str, all_values: frozenset[str]) -> frozenset[str]:
    """Return all values that `resolve_values` may return, given the values in a part of the table."""
    by_name, by_text = _match_values(question, value, all_values)
    return by_name | by_text


def resolve_values(question: Question, value: str, all_values: frozenset[str]) -> frozenset[str]:
    """Find the values that a user's text denotes: the value of that name, else those that the spaCy stage reads in it.

    Parameters
    ----------
    question : Question
    value : str
        The user's text.
    all_values : frozenset of str
        All values in the table.

    Raises
    ------
    RatesError
        If no request has such a value.
    """
    by_name, by_text = _match_values(question, value, all_values)
    if not (by_name or by_text):
        examples = ", ".join(sorted(name for name in all_values if len(name) < MAX_NAME_CHARACTERS)[:12])
        raise RatesError(
            f"{question.name}={value[:MAX_NAME_CHARACTERS]}: no request has it; values are: {examples}, ..."
        )
    return by_name or by_text


def _match_values(question: Question, value: str, all_values: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    by_name = frozenset(name for name in all_values if _normalize(name) == _normalize(value))
    facts = view_section(_normalize(value)).facts if question.kind else ()
    return by_name, frozenset(fact.value for fact in facts if fact.kind == question.kind) & all_values


def has_any_value(answers: pd.Series, values: frozenset[str]) -> pd.Series:
    """Whether each request has one of the values: shape (requests,) bool."""
    is_match = {joined: not values.isdisjoint(joined.split(FAMILY_SEPARATOR)) for joined in answers.cat.categories}
    return answers.map(is_match).astype(bool)


def _normalize(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _facts(
    requests: pd.DataFrame, section: str, questions: Sequence[Question], start: StartProgress, cache: FactCache
) -> dict[str, pd.Series]:
    from_table = {question.name: short_names(requests, question.name) for question in questions}
    texts = requests[section].astype("object")
    if all(question.kind is None for question in questions):
        # Texts of requests that the table answers need not be read.
        texts = texts.where(pd.DataFrame(from_table).isna().any(axis=1), None)
    facts_by_text = cache.setdefault((section, *(question.fact for question in questions)), {})
    new = [text for text in texts.dropna().unique() if text not in facts_by_text]
    _read_facts(new, section, questions, facts_by_text, start)
    answers = {}
    for place, question in enumerate(questions):
        from_text = texts.map({text: facts_by_text[text][place] for text in texts.dropna().unique()}).astype("object")
        columns = [from_text.replace("", None), from_table[question.name]]
        # A category in the table takes precedence; codes of a source are used only if its texts name nothing.
        first, second = reversed(columns) if question.kind is None else columns
        answers[question.name] = first.fillna(second).fillna(NONE_NAMED)
    for text in new:
        if len(text) > _MAX_CACHED_CHARACTERS or len(facts_by_text) > _MAX_CACHED_TEXTS:
            del facts_by_text[text]
    return answers


def _read_facts(
    texts: Sequence[str],
    section: str,
    questions: Sequence[Question],
    facts_by_text: dict[str, tuple[str, ...]],
    start: StartProgress,
) -> None:
    progress = start(f"reading {section}", len(texts))
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        batch = texts[first : first + _TEXTS_AT_ONCE]
        frame = section_columns(pd.DataFrame({section: batch}))
        # Facts that the text negates do not count.
        columns = [
            [
                intern(cell if question.kind is None else FAMILY_SEPARATOR.join(_AFFIRMED.findall(cell)))
                for cell in frame[question.fact]
            ]
            for question in questions
        ]
        facts_by_text.update(zip(batch, zip(*columns, strict=True), strict=True))
        progress(len(batch))
