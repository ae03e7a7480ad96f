"""Settings of the classifiers, read back from a model's facts."""

import json
from dataclasses import asdict, replace

from imr_ml.classifiers.request_model import ModelSettings
from imr_ml.classifiers.settings import settings_of
from imr_ml.features.matrix import SectionTerms, TermSettings

SETTINGS = ModelSettings(terms=SectionTerms(request=TermSettings(3, 500)), half_life_years=(None, 2.0), seed=4)


def test_settings_come_back_as_they_were_saved():
    assert settings_of(json.loads(json.dumps(asdict(SETTINGS)))) == SETTINGS


def test_a_model_whose_sections_share_their_terms_can_be_read():
    saved = json.loads(json.dumps(asdict(SETTINGS))) | {"terms": {"longest_phrase": 1, "max_terms": 9}}

    shared = TermSettings(1, 9)
    assert settings_of(saved) == replace(SETTINGS, terms=SectionTerms(shared, shared, shared))
