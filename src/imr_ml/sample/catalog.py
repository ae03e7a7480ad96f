"""Load body regions and treatments from TOML."""

from functools import cached_property
from typing import Self

from pydantic import Field, model_validator

from imr_ml.guidelines.types import FAMILIES
from imr_ml.nlp.types import Category
from imr_ml.sample.facts import Table, table
from imr_ml.sample.schema import Strict, Weight, Words

Families = frozenset[str]


class Region(Strict):
    """A body region: its wording, findings and guideline chapters."""

    name: str
    weight: Weight
    spellings: Words
    nouns: Words | None = None
    sided: bool = False
    spine: bool = False
    limb: str
    roots: Words
    chapter: str | None = None
    chapter_2017: str | None = None
    odg: Words
    postsurgical: str | None = None
    tender: Words
    tests: Words
    motions: Words
    diagnoses: Words
    lesions: Words


class Treatment(Strict):
    """A kind of requested item: wording, guideline sections and families cited."""

    name: str
    category: Category
    kind: str
    group: str
    weight: Weight
    regions: tuple[str, ...] = ()
    things: Words
    requests: Words
    partial: str | None = None
    quantities: tuple[int, ...] = ()
    acoem: tuple[str, ...] = ()
    general: bool = False
    chronic_pain: tuple[str, ...] = ()
    opioids: tuple[str, ...] = ()
    postsurgical: bool = False
    odg: tuple[str, ...] = ()
    other: bool = False
    families: dict[str, Weight]
    ur_families: dict[str, Weight] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.name)

    @cached_property
    def reviewer_sets(self) -> tuple[tuple[Families, float], ...]:
        """Sets of topics that reviewers cite, with weights."""
        return tuple((frozenset(key.split("+")), weight) for key, weight in self.families.items())

    @cached_property
    def administrator_sets(self) -> Table[Families]:
        """Sets of topics that administrators prefer."""
        return table((frozenset(key.split("+")), w) for key, w in (self.ur_families or self.families).items())

    @cached_property
    def reviewer_table(self) -> Table[Families]:
        """The reviewers' sets, to draw from."""
        return table(self.reviewer_sets)

    @model_validator(mode="after")
    def _families_are_known(self) -> Self:
        used = {name for key in (*self.families, *self.ur_families) for name in key.split("+")}
        if used - set(FAMILIES):
            raise ValueError(f"treatment {self.name}: unknown families {sorted(used - set(FAMILIES))}")
        return self
