"""Load the checks and identifier patterns from TOML through a strict schema."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from imr_ml.errors import ImrError
from imr_ml.quality.report import Level

_FILES = ("checks", "identifiers")
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SettingsError(ImrError):
    """A settings file is invalid; the message states where."""


class Thresholds(_Strict):
    """Limits of plausible values; for limits by source, other sources are not checked."""

    longest_since_injury_years: float = Field(gt=0)
    first_decision: dict[str, date]
    ages: dict[str, tuple[float, float]]
    youngest_at_injury: float = Field(ge=0)
    request_characters: tuple[int, int]
    summary_words_from: int = Field(ge=0)
    learnable_from: int = Field(ge=1)
    trainable_from: int = Field(ge=1)


class Entry(_Strict):
    """Level and description of a kind of finding, and what to do about it."""

    level: Level
    says: str
    mend: str


class Identifier(Entry):
    """A form of text that may identify a person.

    Attributes
    ----------
    columns : tuple of str
        Columns to search.
    pattern : str
        Regular expression, valid in both Python and RE2, whose group ``(?P<found>...)`` is the identifier. Letters and
        digits are ASCII.
    not_words : frozenset of str
        Lowercase words that no identifier contains, such as the name of a drug.
    """

    columns: tuple[str, ...] = ("request", "clinical_summary", "ur_guideline", "rationale")
    pattern: str
    not_words: frozenset[str] = frozenset()

    @field_validator("pattern")
    @classmethod
    def _is_understood(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groupindex
            pc.match_substring_regex(pa.array([""]), pattern)
        except (re.error, pa.ArrowInvalid) as error:
            raise ValueError("is not a regular expression that is valid in both Python and RE2") from error
        if "found" not in groups:
            raise ValueError("has no group (?P<found>...)")
        return pattern


class Settings(_Strict):
    """Settings of all checks."""

    thresholds: Thresholds
    published: dict[str, tuple[Share, Share]]
    finding: dict[str, Entry]
    identifier: dict[str, Identifier]

    @model_validator(mode="after")
    def _is_consistent(self) -> Settings:
        in_both = sorted(self.finding.keys() & self.identifier.keys())
        if in_both:
            raise ValueError(f"both a finding and an identifier: {', '.join(in_both)}")
        return self

    def entry(self, kind: str) -> Entry:
        """Return the entry of a kind of finding or identifier."""
        return self.finding.get(kind) or self.identifier[kind]


def load_settings(path: Path) -> Settings:
    """Load settings from a TOML file; raise `SettingsError` as `read_settings` does, and if the file can't be read."""
    try:
        return read_settings(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: can't be read as UTF-8 text") from error


def read_settings(toml: str) -> Settings:
    """Read settings from TOML text in the form of `checks.toml` and `identifiers.toml`; the rest are the defaults.

    Raises
    ------
    SettingsError
        For text that is not TOML, an unknown key, a value of the wrong type, or an unusable pattern.
    """
    try:
        return Settings.model_validate(_merge(_read_shipped(), tomllib.loads(toml)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings of the check: {error}") from error
    except ValidationError as error:
        details = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise SettingsError(f"settings of the check: {details}") from error


@cache
def default_settings() -> Settings:
    """Load the settings of the package, once."""
    return read_settings("")


def _read_shipped() -> dict[str, Any]:
    folder = resources.files("imr_ml.quality")
    return tomllib.loads("".join(folder.joinpath(f"{name}.toml").read_text("utf-8") for name in _FILES))


def _merge(defaults: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Merge nested dicts; values of `changes` take precedence."""
    merged = defaults | changes
    for key in defaults.keys() & changes.keys():
        if isinstance(defaults[key], dict) and isinstance(changes[key], dict):
            merged[key] = _merge(defaults[key], changes[key])
    return merged
