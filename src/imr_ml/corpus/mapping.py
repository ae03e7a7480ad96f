"""Map a user's columns and values to those of the requests table, and suggest a mapping for missing columns."""

from __future__ import annotations

import shlex
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from imr_ml.corpus.schema import COLUMNS, FEATURE_COLUMNS, require_columns
from imr_ml.corpus.spellings import fold_name, likeness_of, suggestion
from imr_ml.errors import SchemaError

_SUGGESTED = 0.6
_NAMES_SHOWN = 30
_KNOWN = frozenset(column.name for column in COLUMNS)
_TEXT_OF_LETTER = "text"
# Training groups rows by case, and orders cases by decision date.
_CASE_COLUMNS = ("case_number", "item", "case_version", "source", "letter_sha256")
_OF_SCORING = (*FEATURE_COLUMNS, *_CASE_COLUMNS)
OF_TRAINING = (*_OF_SCORING, "outcome", "families", "decision_date", "decision_year")
"""Columns used in training."""


class ColumnMapping(BaseModel):
    """The user's names for columns and for their values.

    Attributes
    ----------
    columns : dict of str to str
        Column of the requests table -> the user's column.
    values : dict
        Column of the requests table -> the user's value -> the requests table's value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> ColumnMapping:
        twice = sorted(name for name, times in Counter(self.columns.values()).items() if times > 1)
        if twice:
            raise ValueError(f"column mapped twice: {', '.join(twice)}")
        return self

    def user_name(self, column: str) -> str:
        """The user's name for a column of the requests table."""
        return self.columns.get(column, column)

    def resolve(self, columns: Sequence[str]) -> ColumnMapping:
        """Match the mapping to a table's actual column names, ignoring case, blanks and punctuation.

        A column of the requests table that is not mapped is matched too, e.g. to ``Clinical Summary``, if exactly one
        column matches and no column has the exact name.
        """
        spelled: dict[str, list[str]] = {}
        for column in columns:
            spelled.setdefault(fold_name(str(column)), []).append(column)
        wanted = {name: name for name in (*sorted(_KNOWN), _TEXT_OF_LETTER)} | self.columns
        resolved = dict(self.columns)
        for name, column in wanted.items():
            alike = spelled.get(fold_name(column), [])
            if column not in columns and len(alike) == 1 and alike[0] not in self.columns.values():
                resolved[name] = alike[0]
        return self.model_copy(update={"columns": resolved})

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rename the user's columns and values to those of the requests table."""
        mapped = frame.rename(columns={theirs: ours for ours, theirs in self.columns.items()})
        for column, values in self.values.items():
            if column in mapped:
                folded = {written.strip().lower(): value for written, value in values.items()}
                text = mapped[column].astype("string")
                mapped[column] = text.str.strip().str.lower().map(folded).astype("string").fillna(text)
        return mapped


