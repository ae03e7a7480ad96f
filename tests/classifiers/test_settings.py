"""Settings of the classifiers, read back from a model's facts."""

import json
from dataclasses import asdict, replace

import pytest

from imr_ml.classifiers.candidates import FAMILY_CANDIDATE_TYPES, OUTCOME_CANDIDATE_TYPES
from imr_ml.classifiers.settings import ModelSettings, settings_of
from imr_ml.features.settings import SectionTerms, TermSettings

SETTINGS = ModelSettings(terms=SectionTerms(request=TermSettings(3, 500)), half_life_years=(None, 2.0), seed=4)


def test_settings_come_back_as_they_were_saved():
    assert settings_of(json.loads(json.dumps(asdict(SETTINGS)))) == SETTINGS


@pytest.mark.parametrize("name", OUTCOME_CANDIDATE_TYPES)
def test_every_classifier_comes_back(name):
    family = FAMILY_CANDIDATE_TYPES[name](arrangement="chain")
    settings = ModelSettings(outcome=(OUTCOME_CANDIDATE_TYPES[name](),), family=(family,))

    assert settings_of(json.loads(json.dumps(asdict(settings)))) == settings


def test_a_model_of_a_version_without_names_of_classifiers_can_be_read():
    saved = json.loads(json.dumps(asdict(SETTINGS)))
    for candidate in saved["outcome"] + saved["family"]:
        del candidate["classifier"]
    for candidate in saved["family"]:
        del candidate["arrangement"]

    assert settings_of(saved) == SETTINGS


def test_a_model_whose_sections_share_their_terms_can_be_read():
    saved = json.loads(json.dumps(asdict(SETTINGS))) | {"terms": {"longest_phrase": 1, "max_terms": 9}}

    shared = TermSettings(1, 9)
    assert settings_of(saved) == replace(SETTINGS, terms=SectionTerms(shared, shared, shared))
