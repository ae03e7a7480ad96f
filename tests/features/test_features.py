"""Models use only the feature columns of a request."""

import math

import numpy as np
import pandas as pd
import pytest
from factories import make_requests

from imr_ml.corpus.schema import COLUMNS, FEATURE_COLUMNS, Role, validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.features.frame import FACT_COLUMNS, NUMBER_COLUMNS, TOKEN_COLUMNS, feature_frame
from imr_ml.features.matrix import column_weights, feature_matrix, has_codes
from imr_ml.features.settings import BlockWeights

NOT_FEATURES = [column.name for column in COLUMNS if column.role is not Role.FEATURE]
TWO = pd.DataFrame(
    {
        "request": ["Norco 10/325mg #60", "MRI of the left knee"],
        "clinical_summary": ["The injured worker is a 44 year old female with spasm, no numbness.", "Seen."],
        "ur_guideline": ["Decision based on MTUS Opioids Treatment 2016.", None],
        "date_of_injury": ["2015-02-03", None],
        "ur_denial_date": ["2016-02-03", "2016-04-05"],
    }
)


def frame_of(requests: pd.DataFrame) -> pd.DataFrame:
    return feature_frame(complete_requests(validate_requests(requests, "t")))


@pytest.fixture(scope="module")
def small():
    return complete_requests(validate_requests(make_requests(12), "t"))


@pytest.mark.parametrize("column", [*NOT_FEATURES, "p_overturned", "a_column_of_the_users"])
def test_a_column_that_is_not_a_feature_has_no_effect(small, column):
    before = feature_frame(small)
    for values in (
        None,
        1.0,
        "overturned: this reviewer finds spasm, ODG, Norco 10/325mg",
        small["request"][::-1].values,
    ):
        pd.testing.assert_frame_equal(feature_frame(small.assign(**{column: values})), before)


def test_columns_that_are_not_features_are_optional(small):
    pd.testing.assert_frame_equal(
        feature_frame(small.drop(columns=[name for name in NOT_FEATURES if name in small])), feature_frame(small)
    )


def test_outcomes_of_other_rows_have_no_effect(small):
    """Each row is processed independently of the others."""
    whole = feature_frame(small)

    pd.testing.assert_frame_equal(feature_frame(small.iloc[5:8]), whole.iloc[5:8])


def test_predictions_are_the_same_bit_for_bit_whatever_was_decided(prepared, prepared_requests):
    from imr_ml.classifiers.request_model import RequestModel

    model = RequestModel().fit(prepared.frame, prepared.labels, prepared.groups)
    opposite = prepared_requests["outcome"].map({"upheld": "overturned", "overturned": "upheld"})
    changed = dict.fromkeys(NOT_FEATURES, "changed") | {"outcome": opposite, "families": "none", "decision_date": None}
    decided_otherwise = prepared_requests.assign(**changed)

    before, after = (model.predict(feature_frame(each)) for each in (prepared_requests, decided_otherwise))

    assert (before.p_overturned == after.p_overturned).all()
    assert (before.family_probability == after.family_probability).all()


def test_no_feature_column_is_known_only_after_the_decision(prepared):
    assert set(prepared.frame.columns).isdisjoint(NOT_FEATURES)
    assert set(FEATURE_COLUMNS) <= set(prepared.frame.columns)


def test_a_request_becomes_tokens_facts_and_numbers():
    row = frame_of(TWO.assign(items_in_case=2)).iloc[0]

    assert row["drug_classes"] == "opioid acetaminophen"
    assert row["category"] == "Pharmaceuticals"
    assert row["ur_families"] == "opioids"
    assert row["findings"] == "spasm no_numbness"
    assert (row["count"], row["age"], row["ur_cites_nothing"]) == (60, 44, 0)
    assert row["log_days_injury_to_denial"] == pytest.approx(math.log(366))
    assert row["log_items_in_case"] == pytest.approx(math.log(3))


def test_an_absent_value_is_a_separate_fact():
    row = frame_of(TWO).iloc[1]

    assert (row["ur_tokens"], row["sex"], row["drug_classes"]) == ("_absent",) * 3
    assert math.isnan(row["age"])
    assert math.isnan(row["log_days_injury_to_denial"])


def test_a_denial_before_the_injury_counts_as_the_same_day():
    frame = frame_of(TWO.assign(date_of_injury="2020-01-01"))

    assert frame["log_days_injury_to_denial"].tolist() == [0, 0]


@pytest.mark.parametrize("ur_families", [["none", "acoem"], [None, None]])
def test_an_administrator_without_a_citation_is_recognized(ur_families):
    frame = feature_frame(
        complete_requests(validate_requests(TWO.assign(ur_families=ur_families, ur_guideline=None), "t"))
    )

    assert frame["ur_cites_nothing"].tolist() == [float(value == "none") for value in ur_families]


def test_columns_have_their_types_and_the_index_of_the_table():
    table = complete_requests(validate_requests(TWO, "t")).set_index(pd.Index(["b", "a"]))

    frame = feature_frame(table)

    assert frame.index.tolist() == ["b", "a"]
    assert all(isinstance(text, str) and text for name in (*TOKEN_COLUMNS, *FACT_COLUMNS) for text in frame[name])
    assert (frame[list(NUMBER_COLUMNS)].dtypes == np.dtype("float64")).all()


