"""The guideline taxonomy: `taxonomy.toml` read through a strict schema."""

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
    """One edition of a guideline: the year citations carry, from when the MTUS adopts it, its own title and family."""

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
        """Family of the edition of that year; the guideline's own where the edition has none."""
        by_year = {edition.year: edition.family for edition in self.editions}
        return by_year.get(year or 0) or self.family


class Source(_Strict):
    """A body of guidelines outside the MTUS, recognized by its name."""

    id: str
    family: Family
    title: str
    names: tuple[str, ...]


class Topic(_Strict):
    """What sections of these titles are about, in any guideline."""

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
            "section": [name for topic in self.topic for name in {folded(title) for title in topic.titles}],
            "name": [name for entry in entries for name in {folded(name) for name in entry.names}],
        }
        for what, values in values_of.items():
            twice = sorted(value for value, times in Counter(values).items() if times > 1)
            if twice:
                raise ValueError(f"{what} stands twice: {', '.join(twice)}")
        foreign = sorted(
            edition.title
            for entry in self.guideline
            for edition in entry.editions
            if edition.title and edition.title not in entry.names
        )
        if foreign:
            raise ValueError(f"title of an edition is not among its guideline's aliases: {', '.join(foreign)}")
        without = [entry.id for entry in self.guideline if not entry.editions]
        if without:
            raise ValueError(f"guideline without an edition: {', '.join(without)}")
        return self


def folded(name: str) -> str:
    """A title without case, commas, hyphens and the kinds of "and".

    Examples
    --------
    >>> folded("Neck & Upper-Back"), folded("neck and upper back")
    ('neck upper back', 'neck upper back')
    """
    return " ".join(re.sub(r"[,&-]|\band\b", " ", name.casefold()).split())


def read_taxonomy(toml: str) -> Taxonomy:
    """Taxonomy from the text of a TOML file.

    Raises
    ------
    TaxonomyError
        For an unknown key, a name, id or chapter that occurs twice, or a guideline without an edition.
    """
    try:
        return Taxonomy.model_validate(tomllib.loads(toml))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise TaxonomyError(f"taxonomy: {error}") from error


@cache
def default_taxonomy() -> Taxonomy:
    """The taxonomy that ships with the package."""
    return read_taxonomy(resources.files("imr_ml.guidelines").joinpath("taxonomy.toml").read_text("utf-8"))
