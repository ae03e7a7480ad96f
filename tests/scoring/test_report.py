"""The report page counts all rows, escapes text and loads nothing from the network."""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from factories import make_requests
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.guidelines.types import FAMILIES
from imr_ml.reporting.batch_page.totals import BINS, ReportFacts, Totals
from imr_ml.reporting.batch_page.writing import LONGEST_TEXT, histogram, write_report
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.frame import score_frame

FACTS = ReportFacts("march.parquet", "0123456789ab", "dwc", 0.9, datetime(2026, 3, 4, 5, 6, tzinfo=UTC), base_rate=0.1)
HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 2"> {{ 7 * 7 }} <!--'


def make_scored(n=3, **columns):
    """Build scored rows of separate cases, upheld, with evidence and without precedents."""
    defaults = {
        "case_number": [f"CM26-{row:07d}" for row in range(n)],
        "item": 1,
        "request": "MRI of the left knee",
        "clinical_summary": "The knee gives way on stairs.",
        "ur_guideline": None,
        "p_overturned": 0.05,
        "outcome_pred": "upheld",
        "confident": True,
        "families_pred": "acoem|odg",
        "primary_family": "acoem",
        "acoem_chapter": "knee",
        **{f"p_{family}": 0.25 for family in FAMILIES},
        "evidence": '{"outcome":[],"primary_family":[]}',
        "precedents": "[]",
        "cohort_rate": 0.1,
        "cohort_low": 0.05,
        "cohort_high": 0.2,
        "cohort_requests": 40,
        "cohort_tier": "category",
        "model_version": "0123456789ab",
        "error": None,
    }
    return pd.DataFrame(defaults | columns, index=range(n))


def failed(frame, reason):
    """Return the same rows, all with errors."""
    return frame.assign(**dict.fromkeys(SCORE_COLUMNS)).assign(error=reason)


def page_of(tmp_path, *chunks, facts=FACTS, **options):
    target = tmp_path / "report.html"
    write_report(chunks, target, facts, **options)
    return target.read_text("utf-8")


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def rows_of(page):
    data = data_of(page)
    return [dict(zip(data["fields"], row, strict=True)) for row in data["rows"]]


def test_the_figures_count_all_rows_though_the_page_holds_the_first(tmp_path):
    page = page_of(tmp_path, make_scored(4), make_scored(5), failed(make_scored(2), "no request"), limit=6)

    assert len(rows_of(page)) == 6
    assert "This page shows the first 6 of 11 rows" in page
    assert re.search(r"<dt>scored</dt><dd>9</dd>", page)
    assert re.search(r"<b>2</b> no request", page)


def test_a_whole_batch_is_not_called_a_part(tmp_path):
    assert "This page shows the first" not in page_of(tmp_path, make_scored(3))


def test_requests_of_one_case_share_its_text(tmp_path):
    data = data_of(page_of(tmp_path, make_scored(30), make_scored(30)))

    assert sorted(data["texts"]) == ["MRI of the left knee", "The knee gives way on stairs."]


def test_the_users_own_names_of_columns_are_understood(tmp_path):
    scored = make_scored(1).rename(columns={"request": "RFA_TEXT", "case_number": "Claim"})
    facts = ReportFacts(
        "x.csv", "0", "dwc", 0.9, FACTS.scored_at, columns={"request": "RFA_TEXT", "case_number": "Claim"}
    )

    page = page_of(tmp_path, scored, facts=facts)

    (row,) = rows_of(page)
    assert row["case_number"] == "CM26-0000000"
    assert data_of(page)["texts"][row["request"]] == "MRI of the left knee"


@pytest.mark.parametrize(
    "absent", [["evidence"], ["precedents"], ["families_pred", "primary_family", "acoem_chapter", "p_acoem"]]
)
def test_what_was_not_requested_may_be_absent(tmp_path, absent):
    without_column = page_of(tmp_path, make_scored(2).drop(columns=absent))
    without_values = page_of(tmp_path, make_scored(2).assign(**dict.fromkeys(absent)))

    assert rows_of(without_column) == rows_of(without_values)
    assert rows_of(without_column)[0][absent[0]] is None


@pytest.mark.parametrize("column", ["case_number", "request", "clinical_summary", "ur_guideline", "error", "category"])
def test_text_can_neither_end_the_data_nor_become_an_element(tmp_path, column):
    page = page_of(tmp_path, make_scored(1, **{column: HOSTILE}), facts=FACTS)

    assert page.count("</script>") == 2
    assert "<img" not in page
    assert HOSTILE in json.dumps(data_of(page), ensure_ascii=False).replace('\\"', '"')


def test_a_hostile_name_of_the_source_stays_text(tmp_path):
    facts = ReportFacts(HOSTILE, "0", "dwc", 0.9, FACTS.scored_at)

    assert "<img" not in page_of(tmp_path, make_scored(1), facts=facts)


@given(text=st.text(st.characters(codec=None), min_size=1, max_size=40))
def test_any_text_comes_through_unchanged(tmp_path_factory, text):
    page = page_of(tmp_path_factory.mktemp("page"), make_scored(1, request=pd.Series([text], dtype="object")))

    assert data_of(page)["texts"][rows_of(page)[0]["request"]] == text


