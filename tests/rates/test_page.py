"""The page of rates as text: data and sentences, without letter text or executable table content."""

import json
import re

import pandas as pd
import pytest
from decided_requests import MRI, NORCO, decided

from imr_ml.rates.counting import answer_requests, count_rates
from imr_ml.rates.page import MAX_LISTED, PAGE_QUESTIONS, write_page

HOSTILE = "</script><img src=x onerror=alert(1)>"
LIBRARY = "window.vegaEmbed = null;"


@pytest.fixture
def page_of(tmp_path):
    def written(requests, *by):
        answered = answer_requests(requests, [*by, *PAGE_QUESTIONS], "table.csv")
        write_page(answered, count_rates(answered, by), tmp_path / "rates.html", LIBRARY)
        return (tmp_path / "rates.html").read_text("utf-8")

    return written


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])


def test_the_latest_decisions_of_each_value_are_listed(page_of):
    requests = decided((MRI, 80, 20), (NORCO, 30, 3), case_number="CM16-0000001", item=2.0)
    dates = pd.date_range("2015-01-01", periods=len(requests))
    data = data_of(page_of(requests.assign(decision_date=dates), "body_part"))

    of_knee = [row for row in data["decisions"] if row[5] == ["knee"]]
    assert len(of_knee) == MAX_LISTED
    assert of_knee[0] == ["CM16-0000001", "2", "upheld", "2015-03-21", "ACOEM: Knee Complaints (2004)", ["knee"]]
    assert len(data["decisions"]) == MAX_LISTED + 30


def test_a_table_without_dates_or_citations_has_a_page_without_them(page_of):
    bare = decided((MRI, 30, 9)).drop(columns=["decision_date", "imr_guideline", "families"])
    page = page_of(bare.assign(decision_year=2016.0), "treatment")

    data = data_of(page)
    assert (data["families"], [cell["values"] for cell in data["trend"]]) == ([], [["2016"]])
    assert 'id="families"' not in page
    assert "decided 2016 to 2016" in page


def test_only_a_sample_is_marked(page_of):
    assert "SAMPLE" in page_of(decided((MRI, 30, 9), source="sample"), "treatment")
    assert "SAMPLE" not in re.sub(r"(?s)<script.*", "", page_of(decided((MRI, 30, 9), source="dwc"), "treatment"))


def test_table_content_can_not_end_a_script_or_open_an_element(page_of):
    page = page_of(decided((MRI, 30, 9), specialties=HOSTILE, case_number=HOSTILE, source=HOSTILE), "specialty")

    assert HOSTILE not in page
    assert "<img" not in page
    assert "default-src &#39;none&#39;" in page


def test_the_page_contains_no_letter_text(page_of):
    requests = decided((MRI, 30, 9), imr_guideline="Decision based on Non-MTUS Citation an article named here alone.")
    page = page_of(requests, "diagnosis", "chapter")

    for text in (MRI, "lumbar radiculopathy and no depression", "an article named here alone"):
        assert text not in page
