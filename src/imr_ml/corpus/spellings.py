"""Recognize users' names for columns and outcomes, and suggest the column that they probably mean."""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Literal

import pandas as pd
from pydantic import TypeAdapter

from imr_ml.corpus.cells import parse_cells, parse_text, string_series

Partial = Literal["overturned", "upheld", "drop"]
"""How to count a partially overturned request; ``drop`` leaves it out."""
PARTIAL = "partial"


def read_outcomes(values: pd.Series) -> pd.Series:
    """Convert known spellings to ``upheld``, ``overturned`` or ``partial``; others become missing."""
    outcomes, _ = parse_cells(values, lambda cell: outcome_spellings().get(_fold(cell)))
    return string_series(outcomes, values.index)


def parse_outcomes(values: pd.Series) -> pd.Series:
    """Convert known spellings to ``upheld`` or ``overturned``; partial and unknown outcomes become missing."""
    outcomes = read_outcomes(values)
    return outcomes.mask(outcomes.eq(PARTIAL))


@cache
def outcome_spellings() -> dict[str, str]:
    """Known spellings of outcomes: spelling -> ``upheld``, ``overturned`` or ``partial``.

    Raises
    ------
    ValueError
        If the data file lists a spelling twice.
    """
    text = resources.files("imr_ml.corpus").joinpath("outcomes.toml").read_text("utf-8")
    pairs = [(_fold(spelling), outcome) for outcome, listed in tomllib.loads(text).items() for spelling in listed]
    spellings = dict(pairs)
    if len(spellings) < len(pairs):
        raise ValueError("outcomes.toml lists a spelling twice")
    return spellings


def _fold(cell: str) -> str:
    return " ".join(re.findall(r"[a-z]+", cell.lower()))


_SIMILAR = 0.8
_SYNONYM = 0.95
_CONTAINED = 0.85
_CASE_NUMBER = r"CM\d{2}-\d{6,7}"
_SUMMARY_WORDS = 30


@cache
def column_synonyms() -> dict[str, tuple[str, ...]]:
    """Names that users give each column, from ``synonyms.toml``."""
    return read_synonyms(resources.files("imr_ml.corpus").joinpath("synonyms.toml").read_text("utf-8"))


def read_synonyms(toml: str) -> dict[str, tuple[str, ...]]:
    """Parse synonyms by column; raise `ValueError` if two columns share a name."""
    synonyms = TypeAdapter(dict[str, tuple[str, ...]]).validate_python(tomllib.loads(toml))
    names = Counter(folded for column, known in synonyms.items() for folded in set(map(fold_name, (column, *known))))
    repeated = sorted(name for name, times in names.items() if times > 1)
    if repeated:
        raise ValueError(f"several columns share the name(s) {', '.join(repeated)}")
    return synonyms


def suggestion(missing: Sequence[str], columns: Sequence[str], sample: pd.DataFrame | None = None) -> list[str]:
    """Suggest ``--map`` options for missing columns, by column names first, then by column contents.

    Parameters
    ----------
    missing : sequence of str
        Columns of the requests table.
    columns : sequence of str
        Columns of the table.
    sample : DataFrame, optional
        Some rows of the table.

    Examples
    --------
    >>> suggestion(["request", "clinical_summary"], ["ID", "RFA_TEXT", "Chart Summary"])
    ['--map request=RFA_TEXT', "--map 'clinical_summary=Chart Summary'"]
    """
    likeness = {
        (name, other): likeness_of(name, other) for name in missing for other in columns if other not in missing
    }
    pairs: dict[str, str] = {}
    for name, other in sorted(likeness, key=lambda pair: -likeness[pair]):
        if likeness[name, other] >= _SIMILAR and name not in pairs and other not in pairs.values():
            pairs[name] = other
    for name in missing:
        others = [other for other in columns if other not in pairs.values() and other not in missing]
        likely = None if name in pairs or sample is None else _column_by_content(name, sample[others])
        if likely:
            pairs[name] = likely
    return [f"--map {shlex.quote(f'{name}={pairs[name]}')}" for name in missing if name in pairs]


def _column_by_content(name: str, sample: pd.DataFrame) -> str | None:
    """Find the column that contains decisions, case numbers or long narratives; None if there is none."""
    texts = {str(column): parse_text(sample[column]).dropna() for column in sample}
    texts = {column: values for column, values in texts.items() if len(values)}
    if name == "outcome":
        shares = {column: read_outcomes(values).notna().mean() for column, values in texts.items()}
    elif name == "case_number":
        shares = {column: values.str.fullmatch(_CASE_NUMBER).mean() for column, values in texts.items()}
    elif name == "clinical_summary":
        words = {column: values.str.count(r"\w+").mean() for column, values in texts.items()}
        shares = {
            column: float(count >= _SUMMARY_WORDS) * count / max(words.values()) for column, count in words.items()
        }
    else:
        return None
    likeliest = max(shares, key=lambda column: shares[column], default=None)
    return likeliest if likeliest is not None and shares[likeliest] >= _SIMILAR else None


def likeness_of(name: str, column: str) -> float:
    """Likelihood that `column` means `name`, from 0 to 1: equal, a synonym, a name containing one, or a similar one."""
    written = fold_name(column)
    if written == fold_name(name):
        return 1.0
    synonyms = column_synonyms().get(name, ())
    if written in map(fold_name, synonyms):
        return _SYNONYM
    words = set(written.split())
    known = [set(fold_name(known).split()) for known in (name, *synonyms)]
    if any(len(parts) > 1 and parts <= words for parts in known):
        return _CONTAINED
    spelled = (difflib.SequenceMatcher(None, written, fold_name(known)).ratio() for known in (name, *synonyms))
    return min(max(spelled), _CONTAINED)


def fold_name(name: str) -> str:
    """Split a column name into lower-case words.

    Examples
    --------
    >>> fold_name("RFA_TEXT"), fold_name("rfaText (1)")
    ('rfa text', 'rfa text 1')
    """
    return " ".join(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
