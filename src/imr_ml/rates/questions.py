"""Answer the questions that a table of rates is made by, such as treatment or year, for each request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.corpus.table import decided_years
from imr_ml.errors import ImrError
from imr_ml.evaluation.slices import AGE_BANDS, ITEM_BANDS, band_names
from imr_ml.guidelines.citations import find_citations
from imr_ml.guidelines.types import Citation, Family
from imr_ml.nlp.demographics import demographics
from imr_ml.nlp.frame import section_columns
from imr_ml.nlp.types import Kind
from imr_ml.nlp.views import view_section
from imr_ml.progress import StartProgress, silent

if TYPE_CHECKING:
    from typing import Any

UNKNOWN, NONE_NAMED, NO_CHAPTER = "unknown", "none named", "no ACOEM chapter"
MISSING = (UNKNOWN, NONE_NAMED, NO_CHAPTER)
MOST_QUESTIONS = 2
Memory = dict[tuple[str, ...], dict[str, tuple[str, ...]]]
"""What texts say, by their section and the facts that are read."""
_TEXTS_AT_ONCE = 5_000
_LONGEST_REMEMBERED, _MOST_REMEMBERED = 200, 300_000
# A column of an own table may hold anything, but a page shows names, no texts.
_LONGEST_NAME = 80
_AFFIRMED = re.compile(r"(?<!\S)(?!no_)\S+")


class RatesError(ImrError):
    """A table of rates cannot be made as requested; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that requests are counted by.

    Attributes
    ----------
    name, label : str
        As the command line and as a page calls it.
    section, fact : str
        Column of text and the fact that the spaCy stage reads from it; empty for what the table itself says.
    kind : str or None
        Kind of the fact, to read a value such as ``"low back"`` as the stage does.
    is_ordered : bool
        Whether its values are ordered, as years are.
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
    """The question of a name, in any case and with any of ``-``, ``_`` or a space in it."""
    question = QUESTIONS.get(_plain(name).replace(" ", "_"))
    if question is None:
        raise RatesError(f"no question {name[:_LONGEST_NAME]!r}; choose from {', '.join(QUESTIONS)}")
    return question


def questions_named(names: Sequence[str]) -> list[str]:
    """Resolve the names of one or two different questions in `QUESTIONS`.

    Raises
    ------
    RatesError
        For another number, the same one twice or no known one.
    """
    known = [question_named(name).name for name in names]
    if not 1 <= len(set(known)) == len(known) <= MOST_QUESTIONS:
        raise RatesError(f"--by: give one or {MOST_QUESTIONS} different questions of {', '.join(QUESTIONS)}")
    return known


def answer_questions(
    requests: pd.DataFrame, names: Iterable[str], start: StartProgress = silent, memory: Memory | None = None
) -> pd.DataFrame:
    """Answer questions for each request; several answers are joined by ``|``, none is missing.

    Each distinct text is read once, and only the texts that a question needs.

    Parameters
    ----------
    requests : DataFrame
        Requests table with `imr_ml.corpus.table.complete_cases` applied.
    names : iterable of str
        Of `QUESTIONS`.
    start : callable, optional
        Starts a progress bar over the distinct texts of a section.
    memory : dict, optional
        What short texts say, for chunks of one table: those of an earlier chunk are not read again.
    """
    questions = [QUESTIONS[name] for name in dict.fromkeys(names)]
    columns: dict[str, pd.Series] = {}
    for section in dict.fromkeys(question.section for question in questions if question.section):
        of_section = [question for question in questions if question.section == section]
        columns |= _facts(requests, section, of_section, start, {} if memory is None else memory)
    columns |= {
        question.name: _TABLE_ANSWERS[question.name](requests) for question in questions if not question.section
    }
    return pd.DataFrame({question.name: columns[question.name].astype("category") for question in questions})


def known_values(answers: pd.Series) -> frozenset[str]:
    """Values that any request has."""
    return frozenset(part for joined in answers.cat.categories for part in joined.split(FAMILY_SEPARATOR))


def candidate_values(question: Question, value: str, known: frozenset[str]) -> frozenset[str]:
    """Values that `values_meant` may give, from what is known of a part of the table."""
    named, read = _meanings(question, value, known)
    return named | read


def values_meant(question: Question, value: str, known: frozenset[str]) -> frozenset[str]:
    """Values that a user's word means: its own name, else those that the spaCy stage reads in it.

    Parameters
    ----------
    question : Question
    value : str
    known : frozenset of str
        Values that any request has.

    Raises
    ------
    RatesError
        Where no request has any of them.
    """
    named, read = _meanings(question, value, known)
    if not (named or read):
        some = ", ".join(sorted(name for name in known if len(name) < _LONGEST_NAME)[:12])
        raise RatesError(f"{question.name}={value[:_LONGEST_NAME]}: no request has it; values are: {some}, ...")
    return named or read


