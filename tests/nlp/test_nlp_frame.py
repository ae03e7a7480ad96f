"""Columns of tokens, facts and quantities from the requests table."""

import math

import numpy as np
import pandas as pd
import pytest
from progress_bars import ProgressBars

from imr_ml.nlp import frame
from imr_ml.nlp.frame import VIEW_COLUMNS, section_columns
from imr_ml.nlp.types import NlpSettings
from imr_ml.nlp.views import view_section

SUMMARY = "The injured worker, a 48 year old male, has lumbar strain and spasm, no numbness."


def section_frame(table, *settings, **options):
    return pd.DataFrame(section_columns(table, *settings, **options), index=table.index)


def frame_of(request: str = "MRI of the knee", **columns: object) -> pd.Series:
    """Columns of one request."""
    table = pd.DataFrame([{"request": request, "clinical_summary": SUMMARY, "ur_guideline": "", **columns}])
    return section_frame(table).iloc[0]


def test_sections_give_joined_tokens_and_canonical_names():
    row = frame_of("Norco 10/325mg #60 for the low back", ur_guideline="Decision based on MTUS Opioids 2016.")
    assert row["request_tokens"] == " ".join(view_section("Norco 10/325mg #60 for the low back").tokens)
    assert row["summary_tokens"].split()[:3] == ["the", "injured", "worker"]
    assert row["ur_tokens"] == "decision based on mtus opioids class=opioid"
    assert (row["drugs"], row["drug_classes"]) == ("hydrocodone_acetaminophen", "opioid acetaminophen")
    assert (row["request_body_parts"], row["summary_body_parts"]) == ("lumbar_spine", "lumbar_spine")
    assert row["diagnoses"] == "strain_sprain"
    assert row["findings"] == "spasm no_numbness"


def test_body_parts_combine_request_and_summary():
    assert frame_of("MRI of the knee")["body_parts"] == "knee lumbar_spine"


@pytest.mark.parametrize(
    ("request_text", "column", "value"),
    [
        ("Physical therapy 2x6", "visits", 12),
        ("Physical therapy 3 times a week for 2 weeks", "weeks", 2),
        ("Ultram 50mg #30 with 2 refills", "dose_mg", 50),
        ("Ultram 50mg #30 with 2 refills", "count", 30),
        ("Ultram 50mg #30 with 2 refills", "refills", 2),
    ],
)
def test_quantities_of_a_request_are_columns(request_text, column, value):
    assert frame_of(request_text)[column] == value


def test_missing_quantities_are_nan():
    row = frame_of("MRI of the knee")
    assert all(math.isnan(row[column]) for column in ("visits", "weeks", "dose_mg", "count", "refills"))


def test_a_partly_authorized_request_counts_what_remains_in_dispute():
    row = frame_of(
        "Acupuncture 12 visits was the original request. Acupuncture 4 visits was authorized by the Claims "
        "Administrator. The remaining IMR eligible portion of the original request, acupuncture 8 visits"
    )
    assert (row["visits"], row["partial_authorisation"]) == (8, True)


@pytest.mark.parametrize(
    ("request_text", "flag"),
    [
        ("Associated surgical service: shoulder sling", "associated_surgical_service"),
        ("Retrospective TENS unit", "retrospective"),
        ("Urine test (DOS 1/2/17)", "retrospective"),
        ("Post-op physical therapy", "postoperative"),
        ("Postoperative brace", "postoperative"),
    ],
)
def test_circumstances_of_a_request_are_flags(request_text, flag):
    row = frame_of(request_text)
    assert row[flag]
    assert not frame_of("MRI of the knee")[flag]


def test_age_sex_and_category_in_the_table_override_the_text():
    row = frame_of("MRI of the knee", age=30, sex="female", category="Surgery")
    assert (row["age"], row["sex"], row["category"]) == (30, "female", "Surgery")


