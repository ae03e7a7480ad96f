"""Columns by other names: what the user maps, and what to suggest where a column is missing."""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, model_validator

from imr_ml.errors import SchemaError

_SIMILAR = 0.8
_SYNONYM = 0.95
_CONTAINED = 0.85
_NAMES_SHOWN = 30


class Column(BaseModel):
    """A column and what users call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    synonyms: tuple[str, ...]


class Synonyms(BaseModel):
    """What users call the columns; no name stands for two of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: tuple[Column, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> Synonyms:
        names = Counter(_folded(name) for column in self.column for name in {column.name, *column.synonyms})
        twice = sorted(name for name, times in names.items() if times > 1)
        if twice:
            raise ValueError(f"name stands twice: {', '.join(twice)}")
        return self


@cache
def default_synonyms() -> Synonyms:
    """The synonyms that ship with the package."""
    written = resources.files("imr_ml.tables").joinpath("synonyms.toml").read_text("utf-8")
    return Synonyms.model_validate(tomllib.loads(written))


def parse_map(pairs: Iterable[str]) -> dict[str, str]:
    """What the user maps: the contract's column -> the table's.

    Raises
    ------
    SchemaError
        For what is no pair, and for a column that stands twice.

    Examples
    --------
    >>> parse_map(["request=RFA_TEXT", "age=Age (years)"])
    {'request': 'RFA_TEXT', 'age': 'Age (years)'}
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, found = (part.strip() for part in pair.partition("="))
        if not (name and equals and found):
            raise SchemaError(f"--map {shlex.quote(pair)}: write it as column=name, as in --map request=RFA_TEXT")
        if name in mapping or found in mapping.values():
            raise SchemaError(f"--map {shlex.quote(pair)}: {name if name in mapping else found} is mapped already")
        mapping[name] = found
    return mapping


def renamed(names: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """The table's column names with the mapped ones in the contract's words.

    Raises
    ------
    SchemaError
        For a mapped column that the table lacks, and for one whose new name another column has.

    Examples
    --------
    >>> renamed(["RFA_TEXT", "age"], {"request": "RFA_TEXT"})
    ['request', 'age']
    """
    lacking = [found for found in mapping.values() if found not in names]
    if lacking:
        shown = ", ".join(map(str, names[:_NAMES_SHOWN])) or "none"
        raise SchemaError(f"--map: the table has no column {', '.join(lacking)}; found: {shown}")
    new = {found: name for name, found in mapping.items()}
    taken = [name for name in mapping if name in names and name not in new]
    if taken:
        raise SchemaError(f"--map: the table has a column {', '.join(taken)} already; rename it or leave out the map")
    return [new.get(name, name) for name in names]


def suggestion(missing: Sequence[str], found: Sequence[str]) -> list[str]:
    """Options that would give the missing columns, by the names found; the likeliest pairs first.

    Examples
    --------
    >>> suggestion(["request", "clinical_summary"], ["ID", "RFA_TEXT", "Chart Summary"])
    ['--map request=RFA_TEXT', "--map 'clinical_summary=Chart Summary'"]
    """
    likeness = {(name, other): _likeness(name, other) for name in missing for other in found if other not in missing}
    pairs: dict[str, str] = {}
    for name, other in sorted(likeness, key=lambda pair: -likeness[pair]):
        if likeness[name, other] >= _SIMILAR and name not in pairs and other not in pairs.values():
            pairs[name] = other
    return [f"--map {shlex.quote(f'{name}={pairs[name]}')}" for name in missing if name in pairs]


def _likeness(name: str, found: str) -> float:
    """How likely a column is meant, between 0 and 1: its name, a synonym, one that holds it, or one spelled alike."""
    written = _folded(found)
    if written == _folded(name):
        return 1.0
    synonyms = next((column.synonyms for column in default_synonyms().column if column.name == name), ())
    if written in map(_folded, synonyms):
        return _SYNONYM
    words = set(written.split())
    known = [set(_folded(known).split()) for known in (name, *synonyms)]
    if any(len(parts) > 1 and parts <= words for parts in known):
        return _CONTAINED
    spelled = (difflib.SequenceMatcher(None, written, _folded(known)).ratio() for known in (name, *synonyms))
    return min(max(spelled), _CONTAINED)


def _folded(name: str) -> str:
    """Words of a name, in lower case.

    Examples
    --------
    >>> _folded("RFA_TEXT"), _folded("rfaText (1)")
    ('rfa text', 'rfa text 1')
    """
    return " ".join(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
