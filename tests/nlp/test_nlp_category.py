"""Requests are classified by the categories of the DWC decision search."""

from typing import get_args

import pytest

from imr_ml.nlp.pipeline import build_pipeline
from imr_ml.nlp.rules import Category, rule_book
from imr_ml.nlp.views import category_of, view_section


@pytest.mark.parametrize(
    ("request_text", "category"),
    [
        ("MRI of the left shoulder without contrast", "Diagnostic Testing"),
        ("EMG/NCV of the bilateral upper extremities", "Diagnostic Testing"),
        ("Urine drug screen", "Diagnostic Testing"),
        ("Labs: CBC, CMP", "Diagnostic Testing"),
        ("Functional capacity evaluation (FCE)", "Diagnostic Testing"),
        ("Physical therapy 2x6, right knee", "Therapies"),
        ("Twelve acupuncture visits", "Therapies"),
        ("PT/OT 2 times a week", "Therapies"),
        ("Associated surgical service: physical therapy, 12 visits", "Therapies"),
        ("Lumbar epidural steroid injection at L4-L5", "Injection"),
        ("LESI L5-S1", "Injection"),
        ("Medial branch blocks C4-C6", "Injection"),
        ("Lidocaine injection, right hip", "Injection"),
        ("Right knee arthroscopy", "Surgery"),
        ("ACDF C5-C6", "Surgery"),
        ("Arthroscopic RCR with acromioplasty", "Surgery"),
        ("Assistant surgeon", "Surgery"),
        ("TENS unit purchase", "DMEPOS"),
        ("Associated surgical service: cold therapy unit, 7 day rental", "DMEPOS"),
        ("Wrist braces #2", "DMEPOS"),
        ("Norco 10/325mg #60", "Pharmaceuticals"),
        ("Topical analgesic", "Pharmaceuticals"),
        ("Compound cream, 240 grams", "Pharmaceuticals"),
        ("Follow-up visit with orthopedist", "Evaluation & Management"),
        ("Pain management consultation", "Evaluation & Management"),
        ("Preoperative medical clearance", "Evaluation & Management"),
        ("Cognitive behavioral therapy, 6 sessions", "Psych Services"),
        ("Psychological evaluation", "Psych Services"),
        ("Functional restoration program, 20 days", "Programs"),
        ("Gym membership, 6 months", "Programs"),
        ("Home health aide 4 hours a day", "Home Health"),
        ("Transportation to and from appointments", "Transportation"),
        ("Unheardofium 20mg #60", "Pharmaceuticals"),
        ("Pre-op LFTs", "Diagnostic Testing"),
        ("Quux frobnication", "Other"),
        ("", "Other"),
    ],
)
def test_a_request_has_its_category(request_text, category):
    assert category_of(request_text) == category


def test_every_category_of_the_search_has_a_treatment():
    assert {entry.category for entry in rule_book().treatments.values()} == set(get_args(Category))


def test_a_specific_treatment_outranks_an_earlier_generic_word():
    assert category_of("Surgery clinic: MRI of the knee") == "Diagnostic Testing"


def test_categories_and_views_share_one_pipeline():
    build_pipeline.cache_clear()

    category_of("MRI of the knee")
    view_section("MRI of the knee")

    assert build_pipeline.cache_info().misses == 1
