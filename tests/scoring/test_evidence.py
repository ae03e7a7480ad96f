"""Evidence lists contributions and their offsets in the user's text."""

import json

import pandas as pd
import pytest
from factories import make_requests
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from imr_ml.classifiers.contributions import Contribution, Explanation
from imr_ml.classifiers.types import Evidence
from imr_ml.features.frame import feature_frame
from imr_ml.nlp.views import view_section
from imr_ml.scoring.evidence import SECTIONS, SectionPlaces, evidence_json
from imr_ml.scoring.frame import score_frame

SUMMARY = "Denies numbness, no spasm; left-knee pain. Knee  pain is worse at 6 weeks. Pain."
REQUEST = "MRI of the left knee, and an MRI of the neck"


def words_at(text, places):
    return [text[start:end] for start, end in places]


def found(text, term):
    return words_at(text, SectionPlaces(view_section(text), text, 0).of_term(term))


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("pain", ["pain", "pain", "Pain"]),
        ("knee pain", ["knee pain", "Knee  pain"]),
        ("left knee", ["left-knee"]),
        ("no_spasm", ["spasm"]),
        ("spasm", []),
        ("no_finding=spasm", ["spasm"]),
        ("at weeks", ["at", "weeks"]),
        ("left knee pain", ["left-knee pain"]),
        ("weeks pain", ["weeks. Pain"]),
        ("_absent", []),
    ],
)
def test_a_term_is_located_at_all_its_words(term, words):
    """A phrase interrupted by a number has two spans; the span of a negated word is the word itself."""
    assert found(SUMMARY, term) == words


@pytest.mark.parametrize(
    ("block", "term", "section", "words"),
    [
        ("request", "mri", "request", ["MRI", "MRI"]),
        ("treatments", "mri", "request", ["MRI", "MRI"]),
        ("request_body_parts", "cervical_spine", "request", ["neck"]),
        ("treated_body_parts", "mri@knee", "request", ["MRI", "knee", "MRI"]),
        ("summary", "no_spasm", "clinical_summary", ["spasm"]),
        ("findings", "no_spasm", "clinical_summary", ["spasm"]),
        ("summary_body_parts", "knee", "clinical_summary", ["knee", "Knee"]),
        ("ur_guideline", "knee complaints", "ur_guideline", ["Knee Complaints"]),
        ("ur_families", "acoem", "facts", []),
        ("category", "Diagnostic_Testing", "facts", []),
        ("numbers", "weeks", "numbers", []),
        ("case_size", "log_items_in_case", "numbers", []),
    ],
)
@pytest.mark.parametrize("before", ["", "  \n"])
def test_each_block_of_features_has_a_section_and_places_in_the_text_as_written(block, term, section, words, before):
    texts = {"request": REQUEST, "clinical_summary": SUMMARY, "ur_guideline": "MTUS Knee Complaints 2004."}
    features = feature_frame(pd.DataFrame([texts]), views=True)
    written = pd.DataFrame([{name: before + text for name, text in texts.items()}])

    (evidence,) = evidence_json(
        [Evidence(Explanation(-2.0, [Contribution(block, term, 0.123456)], -1.0))], written, features
    )

    (entry,) = json.loads(evidence)["outcome"]
    assert entry["section"] == section in SECTIONS
    assert (entry["term"], entry["weight"]) == (term, 0.1235)
    assert entry.get("fact") == (None if block in ("request", "summary", "ur_guideline") else block)
    assert words == (words_at(written.loc[0, section], entry["places"]) if words else [])


@given(st.text(alphabet="ab -,.\n'1\u0130", max_size=40))
def test_whatever_the_text_a_places_letters_are_the_terms(text):
    view = view_section(text)
    places = SectionPlaces(view, text, 0)

    for token in view.tokens:
        assert {words_at(text, [place])[0].lower() for place in places.of_term(token)} >= {token} - {
            other for other in view.tokens if not other.isascii()
        }


def test_scored_evidence_points_into_the_rows_own_columns(loaded):
    requests = make_requests(12).assign(clinical_summary=lambda table: "\t " + table["clinical_summary"])
    scored = score_frame(requests, loaded)

    placed = 0
    for _, row in scored.iterrows():
        evidence = json.loads(row["evidence"])
        assert set(evidence) == {"outcome", "primary_family", "sums"}
        weights = [abs(entry["weight"]) for entry in evidence["outcome"]]
        assert weights == sorted(weights, reverse=True)
        for entry in [*evidence["outcome"], *evidence["primary_family"]]:
            assert set(entry) <= {"section", "name", "term", "weight", "fact", "absent", "places"}
            for start, end in entry.get("places", []):
                word = row[entry["section"]][start:end]
                assert word == word.strip() != ""
                placed += 1
                if "fact" not in entry and "=" not in entry["term"]:
                    assert entry["term"].removeprefix("no_").split(" ")[0] in word.lower()
    assert placed > 50


def test_evidence_is_compact(loaded):
    evidence = score_frame(make_requests(2), loaded)["evidence"][0]

    assert json.dumps(json.loads(evidence), separators=(",", ":"), ensure_ascii=False) == evidence


def test_base_rate_terms_and_everything_else_are_the_prediction_of_every_row(loaded, tmp_path):
    requests = make_requests(40)
    requests.loc[:5, "clinical_summary"] = "Knee pain."
    scored = score_frame(requests, loaded)
    target = tmp_path / "scored.csv"
    scored.to_csv(target, index=False)

    for table in (scored, pd.read_csv(target)):
        for row in table.to_dict("records"):
            evidence = json.loads(row["evidence"])
            for name, p in (("outcome", row["p_overturned"]), ("primary_family", row[f"p_{row['primary_family']}"])):
                sums, weights = evidence["sums"][name], [entry["weight"] for entry in evidence[name]]
                log_odds = sums["base_rate"] + sum(weights) + sums["everything_else"]
                assert log_odds == pytest.approx(sums["log_odds"], abs=1e-9)
                assert expit(log_odds) == pytest.approx(p, abs=1e-9)


def test_evidence_starts_from_the_share_overturned_in_the_training_data(loaded, prepared):
    evidence = json.loads(score_frame(make_requests(1), loaded)["evidence"][0])

    assert expit(evidence["sums"]["outcome"]["base_rate"]) == pytest.approx(prepared.labels.overturned.mean())