def read_mapping(pairs: Iterable[str] = (), file: Path | None = None) -> ColumnMapping:
    """Read the mapping of `--columns` and `--map`; a pair replaces the file's entry for its column.

    Parameters
    ----------
    pairs : iterable of str
        ``NAME=COLUMN``, as on the command line.
    file : Path, optional
        TOML with the tables ``[columns]`` and ``[values.COLUMN]``.

    Raises
    ------
    SchemaError
        If a pair or the file is not a valid mapping.
    """
    columns = parse_map(pairs)
    for name, column in columns.items():
        _check_name(name, f"--map {shlex.quote(f'{name}={column}')}", column)
    if file is None:
        return ColumnMapping(columns=columns)
    try:
        content = tomllib.loads(file.read_text("utf-8"))
        saved = ColumnMapping.model_validate(content)
    except FileNotFoundError:
        raise SchemaError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SchemaError(f"{file}: is not a TOML file ({error})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "mapping"
        raise SchemaError(f"{file}: {place}: {first['msg'].lower()}; it has [columns] and [values.COLUMN]") from None
    for name in (*saved.columns, *saved.values):
        _check_name(name, str(file), saved.columns.get(name, ""))
    return ColumnMapping(columns=saved.columns | columns, values=saved.values)


def _check_name(name: str, where: str, column: str) -> None:
    """Reject a name that is not a column of the requests table, and suggest one that is."""
    if name in _KNOWN or name == _TEXT_OF_LETTER:
        return
    if column in _KNOWN:
        raise SchemaError(f"{where}: {name} is not a column of the requests table; did you mean {column}={name}?")
    likeliest = max(sorted(_KNOWN), key=lambda known: likeness_of(known, name))
    hint = f"did you mean {likeliest}?" if likeness_of(likeliest, name) >= _SUGGESTED else "docs/data.md lists them"
    raise SchemaError(f"{where}: {name} is not a column of the requests table; {hint}")


def describe_columns(columns: Sequence[str], mapping: ColumnMapping, *, training: bool = False) -> list[str]:
    """List the columns that are used, ignored and passed through, in one line.

    Empty for a table written by `imr-ml ingest`, which has exactly the known columns.

    Parameters
    ----------
    columns : sequence of str
        Columns of the table.
    mapping : ColumnMapping
        Result of `ColumnMapping.resolve`.
    training : bool, default False
        Whether the table is used for training, which also uses labels and decision dates and passes nothing through.
    """
    if set(columns) == _KNOWN:
        return []
    used_names = OF_TRAINING if training else _OF_SCORING
    new = {column: name for name, column in mapping.columns.items()}
    kinds: dict[str, list[str]] = {"used": [], "ignored": [], "other": []}
    for column in columns:
        name = new.get(column, column)
        kind = "used" if name in used_names else "ignored" if name in _KNOWN or training else "other"
        kinds[kind].append(column if name == column else f"{name} ({column})")
    titles = {"used": "columns used", "ignored": "ignored", "other": "passed through"}
    return ["; ".join(f"{title}: {_shown(kinds[kind])}" for kind, title in titles.items() if kinds[kind])]


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{', '.join(map(str, names[:_NAMES_SHOWN]))}{more}"


def parse_map(pairs: Iterable[str]) -> dict[str, str]:
    """Parse ``NAME=COLUMN`` pairs of the command line: column of the requests table -> the user's column.

    Raises
    ------
    SchemaError
        If a string is not a pair, or a column is repeated.

    Examples
    --------
    >>> parse_map(["request=RFA_TEXT", "age=Age (years)"])
    {'request': 'RFA_TEXT', 'age': 'Age (years)'}
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not (name and equals and column):
            raise SchemaError(f"--map {shlex.quote(pair)}: write it as column=name, as in --map request=RFA_TEXT")
        name = name.lower() if name.lower() in _KNOWN else name
        if name in mapping or column in mapping.values():
            raise SchemaError(f"--map {shlex.quote(pair)}: {name if name in mapping else column} is mapped already")
        mapping[name] = column
    return mapping


def renamed(names: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """Rename the mapped columns in a list of column names.

    Raises
    ------
    SchemaError
        If the table lacks a mapped column, or another column already has the new name.

    Examples
    --------
    >>> renamed(["RFA_TEXT", "age"], {"request": "RFA_TEXT"})
    ['request', 'age']
    """
    lacking = [column for column in mapping.values() if column not in names]
    if lacking:
        shown = ", ".join(map(str, names[:_NAMES_SHOWN])) or "none"
        raise SchemaError(f"--map: the table has no column {', '.join(lacking)}; found: {shown}")
    new = {column: name for name, column in mapping.items()}
    clashing = [name for name in mapping if name in names and name not in new]
    if clashing:
        raise SchemaError(f"--map: the table has a column {', '.join(clashing)} already; rename it or drop the map")
    return [new.get(name, name) for name in names]


def require_mapped(
    columns: Sequence[str],
    needed: tuple[str, ...],
    mapped: Mapping[str, str],
    source: str,
    read_sample: Callable[[], pd.DataFrame | None] | None = None,
) -> None:
    """Check that a table has the required columns after mapping, and suggest a mapping if it does not.

    Parameters
    ----------
    columns : sequence of str
        Columns of the table.
    needed : tuple of str
        Required columns of the requests table.
    mapped : mapping of str to str
        Column of the requests table -> column of this table.
    source : str
        Name of the table in errors.
    read_sample : callable, optional
        Reads some rows, from whose contents a mapping is suggested; called only if a column is missing.

    Raises
    ------
    SchemaError
        If a column is missing.
    """
    names = renamed(columns, mapped)
    missing = [name for name in needed if name not in names]
    sample = read_sample() if missing and read_sample else None
    hint = suggestion(missing, [name for name in columns if name not in _KNOWN], sample) if missing else []
    try:
        require_columns(names, needed, source)
    except SchemaError as error:
        raise SchemaError(f"{error}; try {' '.join(hint)}" if hint else str(error)) from None
