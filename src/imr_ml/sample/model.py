"""Load the rates, body regions and treatments of sample letters."""

import tomllib
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imr_ml.guidelines.types import FAMILIES
from imr_ml.nlp.types import Category
from imr_ml.sample.chance import Table, table

Families = frozenset[str]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0)]
Words = Annotated[tuple[str, ...], Field(min_length=1)]
Quantiles = Annotated[tuple[int, ...], Field(min_length=7, max_length=7)]


class Format(StrEnum):
    """Formats of determinations since 2013 that the letter reader supports."""

    EARLIEST = "earliest"
    PROFESSIONAL_REVIEW = "professional_review"
    NUMBERED = "numbered"
    LETTER_2013 = "letter_2013"
    CURRENT = "current"

    @property
    def headed(self) -> bool:
        """Whether items have headings ``REQUEST: Upheld``, which also state partial authorizations."""
        return self in (Format.LETTER_2013, Format.CURRENT)


class Strict(BaseModel):
    """Base of the TOML schemas: unknown keys are errors, and instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LetterRates(Strict):
    """Rates of a whole letter: number of items, dates, age and sex."""

    items: tuple[tuple[int, Weight], ...]
    years: tuple[tuple[int, Weight, float], ...]
    formats: dict[int, dict[Format, Weight]]
    in_columns_share: Share
    female_share: Share
    age_years: Quantiles
    injury_to_denial_days: Quantiles
    denial_to_application_days: Quantiles
    application_to_assignment_days: Quantiles
    assignment_to_decision_days: Quantiles
    chronic_share: Share
    chronic_injury_to_denial_days: Quantiles
    expedited_share: Share
    second_region_share: Share
    third_region_share: Share
    same_region_share: Share
    same_treatment_share: Share
    typo_share: Share
    partial_share: Share
    retrospective_share: Share

    @cached_property
    def item_counts(self) -> Table[int]:
        """Numbers of items in a letter."""
        return table(self.items)

    @cached_property
    def year_shifts(self) -> Table[tuple[int, float]]:
        """Decision years with their shifts of the outcome logit."""
        return table(((year, shift), weight) for year, weight, shift in self.years)

    @cached_property
    def formats_by_year(self) -> dict[int, Table[Format]]:
        """Formats of decision years with formats other than the current one."""
        return {year: table(formats.items()) for year, formats in self.formats.items()}


class OutcomeRates(Strict):
    """Rates that turn the logit of an overturned denial into an outcome."""

    shared_draw: Share
    noise: Share
    noise_rate: Share
    shift: float
    scale: float
    items_shift: tuple[float, float, float]
    partial_shift: float
    retrospective_shift: float


class CitingRates(Strict):
    """Rates of citing guideline families, for administrators and reviewers."""

    ur_nothing: Share
    ur_outside: Share
    ur_adds_odg: Share
    ur_bare: Share
    ur_informed: Share
    agreement: Weight
    odg_fond_share: Share
    odg_fond_factor: Weight
    odg_other_factor: Weight
    no_chapter_factor: Weight
    chronic_factor: Weight
    overturned_odg_factor: Weight
    bare: Share


class Interaction(Strict):
    """A shift of the logit if all signals in `all` and none in `none` are present."""

    all: Words
    none: tuple[str, ...] = ()
    add: float


class Kind(Strict):
    """Signals and effects that decide the outcomes of one kind of request."""

    base: float
    signals: Words
    effects: dict[str, float]
    interactions: tuple[Interaction, ...] = ()

    @model_validator(mode="after")
    def _effects_are_of_signals(self) -> Self:
        used = set(self.effects).union(*({*i.all, *i.none} for i in self.interactions))
        if unlisted := used - set(self.signals):
            raise ValueError(f"effects of signals that are not listed: {sorted(unlisted)}")
        return self


class Group(Strict):
    """A group of treatments and the groups that follow it in a letter."""

    weight: Weight
    weight_many: Weight
    next: dict[str, Weight]


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
    odg: tuple[str, ...] = ()
    families: dict[str, Weight]
    ur_families: dict[str, Weight] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.name)

    @cached_property
    def reviewer_sets(self) -> tuple[tuple[Families, float], ...]:
        """Sets of topics that reviewers cite, with weights."""
        return tuple((frozenset(key.split("+")), weight) for key, weight in self.families.items())

    @cached_property
    def reviewer_table(self) -> Table[Families]:
        """Sets of topics that reviewers cite, to draw from."""
        return table(self.reviewer_sets)

    @cached_property
    def administrator_table(self) -> Table[Families]:
        """Sets of topics that administrators cite, to draw from."""
        return table((frozenset(key.split("+")), w) for key, w in (self.ur_families or self.families).items())

    @model_validator(mode="after")
    def _families_are_known(self) -> Self:
        used = {name for key in (*self.families, *self.ur_families) for name in key.split("+")}
        if unknown := used - set(FAMILIES):
            raise ValueError(f"treatment {self.name}: unknown families {sorted(unknown)}")
        return self


class Model(Strict):
    """All rates, regions and treatments."""

    letter: LetterRates
    outcome: OutcomeRates
    citing: CitingRates
    signals: dict[str, Share]
    kinds: dict[str, Kind]
    groups: dict[str, Group]
    region: tuple[Region, ...]
    treatment: tuple[Treatment, ...]

    @cached_property
    def regions(self) -> Table[Region]:
        """Body regions."""
        return table((region, region.weight) for region in self.region)

    @cached_property
    def first_groups(self) -> tuple[Table[str], Table[str]]:
        """Groups of the first item, in letters of one or two items and in longer ones."""
        few = table((name, group.weight) for name, group in self.groups.items())
        return few, table((name, group.weight_many) for name, group in self.groups.items())

    @cached_property
    def next_groups(self) -> dict[str, Table[str]]:
        """Groups of further items by the group of the first."""
        return {name: table(group.next.items()) for name, group in self.groups.items()}

    @cached_property
    def treatments(self) -> dict[str, Table[Treatment]]:
        """Treatments by group."""
        return {name: table((t, t.weight) for t in self.treatment if t.group == name) for name in self.groups}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        unknown = {t.kind for t in self.treatment} - set(self.kinds)
        unknown |= ({t.group for t in self.treatment} | {n for g in self.groups.values() for n in g.next}) - set(
            self.groups
        )
        unknown |= {r for t in self.treatment for r in t.regions} - {r.name for r in self.region}
        unknown |= {s for k in self.kinds.values() for s in k.signals} - set(self.signals)
        if unknown:
            raise ValueError(f"names used but not defined: {sorted(unknown)}")
        return self


def read_toml(*names: str) -> dict[str, Any]:
    """Read and merge TOML files beside this module."""
    texts = [files(__package__).joinpath(name).read_text(encoding="utf-8") for name in names]
    return {key: value for text in texts for key, value in tomllib.loads(text).items()}


@cache
def default_model() -> Model:
    """Load the model of the package, once; `pydantic.ValidationError` names an invalid entry."""
    return Model.model_validate(read_toml("model.toml", "regions.toml", "treatments.toml"))
