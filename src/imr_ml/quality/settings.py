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
    """A file of checks that can't be used; the message says where."""


class Thresholds(_Strict):
    """Limits of plausible values, by source where sources differ; a source that is not named is not checked."""

    longest_since_injury_years: float = Field(gt=0)
    first_decision: dict[str, date]
    ages: dict[str, tuple[float, float]]
    youngest_at_injury: float = Field(ge=0)
    request_characters: tuple[int, int]
    summary_words_from: int = Field(ge=0)
    learnable_from: int = Field(ge=1)
    trainable_from: int = Field(ge=1)


class Entry(_Strict):
    """Level and text of a kind of finding, and what to do about it."""

    level: Level
    says: str
    mend: str


class Identifier(Entry):
    """A form of text that may identify a person.

    Attributes
    ----------
    columns : tuple of str
        Where to look for it.
    pattern : str
        Regular expression whose group ``(?P<found>...)`` is the identifier. Both Python and RE2 must understand it;
        letters and digits are those of ASCII.
    not_words : frozenset of str
        Words, in small letters, that no identifier contains, such as a drug's name.
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
            raise ValueError("is no regular expression that both Python and RE2 understand") from error
        if "found" not in groups:
            raise ValueError("has no group (?P<found>...)")
        return pattern


class Settings(_Strict):
    """All checks."""

    thresholds: Thresholds
    published: dict[str, tuple[Share, Share]]
    finding: dict[str, Entry]
    identifier: dict[str, Identifier]

    @model_validator(mode="after")
    def _is_consistent(self) -> Settings:
        in_both = sorted(self.finding.keys() & self.identifier.keys())
        if in_both:
            raise ValueError(f"stands twice: {', '.join(in_both)}")
        return self

    def entry(self, kind: str) -> Entry:
        """The entry of a kind of finding or identifier."""
        return self.finding.get(kind) or self.identifier[kind]


def load_settings(path: Path) -> Settings:
    """The package's settings, changed by a TOML file; it raises as `read_settings`, and if the file can't be read."""
    try:
        return read_settings(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: can't be read as UTF-8 text") from error


def read_settings(toml: str) -> Settings:
    """The package's settings, changed by a TOML text with tables of `checks.toml` and `identifiers.toml`.

    Raises
    ------
    SettingsError
        For text that is not TOML, an unknown key, a value of the wrong type, or an unusable pattern.
    """
    try:
        return Settings.model_validate(_merged(_shipped(), tomllib.loads(toml)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings of the check: {error}") from error
    except ValidationError as error:
        details = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise SettingsError(f"settings of the check: {details}") from error


@cache
def default_settings() -> Settings:
    """The settings that ship with the package."""
    return read_settings("")


def _shipped() -> dict[str, Any]:
    folder = resources.files("imr_ml.quality")
    return tomllib.loads("".join(folder.joinpath(f"{name}.toml").read_text("utf-8") for name in _FILES))


def _merged(shipped: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Two trees as one, in which the values of `own` come first."""
    merged = shipped | own
    for key in shipped.keys() & own.keys():
        if isinstance(shipped[key], dict) and isinstance(own[key], dict):
            merged[key] = _merged(shipped[key], own[key])
    return merged