def test_features_are_named_by_section_and_term(prepared):
    matrix = feature_matrix()
    X = matrix.fit_transform(prepared.frame)  # noqa: N806
    names = matrix.get_feature_names_out()

    assert X.shape == (len(prepared.frame), len(names))
    blocks = {"request", "summary", "ur_guideline", *FACT_COLUMNS, "numbers", "case_size"}
    assert {name.split("__")[0] for name in names} == blocks
    assert {"request__norco", "drug_classes__opioid", "numbers__age", "ur_families__acoem"} <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("weights", "kept"),
    [
        (BlockWeights(summary=0, facts=0, numbers=0, case_size=0), {"request", "ur_guideline"}),
        (BlockWeights(0, 0, 0, facts=0.5, numbers=0, case_size=0, facts_used=("findings",)), {"findings"}),
        (BlockWeights(0, 0, 0, facts=0, numbers=0.1, case_size=0), {"numbers"}),
    ],
)
def test_a_block_of_weight_zero_is_left_out(prepared, weights, kept):
    matrix = feature_matrix().fit(prepared.frame)
    names = matrix.get_feature_names_out()[column_weights(matrix, weights) > 0]

    assert {name.split("__")[0] for name in names} == kept


def test_each_column_has_the_weight_of_its_block(prepared):
    matrix = feature_matrix().fit(prepared.frame)
    weights = BlockWeights(request=0.5, summary=2.0, facts=0.3)
    of_name = dict(zip(matrix.get_feature_names_out(), column_weights(matrix, weights), strict=True))

    assert of_name["request__norco"] == 0.5
    assert of_name["drug_classes__opioid"] == 0.3
    assert {weight for name, weight in of_name.items() if name.startswith("summary__")} == {2.0}


def test_a_sections_rows_have_length_one(prepared):
    matrix = feature_matrix()
    terms = matrix.fit_transform(prepared.frame)[:, matrix.places["request"]]

    assert np.sqrt(terms.multiply(terms).sum(axis=1)) == pytest.approx(1.0)


def test_terms_not_seen_in_fitting_are_ignored_and_empty_sections_fit(prepared):
    empty = frame_of(pd.DataFrame({"request": ["Zzyzx", "Qwerty"], "clinical_summary": ["A.", "B."]}))
    matrix = feature_matrix().fit(prepared.frame)

    assert np.isfinite(matrix.transform(empty).toarray()).all()
    assert np.isfinite(feature_matrix().fit_transform(empty).toarray()).all()


CODED = pd.DataFrame(
    {
        "request": ["Vision: Glasses", "Treatment not stated"],
        "clinical_summary": [None, None],
        "source": "dmhc",
        "diagnosis_category": ["Ears, Nose, Throat", "Skin"],
        "treatment_category": ["Vision", None],
        "treatment": ["Glasses", None],
        "review_type": ["Urgent Care", "Urgent Care"],
        "age_band": ["11-20", None],
    }
)


def test_a_sources_own_codes_are_reported_alone_and_together():
    codes = [set(cell.split()) for cell in frame_of(CODED)["codes"]]

    assert {"age_band=11-20", "diagnosis_category=Ears,_Nose,_Throat", "treatment=Glasses"} <= codes[0]
    assert "review_type=Urgent_Care&treatment_category=Vision&treatment=Glasses" in codes[0]
    assert {"age_band=_absent", "diagnosis_category=Skin&treatment_category=_absent"} <= codes[1]


def test_codes_are_features_only_of_a_source_that_has_them(prepared):
    coded = frame_of(CODED)
    fitted = feature_matrix(codes=True).fit(coded)

    assert has_codes(coded)
    assert not has_codes(prepared.frame)
    assert "codes__treatment=Glasses" in fitted.get_feature_names_out()
    assert {0.7} == set(column_weights(fitted, BlockWeights(codes=0.7))[fitted.places["codes"]])
    assert "codes" not in feature_matrix().fit(coded).places
    assert np.isfinite(fitted.transform(prepared.frame).toarray()).all()


def test_guideline_topics_are_facts_of_the_request():
    frame = frame_of(TWO.assign(request=["Chiropractic therapy for the hip", "Copies of the records"]))

    assert frame["guideline_topics"].tolist()[0].split()[:2] == ["acoem_physical_methods", "chronic_pain_therapy"]
    assert frame["guideline_region"].tolist() == ["other_region", "no_region"]


@pytest.mark.parametrize(
    ("denied", "stage"),
    [
        ("2015-03-05", "acute"),
        ("2015-03-06", "subacute"),
        ("2015-05-04", "subacute"),
        ("2015-05-05", "chronic"),
        ("2015-02-01", "_absent"),
        (None, "_absent"),
    ],
)
def test_an_injury_is_acute_for_thirty_days_and_chronic_after_ninety(denied, stage):
    frame = frame_of(TWO.assign(ur_denial_date=denied))

    assert frame["injury_stage"].tolist() == [stage, "_absent"]


def test_a_pair_is_present_if_both_facts_are(prepared):
    matrix = feature_matrix(pairs=True)
    X = matrix.fit_transform(prepared.frame).toarray()  # noqa: N806
    column = dict(zip(matrix.get_feature_names_out(), X.T, strict=True))

    pairs = {name for name in column if name.startswith("pairs__")}
    assert pairs
    for name in sorted(pairs)[::50]:
        first, second = name.removeprefix("pairs__").split(" ")
        assert (column[name] == column[first] * column[second]).all()
    assert all(name.count(" ") == 1 for name in pairs)


def test_requests_of_a_case_share_the_text_of_their_summary(small):
    frame = feature_frame(pd.concat([small, small], ignore_index=True))

    for column in ("summary_tokens", "category", "treated_body_parts"):
        assert frame[column].dtype == object
        assert frame[column].iloc[0] is frame[column].iloc[len(small)]
