"""Load the checks and identifier patterns from TOML through a strict schema."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from imr_ml.errors import ImrError
from imr_ml.quality.types import Level

Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SettingsError(ImrError):
    """A file of checks that can't be used; the message says where."""


class Thresholds(_Strict):
    """Where a value begins to be wrong; by source where sources differ, a source that is not named is not checked."""

    longest_since_injury_years: float = Field(gt=0)
    first_decision: dict[str, date]
    ages: dict[str, tuple[float, float]]
    youngest_at_injury: float = Field(ge=0)
    request_characters: tuple[int, int]
    summary_words_from: int = Field(ge=0)
    learnable_from: int = Field(ge=1)


class Entry(_Strict):
    """How bad a kind of finding is, what it says, and what to do about it."""

    level: Level
    says: str
    mend: str


class Identifier(Entry):
    """Something that may tell who a person is.

    Attributes
    ----------
    columns : tuple of str
        Where it is looked for.
    pattern : str
        Regular expression of which ``(?P<found>...)`` is the identifier; what it takes before and after only bounds
        it. Both Python and RE2 must understand it, letters and digits are those of ASCII.
    not_words : tuple of str
        Words, in small letters, of which any makes a find none, as a drug's name does.
    """

    columns: tuple[str, ...] = ("request", "clinical_summary", "ur_guideline", "rationale")
    pattern: str
    not_words: tuple[str, ...] = ()

    @field_validator("pattern")
    @classmethod
    def _is_understood(cls, pattern: str) -> str:
        import pyarrow as pa
        import pyarrow.compute as pc

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
        twice = sorted(self.finding.keys() & self.identifier.keys())
        if twice:
            raise ValueError(f"stands twice: {', '.join(twice)}")
        return self

    def entry(self, kind: str) -> Entry:
        """The entry of a kind of finding or identifier."""
        return self.finding.get(kind) or self.identifier[kind]


def read_settings(toml: str) -> Settings:
    """The package's settings with what a TOML text says in place of theirs.

    Parameters
    ----------
    toml : str
        Any part of what `checks.toml` and `identifiers.toml` hold, in the same tables.

    Raises
    ------
    SettingsError
        For what is not TOML, an unknown key, a value of the wrong kind, or a pattern that can't be used.
    """
    try:
        return Settings.model_validate(_over(_shipped(), tomllib.loads(toml)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings of the check: {error}") from error
    except ValidationError as error:
        details = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsError(f"settings of the check: {details}") from error


@cache
def default_settings() -> Settings:
    """The settings that ship with the package."""
    return read_settings("")


def _shipped() -> dict[str, Any]:
    folder = resources.files("imr_ml.quality")
    read = (tomllib.loads(folder.joinpath(name).read_text("utf-8")) for name in ("checks.toml", "identifiers.toml"))
    return {key: value for each in read for key, value in each.items()}


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two trees as one, the values of `above` first."""
    merged = below | above
    both = below.keys() & above.keys()
    deeper = {key for key in both if isinstance(below[key], dict) and isinstance(above[key], dict)}
    return merged | {key: _over(below[key], above[key]) for key in deeper}
