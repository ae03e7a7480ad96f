"""Schema of an experiment file, mapped onto the settings of a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from imr_ml.classifiers.request_model import Candidate, ModelSettings
from imr_ml.evaluation.settings import EvaluationSettings
from imr_ml.features.frame import FACT_COLUMNS
from imr_ml.features.matrix import BlockWeights, SectionTerms, TermSettings
from imr_ml.nlp.types import NlpSettings
from imr_ml.training import TrainingSettings

Value = bool | int | float | str | list[Any]
"""Value of a key in an experiment file."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, ser_json_inf_nan="constants")


def _known_fact(name: str) -> str:
    if name not in FACT_COLUMNS:
        raise ValueError(f"{name!r} is no fact; allowed: {', '.join(FACT_COLUMNS)}")
    return name


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Penalty = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Years = Annotated[float, Field(gt=0)]


class Nlp(_Section):
    """How texts are read; see `NlpSettings`."""

    negation: bool
    mask_determination: bool
    canonical_tokens: bool


class Terms(_Section):
    """Terms of a section: the longest run of words that is one, and the most that are kept."""

    ngrams: int = Field(ge=1, le=5)
    max_terms: int = Field(ge=1)


class Features(_Section):
    """Terms of each section."""

    request: Terms
    summary: Terms
    ur_guideline: Terms


class Weights(_Section):
    """Weight of each block of features; 0 leaves it out. See `BlockWeights`."""

    request: Weight
    summary: Weight
    ur_guideline: Weight
    facts: Weight
    numbers: Weight
    case_size: Weight
    pairs: Weight
    codes: Weight
    facts_used: tuple[Annotated[str, AfterValidator(_known_fact)], ...]

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        weights = self.model_dump(exclude={"facts_used"})
        if not any(weights.values()):
            raise ValueError(f"all are 0; set one of {', '.join(weights)} above 0")
        if self.facts and not self.facts_used:
            raise ValueError("facts is above 0 and facts_used is empty; name facts or set facts = 0")
        return self


class Alternative(_Section):
    """Settings that replace the first if they are clearly better on held-out cases of the training data."""

    C: Penalty
    weights: Weights


class Outcome(Alternative):
    """The classifier of the outcome."""

    classifier: Literal["logistic_regression"]
    alternatives: tuple[Alternative, ...]


class Families(Alternative):
    """The classifier of the guideline families."""

    classifier: Literal["linear_svm"]
    alternatives: tuple[Alternative, ...]


class Training(_Section):
    """Half-lives to choose from (`inf` weighs all decisions alike), seed, and coverage of the prediction sets."""

    half_life_years: tuple[Years, ...] = Field(min_length=1)
    seed: int = Field(ge=0)
    coverage: float = Field(ge=0.5, le=0.99)


class Evaluation(_Section):
    """The cross-validation; `repeats` = 0 takes 5 for small tables and 1 for others."""

    folds: int = Field(ge=2)
    repeats: int = Field(ge=0)
    resamples: int = Field(ge=1)
    stratify: bool


class Experiment(_Section):
    """All settings of a model and its evaluation.

    Attributes
    ----------
    description : str
        One sentence for the list of experiments; changes nothing.
    nlp, features, outcome, families, training, evaluation
    """

    description: str
    nlp: Nlp
    features: Features
    outcome: Outcome
    families: Families
    training: Training
    evaluation: Evaluation

    def training_settings(self) -> TrainingSettings:
        """The settings that `imr_ml.training.train` takes."""
        model = ModelSettings(
            outcome=_candidates(self.outcome),
            family=_candidates(self.families),
            terms=SectionTerms(*(_term_settings(getattr(self.features, name)) for name in Features.model_fields)),
            half_life_years=tuple(None if years == _ALL_ALIKE else years for years in self.training.half_life_years),
            seed=self.training.seed,
        )
        evaluation = EvaluationSettings(**self.evaluation.model_dump(), seed=self.training.seed)
        return TrainingSettings(NlpSettings(**self.nlp.model_dump()), model, evaluation, self.training.coverage)

    def values(self) -> dict[str, Any]:
        """Content of the file, with every key."""
        return self.model_dump(mode="json")


_ALL_ALIKE = float("inf")


def values_of(settings: TrainingSettings) -> dict[str, Any]:
    """Content of the experiment file that gives these settings."""
    nlp, model, evaluation = asdict(settings.nlp), settings.model, asdict(settings.evaluation)
    return {
        "description": "",
        "nlp": {name: nlp[name] for name in Nlp.model_fields},
        "features": {name: _term_values(getattr(model.terms, name)) for name in Features.model_fields},
        "outcome": {"classifier": "logistic_regression", **_alternatives(model.outcome)},
        "families": {"classifier": "linear_svm", **_alternatives(model.family)},
        "training": {
            "half_life_years": [_ALL_ALIKE if years is None else years for years in model.half_life_years],
            "seed": model.seed,
            "coverage": settings.coverage,
        },
        "evaluation": {name: evaluation[name] for name in Evaluation.model_fields},
    }


def flat_keys(values: Mapping[str, Any]) -> dict[str, Value]:
    """Value of each key of an experiment file, e.g. ``outcome.weights.summary``; the description is left out."""
    return dict(_flatten({name: value for name, value in values.items() if name != "description"}))


def _term_settings(terms: Terms) -> TermSettings:
    return TermSettings(longest_phrase=terms.ngrams, max_terms=terms.max_terms)


def _term_values(terms: TermSettings) -> dict[str, int]:
    return {"ngrams": terms.longest_phrase, "max_terms": terms.max_terms}


def _candidates(section: Outcome | Families) -> tuple[Candidate, ...]:
    return tuple(Candidate(BlockWeights(**one.weights.model_dump()), one.C) for one in (section, *section.alternatives))


def _alternatives(candidates: tuple[Candidate, ...]) -> dict[str, Any]:
    first, *others = (
        {"C": one.C, "weights": asdict(one.weights) | {"facts_used": list(one.weights.facts_used)}}
        for one in candidates
    )
    return {**first, "alternatives": others}


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    for name, value in values.items():
        if is_tables(value):
            yield from _flatten({str(place): one for place, one in enumerate(value)}, f"{prefix}{name}.")
        elif isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def is_tables(value: object) -> bool:
    """Whether a value is a TOML array of tables."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