def test_only_the_pages_own_style_and_script_are_allowed_and_no_connection(tmp_path):
    page = page_of(tmp_path, make_scored(1))

    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for inline in re.findall(r"<style>(.*?)</style>|<script type=\"module\">(.*?)</script>", page, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256("".join(inline).encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.search(r"\b(src|href)=\"(?!#|data:,)", page)
    assert not re.search(r"\bstyle=\"|\bon\w+=\"", page)


@pytest.mark.parametrize(
    ("trained_on", "source", "is_marked"),
    [("sample", "dwc", True), ("dwc", "sample", True), ("dwc", "dwc", False), ("dwc", None, False)],
)
def test_a_sample_model_or_sample_rows_are_plainly_marked(tmp_path, trained_on, source, is_marked):
    facts = ReportFacts("x.csv", "0", trained_on, 0.9, FACTS.scored_at)

    page = page_of(tmp_path, make_scored(2, source=source), facts=facts)

    assert ("<strong>SAMPLE</strong>" in page) == is_marked
    assert data_of(page)["is_sample"] == is_marked


def test_a_batch_of_which_nothing_could_be_scored_has_a_page(tmp_path):
    page = page_of(tmp_path, failed(make_scored(2), "no request"))

    assert [row["error"] for row in rows_of(page)] == ["no request"] * 2
    assert data_of(page)["mean_p"] is None


def test_an_empty_batch_has_a_page(tmp_path):
    assert rows_of(page_of(tmp_path, make_scored(0))) == []


def test_a_very_long_text_is_cut_on_the_page_and_said_to_be(tmp_path):
    data = data_of(page_of(tmp_path, make_scored(1, request="x" * (LONGEST_TEXT + 1))))

    assert [len(data["texts"][place]) for place in data["cut"]] == [LONGEST_TEXT]


def test_a_page_that_holds_enough_text_takes_no_more_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("imr_ml.reporting.batch_page.writing.MOST_CHARACTERS", 500)
    long_ones = make_scored(5, request=[f"{row} " * 100 for row in range(5)])

    assert "This page shows the first 2 of 5 rows" in page_of(tmp_path, long_ones.head(2), long_ones.tail(3))


def test_a_page_appears_whole_or_not_at_all(tmp_path):
    def breaking_off():
        yield make_scored(2)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_report(breaking_off(), tmp_path / "report.html", FACTS)

    assert list(tmp_path.iterdir()) == []


@given(
    p=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    cut=st.integers(0, 30),
)
def test_totals_do_not_depend_on_the_chunks(p, cut):
    scored = make_scored(len(p), p_overturned=p, outcome_pred=["overturned" if one > 0.5 else "upheld" for one in p])
    whole, parts = Totals(), Totals()

    whole.add(scored, FACTS)
    for part in (scored.iloc[:cut], scored.iloc[cut:]):
        parts.add(part, FACTS)

    assert np.array_equal(whole.histogram, parts.histogram)
    assert whole.outcomes == parts.outcomes
    assert sum(whole.outcomes.values()) == whole.scored == len(p)
    assert parts.mean_p == pytest.approx(np.mean(p))
    assert whole.families == {"acoem": len(p), "odg": len(p)}


def test_reasons_that_are_all_different_do_not_pile_up():
    totals = Totals()

    totals.add(failed(make_scored(500), [f"reason {row}" for row in range(500)]), FACTS)

    assert len(totals.reasons) == 101
    assert totals.errors == sum(totals.reasons.values()) == 500


@pytest.mark.parametrize(("highest", "end"), [(0.04, 20), (0.2, 40), (0.39, 40), (0.4, 100), (1.0, 100)])
def test_the_axis_of_the_histogram_leaves_nothing_out(highest, end):
    totals = Totals()
    totals.add(make_scored(2, p_overturned=[0.01, highest]), FACTS)

    drawn = histogram(totals.histogram)

    assert drawn.end == end
    assert all(bar.x + bar.width <= 100.01 and bar.y >= 0 for bar in drawn.bars)
    assert totals.histogram.shape[1] == BINS


def test_facts_are_what_the_model_states_of_itself(loaded):
    facts = ReportFacts.from_model("x.csv", loaded, FACTS.scored_at)

    assert (facts.model_version, facts.trained_on) == (loaded.version, "sample")
    assert 0 < facts.base_rate < 1
    assert facts.coverage == loaded.facts["settings"]["coverage"]
    assert ReportFacts.from_model("x.csv", loaded, FACTS.scored_at, coverage=0.7).coverage == 0.7


def test_what_was_scored_is_what_the_page_holds(loaded, tmp_path):
    scored = score_frame(make_requests(270), loaded, ScoreOptions(precedents=3))

    page = page_of(
        tmp_path, scored.iloc[:100], scored.iloc[100:], facts=ReportFacts.from_model("x", loaded, FACTS.scored_at)
    )

    rows = rows_of(page)
    assert [row["p_overturned"] for row in rows] == pytest.approx(scored["p_overturned"].tolist(), abs=1e-6)
    assert [row["evidence"] for row in rows] == [json.loads(value) for value in scored["evidence"]]
    assert [row["precedents"] for row in rows] == [json.loads(value) for value in scored["precedents"]]
    assert len(page.encode()) < 2_000_000
