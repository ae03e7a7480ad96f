"""Settings of the classifiers are read from a model's facts."""

import json
from dataclasses import asdict, replace

import pytest

from imr_ml.classifiers.candidates import FAMILY_CANDIDATE_TYPES, OUTCOME_CANDIDATE_TYPES
from imr_ml.classifiers.settings import ModelSettings, settings_of
from imr_ml.features.settings import SectionTerms, TermSettings

SETTINGS = ModelSettings(terms=SectionTerms(request=TermSettings(3, 500)), half_life_years=(None, 2.0), seed=4)


def test_saved_settings_load_unchanged():
    assert settings_of(json.loads(json.dumps(asdict(SETTINGS)))) == SETTINGS


@pytest.mark.parametrize("name", OUTCOME_CANDIDATE_TYPES)
def test_settings_of_every_classifier_load_unchanged(name):
    family = FAMILY_CANDIDATE_TYPES[name](arrangement="chain")
    settings = ModelSettings(outcome=(OUTCOME_CANDIDATE_TYPES[name](),), family=(family,))

    assert settings_of(json.loads(json.dumps(asdict(settings)))) == settings


def test_settings_without_classifier_names_are_read():
    saved = json.loads(json.dumps(asdict(SETTINGS)))
    for candidate in saved["outcome"] + saved["family"]:
        del candidate["classifier"]
    for candidate in saved["family"]:
        del candidate["arrangement"]

    assert settings_of(saved) == SETTINGS


def test_settings_with_one_entry_for_all_sections_are_read():
    saved = json.loads(json.dumps(asdict(SETTINGS))) | {"terms": {"longest_phrase": 1, "max_terms": 9}}

    shared = TermSettings(1, 9)
    assert settings_of(saved) == replace(SETTINGS, terms=SectionTerms(shared, shared, shared))
