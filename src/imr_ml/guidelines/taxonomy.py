"""Load the guideline taxonomy from `taxonomy.toml` through a strict schema."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from datetime import date
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from imr_ml.guidelines.types import Family, TaxonomyError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Edition(_Strict):
    """An edition of a guideline: year in citations, date of adoption by the MTUS, and any other title and family."""

    year: int
    adopted: date | None = None
    title: str | None = None
    family: Family | None = None


class Guideline(_Strict):
    """One guideline title with its aliases and editions."""

    id: str
    family: Family
    title: str
    aliases: tuple[str, ...]
    editions: tuple[Edition, ...]
    chapter: int | None = None
    regulation: str | None = None
    body_parts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The title and its aliases."""
        return (self.title, *self.aliases)

    def family_in(self, year: int | None) -> Family:
        """Return the family of the edition of a year; by default the family of the guideline."""
        by_year = {edition.year: edition.family for edition in self.editions}
        return by_year.get(year or 0) or self.family


class Source(_Strict):
    """A body of guidelines outside the MTUS, recognized by its name."""

    id: str
    family: Family
    title: str
    names: tuple[str, ...]


class Topic(_Strict):
    """A subject of sections in any guideline, with the titles of these sections."""

    id: str
    titles: tuple[str, ...]


class Taxonomy(_Strict):
    """All guidelines and sources that citations are matched against."""

    guideline: tuple[Guideline, ...]
    source: tuple[Source, ...]
    comma_sections: tuple[str, ...]
    topic: tuple[Topic, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Taxonomy:
        entries: list[Guideline | Source] = [*self.guideline, *self.source]
        values_of = {
            "id": [entry.id for entry in entries],
            "chapter": [str(entry.chapter) for entry in self.guideline if entry.chapter is not None],
            "body part": [part for entry in self.guideline for part in entry.body_parts],
            "topic": [topic.id for topic in self.topic],
            "section": [name for topic in self.topic for name in {fold_title(title) for title in topic.titles}],
            "name": [name for entry in entries for name in {fold_title(name) for name in entry.names}],
        }
        for what, values in values_of.items():
            twice = sorted(value for value, times in Counter(values).items() if times > 1)
            if twice:
                raise ValueError(f"duplicate {what}: {', '.join(twice)}")
        foreign = sorted(
            edition.title
            for entry in self.guideline
            for edition in entry.editions
            if edition.title and edition.title not in entry.names
        )
        if foreign:
            raise ValueError(f"add the titles of editions to the aliases of their guidelines: {', '.join(foreign)}")
        without = [entry.id for entry in self.guideline if not entry.editions]
        if without:
            raise ValueError(f"guideline without an edition: {', '.join(without)}")
        return self


def fold_title(name: str) -> str:
    """Reduce a title to lowercase words without commas, hyphens and "and".

    Examples
    --------
    >>> fold_title("Neck & Upper-Back"), fold_title("neck and upper back")
    ('neck upper back', 'neck upper back')
    """
    return " ".join(re.sub(r"[,&-]|\band\b", " ", name.casefold()).split())


def read_taxonomy(toml: str) -> Taxonomy:
    """Read a taxonomy from the text of a TOML file.

    Raises
    ------
    TaxonomyError
        For an unknown key, a duplicate name, identifier or chapter, or a guideline without an edition.
    """
    try:
        return Taxonomy.model_validate(tomllib.loads(toml))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise TaxonomyError(f"taxonomy: {error}") from error


@cache
def default_taxonomy() -> Taxonomy:
    """Load the taxonomy of the package, once."""
    return read_taxonomy(resources.files("imr_ml.guidelines").joinpath("taxonomy.toml").read_text("utf-8"))
