"""Read classifier settings from a model's facts."""

from __future__ import annotations

from typing import Any

from imr_ml.classifiers.request_model import Candidate, ModelSettings
from imr_ml.features.matrix import BlockWeights, SectionTerms, TermSettings


def settings_of(saved: dict[str, Any]) -> ModelSettings:
    """What `dataclasses.asdict` and JSON made of `ModelSettings`, as it was."""
    return ModelSettings(
        outcome=_candidates(saved["outcome"]),
        family=_candidates(saved["family"]),
        terms=_terms(saved["terms"]),
        half_life_years=tuple(saved["half_life_years"]),
        seed=saved["seed"],
    )


def _terms(saved: dict[str, Any]) -> SectionTerms:
    if "longest_phrase" in saved:
        # A model of an earlier version: every section has the same.
        alike = TermSettings(**saved)
        return SectionTerms(alike, alike, alike)
    return SectionTerms(**{section: TermSettings(**one) for section, one in saved.items()})


def _candidates(saved: list[dict[str, Any]]) -> tuple[Candidate, ...]:
    weights = [one["weights"] | {"facts_used": tuple(one["weights"]["facts_used"])} for one in saved]
    return tuple(Candidate(BlockWeights(**one), each["C"]) for one, each in zip(weights, saved, strict=True))
