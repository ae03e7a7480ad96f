"""Settings of the two classifiers, and how a model's facts are read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from imr_ml.classifiers.candidates import DEFAULT_FAMILIES, DEFAULT_OUTCOME, AnyFamily, AnyOutcome
from imr_ml.features.settings import LARGE_TABLE, SectionTerms


@dataclass(frozen=True)
class ModelSettings:
    """Settings of the two classifiers.

    Attributes
    ----------
    outcome, family : tuple of Candidate
        The first is taken, unless a later one has a lower loss on held-out cases of the data that is fitted on, by
        more than two standard errors over cases: a choice by luck costs more than it gives.
    terms : SectionTerms
    half_life_years : tuple of (float or None)
        Years after which a decision weighs half in the outcome classifier; None weighs all alike. The first is taken,
        unless a later one predicts later years better; see `chosen_half_life`.
    seed : int
    large_from : int
        Requests above which the outcome's regression is fitted by L-BFGS on rows that requests share, the families'
        machines by averaged stochastic gradient descent, both in single precision, and their calibration on one part
        of the cases instead of on five.
    """

    outcome: tuple[AnyOutcome, ...] = DEFAULT_OUTCOME
    family: tuple[AnyFamily, ...] = DEFAULT_FAMILIES
    terms: SectionTerms = field(default_factory=SectionTerms)
    half_life_years: tuple[float | None, ...] = (None, 8.0, 4.0, 2.0, 1.0)
    seed: int = 0
    large_from: int = LARGE_TABLE


def settings_of(saved: dict[str, Any]) -> ModelSettings:
    """What `dataclasses.asdict` and JSON made of `ModelSettings`, as it was."""
    values = {
        **saved,
        "outcome": [{"classifier": "logistic_regression", **one} for one in saved["outcome"]],
        "family": [{"classifier": "linear_svm", **one} for one in saved["family"]],
        "terms": _terms(saved["terms"]),
    }
    return TypeAdapter(ModelSettings).validate_json(json.dumps(values))


def _terms(saved: dict[str, Any]) -> dict[str, Any]:
    """Terms as a model of this version has them; those of an earlier one are alike for all sections."""
    if "max_terms" in saved:
        saved = dict.fromkeys(("request", "summary", "ur_guideline"), saved)
    return {
        section: {"ngrams": one.get("longest_phrase", 2)}
        | {name: one[name] for name in one if name != "longest_phrase"}
        for section, one in saved.items()
    }
