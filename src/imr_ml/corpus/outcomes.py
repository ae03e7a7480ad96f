"""Read outcomes as people write them, e.g. "UR overturned"; the spellings are in `outcomes.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

import pandas as pd

from imr_ml.corpus.cells import parse_text

Partial = Literal["overturned", "upheld", "drop"]
"""What a partially overturned request counts as; ``drop`` leaves it out."""
PARTIAL = "partial"


def read_outcomes(values: pd.Series) -> pd.Series:
    """``upheld``, ``overturned`` or ``partial`` for each known spelling; missing for any other."""
    text = parse_text(values)
    known = {cell: outcome_spellings().get(_fold(cell)) for cell in text.dropna().unique()}
    return text.map(known).astype("string")


def parse_outcomes(values: pd.Series) -> pd.Series:
    """``upheld`` or ``overturned``; missing for partial outcomes and unknown spellings."""
    outcomes = read_outcomes(values)
    return outcomes.mask(outcomes.eq(PARTIAL))


@cache
def outcome_spellings() -> dict[str, str]:
    """Spelling -> ``upheld``, ``overturned`` or ``partial``.

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
