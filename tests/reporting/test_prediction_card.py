"""The prediction card explains the prediction as a sum."""

import re

import pytest
from factories import make_requests
from scipy.special import logit

from imr_ml.reporting.names import feature_name
from imr_ml.reporting.prediction_card import card_lines
from imr_ml.scoring.frame import score_frame


@pytest.fixture(scope="module")
def row(loaded):
    return score_frame(make_requests(1), loaded).iloc[0]


@pytest.mark.parametrize("label", ["Evidence", "Evidence of family"])
def test_the_evidence_adds_up_to_the_prediction(row, label):
    base_rate, *terms, everything_else, prediction = (float(line.split(" ")[0]) for line in card_lines(row)[label])

    p = row["p_overturned"] if label == "Evidence" else row[f"p_{row['primary_family']}"]
    assert base_rate + sum(terms) + everything_else == pytest.approx(prediction, abs=0.05)
    assert prediction == pytest.approx(logit(p), abs=0.01)


def test_names_are_not_column_names(row, loaded):
    names = [feature_name(*name.split("__", 1)) for name in loaded.model.feature_names]

    assert [name for name in names if re.search(r"_|log |indicator|^$", name)] == []
    assert "number of requests in the letter" in names


@pytest.mark.parametrize(
    ("block", "term", "name"),
    [
        ("treatments", "_absent", "no treatment named"),
        ("summary", "_absent", "no text"),
        ("findings", "no_spasm", "spasm, denied"),
        ("treated_body_parts", "mri@knee", "mri at knee"),
        ("ur_families", "odg", "ODG"),
        ("summary", "knee no_pain", "knee no pain"),
        ("codes", "diagnosis=Asthma&treatment=Hormones", "diagnosis Asthma, treatment Hormones"),
    ],
)
def test_features_in_words(block, term, name):
    assert feature_name(block, term) == name
    assert feature_name(block, term, is_present=False).startswith(("no mention of", "some"))