def test_missing_age_sex_and_category_come_from_the_text():
    row = frame_of("MRI of the knee", age=None, sex=None, category=None)
    assert (row["age"], row["sex"], row["category"]) == (48, "male", "Diagnostic Testing")


def test_unknown_sex_is_none_and_unknown_age_is_nan():
    row = frame_of(clinical_summary="Seen for pain.")
    assert row["sex"] is None
    assert math.isnan(row["age"])


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_missing_text_counts_as_empty(missing):
    row = frame_of("MRI of the knee", clinical_summary=missing, ur_guideline=missing)
    assert (row["summary_tokens"], row["ur_tokens"], row["findings"]) == ("", "", "")


def test_missing_columns_count_as_empty():
    frame = section_frame(pd.DataFrame({"request": ["MRI of the knee"]}))
    assert frame["summary_tokens"].tolist() == [""]


def test_rows_are_in_order_with_a_repeated_index():
    table = pd.DataFrame({"request": ["MRI of the knee", "Norco #60", "MRI of the hip"]}, index=["b", "a", "b"])
    frame = section_frame(table)
    assert frame.index.tolist() == ["b", "a", "b"]
    assert frame["category"].tolist() == ["Diagnostic Testing", "Pharmaceuticals", "Diagnostic Testing"]


def test_an_empty_table_has_the_same_columns_and_types():
    full = section_frame(pd.DataFrame({"request": ["MRI of the knee"], "clinical_summary": [SUMMARY]}))
    empty = section_frame(pd.DataFrame({"request": [], "clinical_summary": []}))
    assert empty.columns.tolist() == full.columns.tolist()
    assert len(empty) == 0
    numbers = ["visits", "weeks", "dose_mg", "count", "refills", "age"]
    assert (empty[numbers].dtypes == np.dtype("float64")).all()
    assert full["retrospective"].dtype == empty["retrospective"].dtype == np.dtype("bool")


def test_a_shared_summary_is_read_once():
    bars = ProgressBars()
    table = pd.DataFrame({"request": [f"MRI level l{n}" for n in range(5)], "clinical_summary": [SUMMARY] * 5})
    section_frame(table, start=bars.start)
    assert bars.done == bars.announced == {"reading sections": 5 + 1 + 1}


def test_other_columns_do_not_change_the_result():
    table = pd.DataFrame({"request": ["MRI of the knee"], "clinical_summary": [SUMMARY]})
    with_labels = table.assign(outcome="overturned", rationale="This reviewer finds spasm.", imr_guideline="ODG")
    pd.testing.assert_frame_equal(section_frame(table), section_frame(with_labels))


def test_settings_apply_to_the_views():
    table = pd.DataFrame({"request": ["MRI"], "clinical_summary": ["No spasm."]})
    frame = section_frame(table, NlpSettings(negation=False))
    assert frame["findings"].tolist() == ["spasm"]


def test_requested_views_have_the_offsets_of_their_tokens():
    table = pd.DataFrame({"request": ["MRI of the knee", "MRI of the knee"], "clinical_summary": ["No spasm.", None]})

    frame, plain = section_frame(table, views=True), section_frame(table)

    (start, end) = frame["request_view"][0].offsets[-1]
    assert "MRI of the knee"[start:end] == "knee"
    assert frame["summary_view"][1] is None
    pd.testing.assert_frame_equal(frame.drop(columns=list(VIEW_COLUMNS)), plain)


def test_many_texts_are_read_by_several_processes_with_the_same_result(monkeypatch):
    monkeypatch.setattr(frame, "MANY_TEXTS", 3)
    table = pd.DataFrame(
        [
            {
                "request": f"Norco {number}mg",
                "clinical_summary": f"{SUMMARY} Seen {number} times.",
                "ur_guideline": None,
            }
            for number in (5, 10, 10, 15, 20)
        ]
    )
    bars = ProgressBars()

    parallel = section_frame(table, start=bars.start, jobs=2)

    pd.testing.assert_frame_equal(parallel, section_frame(table))
    assert bars.done == bars.announced
