"""A model loaded from Python scores frames and single requests."""

import pytest
from factories import KNEE, SUMMARY, make_requests

import imr_ml
from imr_ml.corpus.schema import SchemaError
from imr_ml.score_columns import SCORE_COLUMNS
from imr_ml.scoring.frame import score_frame


@pytest.fixture(scope="module")
def model(model_folder):
    return imr_ml.load_model(model_folder)


def test_a_frame_gives_a_typed_frame_of_the_same_rows(model, loaded):
    requests = make_requests(3)

    scored = model.score(requests)

    assert list(scored.columns) == [*requests.columns, *SCORE_COLUMNS]
    assert scored.dtypes[["p_overturned", "outcome_pred", "confident", "cohort_requests"]].astype(str).tolist() == [
        "float64",
        "string",
        "boolean",
        "Int64",
    ]
    assert scored["p_overturned"].tolist() == score_frame(requests, loaded)["p_overturned"].tolist()


def test_one_request_may_be_a_dict(model):
    scored = model.score({"request": KNEE.request, "clinical_summary": SUMMARY}, evidence=False, precedents=0)

    assert len(scored) == 1
    assert 0 < scored["p_overturned"][0] < 1
    assert scored["evidence"].isna().all()


def test_a_request_without_its_summary_is_refused_with_what_was_found(model):
    with pytest.raises(SchemaError, match=r"lacks column\(s\) clinical_summary; found: request"):
        model.score({"request": KNEE.request})
