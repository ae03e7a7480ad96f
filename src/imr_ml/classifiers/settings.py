"""Define the settings of the two classifiers, and read saved settings."""

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
        Candidates. The first is used unless the held-out loss of a later one is lower by more than two standard
        errors of the mean over cases.
    terms : SectionTerms
    half_life_years : tuple of (float or None)
        Age in years at which a decision has half the weight in the outcome classifier; None for equal weights. The
        first is used unless another one predicts later years better; see `select_half_life`.
    seed : int
    large_from : int
        Tables with more requests are fitted by faster methods: the outcome by L-BFGS with shared summary rows, the
        families by averaged stochastic gradient descent, both in single precision and calibrated on a single
        held-out part of the cases instead of five.
    """

    outcome: tuple[AnyOutcome, ...] = DEFAULT_OUTCOME
    family: tuple[AnyFamily, ...] = DEFAULT_FAMILIES
    terms: SectionTerms = field(default_factory=SectionTerms)
    half_life_years: tuple[float | None, ...] = (None, 8.0, 4.0, 2.0, 1.0)
    seed: int = 0
    large_from: int = LARGE_TABLE


def settings_of(saved: dict[str, Any]) -> ModelSettings:
    """Rebuild `ModelSettings` from their saved form, i.e. `dataclasses.asdict` as JSON."""
    values = {
        **saved,
        "outcome": [{"classifier": "logistic_regression", **candidate} for candidate in saved["outcome"]],
        "family": [{"classifier": "linear_svm", **candidate} for candidate in saved["family"]],
        "terms": _terms(saved["terms"]),
    }
    return TypeAdapter(ModelSettings).validate_json(json.dumps(values))


def _terms(saved: dict[str, Any]) -> dict[str, Any]:
    """Convert saved terms to the current format; earlier versions saved one entry for all sections."""
    if "max_terms" in saved:
        saved = dict.fromkeys(("request", "summary", "ur_guideline"), saved)
    return {
        section: {"ngrams": terms.get("longest_phrase", 2)}
        | {name: terms[name] for name in terms if name != "longest_phrase"}
        for section, terms in saved.items()
    }
