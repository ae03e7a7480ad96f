"""Schema of an experiment file: convert it to training settings, write it as TOML, export it for editors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from imr_ml.classifiers.candidates import (
    FAMILY_CANDIDATE_TYPES,
    OUTCOME_CANDIDATE_TYPES,
    AnyFamily,
    AnyOutcome,
    Candidate,
)
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.features.settings import SectionTerms
from imr_ml.nlp.types import NlpSettings

Value = bool | int | float | str | list[Any]
"""Value of a key in an experiment file."""
CANDIDATE_TYPES: Mapping[str, Mapping[str, type[Candidate]]] = {
    "outcome": OUTCOME_CANDIDATE_TYPES,
    "families": FAMILY_CANDIDATE_TYPES,
}
"""Section of the file -> name of a classifier -> its parameters."""
SWEEP = "sweep"
"""Table of a file with the keys that `imr-ml sweep` varies; not part of the experiment."""
Years = Annotated[float, Field(gt=0)]
_NO_DECAY = float("inf")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """All settings of a training.

    Attributes
    ----------
    coverage : float
        Share of requests of each outcome whose prediction set must contain their outcome.
    ladder : bool
        Whether to evaluate the ladder of simpler and more complex predictors too.
    precedent_texts : bool
        Whether the model stores the texts of its requests, to display them with precedents.
    """

    nlp: NlpSettings = field(default_factory=NlpSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    coverage: float = 0.9
    ladder: bool = False
    precedent_texts: bool = False


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, ser_json_inf_nan="constants")


class Nlp(_Section):
    """How texts are processed; see `NlpSettings`."""

    negation: bool
    mask_determination: bool
    canonical_tokens: bool


class Training(_Section):
    """Candidate half-lives (`inf` weights all decisions equally), seed, and coverage of the prediction sets."""

    half_life_years: tuple[Years, ...] = Field(min_length=1)
    seed: int = Field(ge=0)
    coverage: float = Field(ge=0.5, le=0.99)


class Evaluation(_Section):
    """The cross-validation; `repeats` = 0 means 5 for small tables and 1 for others."""

    folds: int = Field(ge=2)
    repeats: int = Field(ge=0)
    resamples: int = Field(ge=1)
    stratify: bool


class Experiment(_Section):
    """All settings of a model and its evaluation.

    Attributes
    ----------
    description : str
        One sentence for the list of experiments; it has no effect.
    nlp, features, training, evaluation
    outcome, families : tuple of Candidate
        Settings of the section, then of its alternatives.
    """

    description: str
    nlp: Nlp
    features: SectionTerms
    outcome: tuple[AnyOutcome, ...]
    families: tuple[AnyFamily, ...]
    training: Training
    evaluation: Evaluation

    def training_settings(self) -> TrainingSettings:
        """Return the settings for `imr_ml.training.train`."""
        model = ModelSettings(
            outcome=self.outcome,
            family=self.families,
            terms=self.features,
            half_life_years=tuple(None if years == _NO_DECAY else years for years in self.training.half_life_years),
            seed=self.training.seed,
        )
        evaluation = EvaluationSettings(**self.evaluation.model_dump(), seed=self.training.seed)
        return TrainingSettings(NlpSettings(**self.nlp.model_dump()), model, evaluation, self.training.coverage)

    def values(self) -> dict[str, Any]:
        """Return the content of the file, with every key."""
        values = self.model_dump(mode="json")
        for task in CANDIDATE_TYPES:
            first, *others = values[task]
            values[task] = {**first, "alternatives": others}
        return values


def experiment_values(settings: TrainingSettings) -> dict[str, Any]:
    """Return the content of the experiment file with these settings."""
    nlp, model, evaluation = asdict(settings.nlp), settings.model, asdict(settings.evaluation)
    half_lives = tuple(_NO_DECAY if years is None else years for years in model.half_life_years)
    return Experiment(
        description="",
        nlp=Nlp(**{name: nlp[name] for name in Nlp.model_fields}),
        features=model.terms,
        outcome=model.outcome,
        families=model.family,
        training=Training(half_life_years=half_lives, seed=model.seed, coverage=settings.coverage),
        evaluation=Evaluation(**{name: evaluation[name] for name in Evaluation.model_fields}),
    ).values()


def flat_keys(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return the value of each key of an experiment file, e.g. ``outcome.weights.summary``, without the description.

    An alternative is described in one string: its classifier and the settings that differ from the classifier's
    defaults.
    """
    keys = dict(flatten({name: value for name, value in values.items() if name != "description"}))
    for task in CANDIDATE_TYPES:
        alternatives = values[task]["alternatives"]
        keys[f"{task}.alternatives"] = [_describe_alternative(task, alternative) for alternative in alternatives]
    return keys


def default_candidate(task: str, classifier: str) -> dict[str, Any]:
    """Return the default settings of a classifier."""
    candidate_type = CANDIDATE_TYPES[task][classifier]
    values: dict[str, Any] = TypeAdapter(candidate_type).dump_python(candidate_type(), mode="json")
    return values


def _describe_alternative(task: str, values: Mapping[str, Any]) -> str:
    classifier = values["classifier"]
    defaults = dict(flatten(default_candidate(task, classifier)))
    changes = (f"{name}={value}" for name, value in flatten(values) if defaults[name] != value)
    return " ".join((classifier, *changes))


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Yield nested values with their dotted keys, e.g. ``outcome.weights.summary``."""
    for name, value in sorted(values.items(), key=lambda item: isinstance(item[1], dict) and bool(prefix)):
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def to_toml(values: Mapping[str, Any]) -> str:
    """Format an experiment file with these values; see `Experiment.values`."""
    nonempty = {name: value for name, value in values.items() if name != "description" or value}
    return "\n".join(_toml_lines(nonempty)).strip() + "\n"


def format_value(value: object) -> str:
    """Format a value as TOML."""
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else "inf"
    if isinstance(value, list):
        return f"[{', '.join(map(format_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _toml_lines(table: Mapping[str, Any], name: str = "") -> Iterator[str]:
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    lists = {key: value for key, value in table.items() if _is_tables(value)}
    for key, value in table.items():
        if key not in tables and key not in lists:
            yield f"{key} = {format_value(value)}"
    for key, value in tables.items():
        yield from ("", f"[{name}{key}]", *_toml_lines(value, f"{name}{key}."))
    for key, values in lists.items():
        for value in values:
            yield from ("", f"[[{name}{key}]]", *_toml_lines(value, f"{name}{key}."))


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def json_schema() -> dict[str, Any]:
    """Return a JSON schema of experiment files for editors; every key is optional."""
    schema: dict[str, Any] = _relax_schema(Experiment.model_json_schema())
    for task in CANDIDATE_TYPES:
        candidates = schema["properties"][task]
        schema["properties"][task] = candidates["items"]
        for candidate in candidates["items"]["anyOf"]:
            schema["$defs"][candidate["$ref"].rpartition("/")[2]]["properties"]["alternatives"] = candidates
    schema["properties"][SWEEP] = {"type": "object", "description": "Keys to vary with `imr-ml sweep`"}
    return schema


def _relax_schema(schema: Any) -> Any:
    """Remove required keys, and let any classifier of a section match, as a file can omit the classifier's name."""
    if isinstance(schema, dict):
        return {
            name.replace("oneOf", "anyOf"): _relax_schema(part)
            for name, part in schema.items()
            if name not in ("required", "discriminator")
        }
    return [_relax_schema(part) for part in schema] if isinstance(schema, list) else schema
