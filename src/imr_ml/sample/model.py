"""Load the generator's rates from TOML."""

from functools import cache, cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from imr_ml.sample.catalog import Region, Treatment
from imr_ml.sample.facts import Format, Table, table
from imr_ml.sample.schema import Share, Strict, Weight, Words, read_toml

Quantiles = Annotated[tuple[int, ...], Field(min_length=7, max_length=7)]


class LetterRates(Strict):
    """What holds for a whole letter: number of items, dates, age and sex."""

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
        """Number of items in a letter."""
        return table(self.items)

    @cached_property
    def year_shifts(self) -> Table[tuple[int, float]]:
        """Decision year and its shift of the outcome logit."""
        return table(((year, shift), weight) for year, weight, shift in self.years)

    @cached_property
    def formats_by_year(self) -> dict[int, Table[Format]]:
        """Formats of the decision years that had others than the current one."""
        return {year: table(formats.items()) for year, formats in self.formats.items()}


class OutcomeRates(Strict):
    """How the logit of an overturned denial becomes an outcome."""

    shared_draw: Share
    noise: Share
    noise_rate: Share
    shift: float
    scale: float
    items_shift: tuple[float, float, float]
    partial_shift: float
    retrospective_shift: float


class CitingRates(Strict):
    """How administrators and reviewers come to the guideline families they cite."""

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
    """A shift of the logit when all signals of ``all`` are present and none of ``none``."""

    all: Words
    none: tuple[str, ...] = ()
    add: float


class Kind(Strict):
    """What outcomes of one kind of request depend on."""

    name: str
    base: float
    signals: Words
    effects: dict[str, float]
    interactions: tuple[Interaction, ...] = ()

    @model_validator(mode="after")
    def _effects_are_of_signals(self) -> Self:
        used = set(self.effects).union(*({*i.all, *i.none} for i in self.interactions))
        if used - set(self.signals):
            raise ValueError(
                f"kind {self.name}: effects of signals it does not list: {sorted(used - set(self.signals))}"
            )
        return self


class Group(Strict):
    """A group of treatments and the groups that follow it inside a letter."""

    name: str
    weight: Weight
    weight_many: Weight
    next: dict[str, Weight]


class Model(Strict):
    """Everything that the sample letters are drawn from."""

    letter: LetterRates
    outcome: OutcomeRates
    citing: CitingRates
    signals: dict[str, Share]
    kind: tuple[Kind, ...]
    group: tuple[Group, ...]
    region: tuple[Region, ...]
    treatment: tuple[Treatment, ...]

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Kinds of request by name."""
        return {kind.name: kind for kind in self.kind}

    @cached_property
    def regions(self) -> Table[Region]:
        """Body regions."""
        return table((region, region.weight) for region in self.region)

    @cached_property
    def first_groups(self) -> tuple[Table[str], Table[str]]:
        """Groups of the first item in letters of one or two items, and of more."""
        few = table((group.name, group.weight) for group in self.group)
        return few, table((group.name, group.weight_many) for group in self.group)

    @cached_property
    def next_groups(self) -> dict[str, Table[str]]:
        """Groups of further items by the group of the first."""
        return {group.name: table(group.next.items()) for group in self.group}

    @cached_property
    def treatments(self) -> dict[str, Table[Treatment]]:
        """Treatments by group."""
        return {g.name: table((t, t.weight) for t in self.treatment if t.group == g.name) for g in self.group}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        groups, regions = {g.name for g in self.group}, {r.name for r in self.region}
        unknown = {t.kind for t in self.treatment} - {k.name for k in self.kind}
        unknown |= {t.group for t in self.treatment} - groups | {n for g in self.group for n in g.next} - groups
        unknown |= {r for t in self.treatment for r in t.regions} - regions
        unknown |= {s for k in self.kind for s in k.signals} - set(self.signals)
        if unknown:
            raise ValueError(f"names used but not defined: {sorted(unknown)}")
        return self


@cache
def default_model() -> Model:
    """Read the package's own model, once.

    Raises
    ------
    pydantic.ValidationError
        A file breaks the schema; the message names the entry.
    """
    return Model.model_validate(read_toml("model.toml") | read_toml("regions.toml") | read_toml("treatments.toml"))