def _meanings(question: Question, value: str, known: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    named = frozenset(name for name in known if _plain(name) == _plain(value))
    facts = view_section(_plain(value)).facts if question.kind else ()
    return named, frozenset(fact.value for fact in facts if fact.kind == question.kind) & known


def has_any(answers: pd.Series, values: frozenset[str]) -> pd.Series:
    """Which requests have one of the values: shape (requests,) bool."""
    chosen = {joined: not values.isdisjoint(joined.split(FAMILY_SEPARATOR)) for joined in answers.cat.categories}
    return answers.map(chosen).astype(bool)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _facts(
    requests: pd.DataFrame, section: str, questions: Sequence[Question], start: StartProgress, memory: Memory
) -> dict[str, pd.Series]:
    own = {question.name: _names(requests, question.name) for question in questions}
    texts = requests[section].astype("object")
    if all(question.kind is None for question in questions):
        # What the table itself answers need not be read.
        texts = texts.where(pd.DataFrame(own).isna().any(axis=1), None)
    read = memory.setdefault((section, *(question.fact for question in questions)), {})
    new = [text for text in texts.dropna().unique() if text not in read]
    _read_facts(new, section, questions, read, start)
    answers = {}
    for place, question in enumerate(questions):
        stated = texts.map({text: read[text][place] for text in texts.dropna().unique()}).astype("object")
        stated = stated.replace("", None)
        # The table's category is known, and a source's codes are used where its texts name nothing.
        first, second = (own[question.name], stated) if question.kind is None else (stated, own[question.name])
        answers[question.name] = first.fillna(second).fillna(NONE_NAMED)
    for text in new:
        if len(text) > _LONGEST_REMEMBERED or len(read) > _MOST_REMEMBERED:
            del read[text]
    return answers


def _read_facts(
    texts: Sequence[str],
    section: str,
    questions: Sequence[Question],
    read: dict[str, tuple[str, ...]],
    start: StartProgress,
) -> None:
    progress = start(f"reading {section}", len(texts))
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        batch = texts[first : first + _TEXTS_AT_ONCE]
        frame = section_columns(pd.DataFrame({section: batch}))
        # A fact that the text denies is not named.
        columns = [
            [
                intern(cell if question.kind is None else FAMILY_SEPARATOR.join(_AFFIRMED.findall(cell)))
                for cell in frame[question.fact]
            ]
            for question in questions
        ]
        read.update(zip(batch, zip(*columns, strict=True), strict=True))
        progress(len(batch))


def _names(requests: pd.DataFrame, column: str) -> pd.Series:
    """A column's cells as short names, the same one once; missing where the table has none."""
    if column not in requests:
        return pd.Series(None, index=requests.index, dtype="object")
    cells = requests[column].astype("object")
    short = {cell: _joined(str(cell).split(FAMILY_SEPARATOR)) for cell in cells.dropna().unique()}
    return cells.map(short).astype("object")


def _joined(names: Iterable[str]) -> str | None:
    stripped = (" ".join(name.split())[:_LONGEST_NAME] for name in names)
    return FAMILY_SEPARATOR.join(dict.fromkeys(name for name in stripped if name)) or None


def _of_column(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda requests: _names(requests, column).fillna(UNKNOWN)


def _chapters(requests: pd.DataFrame) -> pd.Series:
    if "imr_guideline" not in requests:
        return pd.Series(UNKNOWN, index=requests.index)
    texts = requests["imr_guideline"].astype("object")
    named = {text: _chapter_names(find_citations(text)) for text in texts.dropna().unique()}
    return texts.map(named).astype("object").fillna(UNKNOWN)


def _chapter_names(citations: Iterable[Citation]) -> str:
    cited = (citation.guideline for citation in citations if citation.family is Family.ACOEM and citation.guideline)
    return FAMILY_SEPARATOR.join(dict.fromkeys(cited)) or NO_CHAPTER


def _ur_cites_nothing(requests: pd.DataFrame) -> pd.Series:
    families = requests["ur_families"].astype("object")
    answers = families.map(lambda cell: "yes" if cell == "none" else "no", na_action="ignore")
    return answers.astype("object").fillna(UNKNOWN)


def _age_bands(requests: pd.DataFrame) -> pd.Series:
    ages = _demographics(requests, "age", "age_years").astype("float64")
    return band_names(ages, AGE_BANDS).astype("object").fillna(_names(requests, "age_band")).fillna(UNKNOWN)


def _demographics(requests: pd.DataFrame, column: str, attribute: str) -> pd.Series:
    """The table's cells, and where they are missing what the summary says, each distinct one read once."""
    cells = requests[column].astype("object")
    summaries = requests["clinical_summary"].astype("object").where(cells.isna())
    read: dict[str, Any] = {text: getattr(demographics(text), attribute) for text in summaries.dropna().unique()}
    return cells.where(cells.notna(), summaries.map(read)).astype("object")


def _years(requests: pd.DataFrame) -> pd.Series:
    years = pd.Series(decided_years(requests), index=requests.index)
    return (years // 1).astype("Int64").astype("object").map(str, na_action="ignore").astype("object").fillna(UNKNOWN)


def _quarters(requests: pd.DataFrame) -> pd.Series:
    if "decision_date" not in requests:
        return pd.Series(UNKNOWN, index=requests.index)
    dates = pd.to_datetime(requests["decision_date"])
    names = dates.dt.year.astype("Int64").astype("string") + " Q" + dates.dt.quarter.astype("Int64").astype("string")
    return names.astype("object").fillna(UNKNOWN)


_TABLE_ANSWERS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "family": _of_column("families"),
    "chapter": _chapters,
    "ur_family": _of_column("ur_families"),
    "ur_cites_nothing": _ur_cites_nothing,
    "specialty": _of_column("specialties"),
    "items": lambda requests: band_names(requests["items_in_case"], ITEM_BANDS).astype("object").fillna(UNKNOWN),
    "age_band": _age_bands,
    "sex": lambda requests: _demographics(requests, "sex", "sex").fillna(UNKNOWN),
    "quarter": _quarters,
    "year": _years,
}
