"""Pages of the search: forms and results."""

from __future__ import annotations

from datetime import date
from html import escape

import pytest
from fetch.replica import CASE_HEADERS, REQUEST_HEADERS
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.fetch.site import Search, check_form, details_url, form_fields, read_page
from imr_ml.fetch.types import FetchError, IndexedCase, IndexedRequest, Query

URL = "https://www.example.org/dwc/imr/IMRDecisionSearch.asp"
LINK = '<a href="decisions/CM16-0099001.pdf">CM16-0099001</a>'
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20).filter(
    lambda words: words.split()
)


def page(headers, *rows, after="<p><strong>1</strong> results</p>"):
    head = "".join(f"<td>{escape(header)}</td>" for header in headers)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table><tr><td><table class="tabborder"><tr>{head}</tr>{body}</table>{after}</td></tr></table>'


def cells(*values):
    return "".join(f"<td>{value}</td>" for value in values)


def test_a_window_of_days_is_posted_in_the_fields_of_the_form():
    query = Query(date(2016, 3, 1), date(2016, 3, 31))

    assert form_fields(Search.CASES, query, 1) == {
        "Fname": "Case", "Caseno": "", "DoIStart": "", "DoIEnd": "", "ReqStart": "", "ReqEnd": "", "SpecialtyV": "",
        "CaseOutcomeV": "", "DecStart": "03/01/2016", "DecEnd": "03/31/2016", "Submit": "Submit",
    }  # fmt: skip
    further = form_fields(Search.REQUESTS, query, 3)
    assert (further["Fname"], further["newpageno"], further["Submit"]) == ("Tx", "3", "Next")
    assert {"OutcomeV", "SubCategoryV"} < set(further)


def test_the_details_of_a_case_have_an_address():
    assert details_url(URL, "CM16-0099001") == f"{URL}?caseno=CM16-0099001"


def test_a_row_of_the_list_by_case_is_read():
    row = cells(f"{LINK} <a href='?caseno=CM16-0099001'><strong>+</strong></a>", "Upheld", "12/20/2016", "3/5/2012",
                "11/07/2016", "Physical Medicine &amp; Rehabilitation")  # fmt: skip

    read = read_page(page(CASE_HEADERS, row, after="<p><strong>1,025</strong></p>"), URL, Search.CASES)

    assert (read.total, read.has_next, read.continued) == (1025, False, ())
    assert read.cases == (
        IndexedCase(
            case_number="CM16-0099001",
            url="https://www.example.org/dwc/imr/decisions/CM16-0099001.pdf",
            decision_date=date(2016, 12, 20),
            date_of_injury=date(2012, 3, 5),
            application_received=date(2016, 11, 7),
            specialty="Physical Medicine & Rehabilitation",
            case_outcome="Upheld",
        ),
    )


def test_further_requests_of_a_case_have_their_own_rows_also_at_the_top_of_a_page():
    further = cells("Therapies", "Acupuncture", "Overturned")
    first = cells(LINK, "12/20/2016", "3/5/2012", "", "Surgery", "Pharmaceuticals", "Norco", "Upheld")
    spanning = f'<td colspan="5">&nbsp;</td>{further}'

    read = read_page(page(REQUEST_HEADERS, spanning, first, spanning), URL, Search.REQUESTS)

    acupuncture = IndexedRequest("Therapies", "Acupuncture", "Overturned")
    assert read.continued == (acupuncture,)
    assert read.cases[0].requests == (IndexedRequest("Pharmaceuticals", "Norco", "Upheld"), acupuncture)
    assert read.cases[0].application_received is None


@given(category=WORDS, subcategory=WORDS, outcome=WORDS, space=st.sampled_from(["", " ", "\n\t ", "&nbsp;"]))
def test_words_of_a_cell_are_read_without_extra_space(category, subcategory, outcome, space):
    wanted = [" ".join(words.split()) for words in (category, subcategory, outcome)]
    values = [f"{space}{escape(words)}{space}" for words in wanted]
    row = cells(LINK, "12/20/2016", "3/5/2012", "", "Surgery", *values)

    (case,) = read_page(page(REQUEST_HEADERS, row), URL, Search.REQUESTS).cases

    assert [case.requests[0].category, case.requests[0].subcategory, case.requests[0].outcome] == wanted


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda noise: f"<table class=tabborder>{noise!r}</table>"))
def test_another_page_is_refused_or_empty(noise):
    try:
        read = read_page(noise, URL, Search.CASES)
    except FetchError as error:
        assert "expected" in str(error)
    else:
        assert read.cases == ()


@pytest.mark.parametrize(
    "words",
    ["No records were found.", "Your search returned 0 results", "There are no matching cases", "Found no decisions."],
)
def test_a_page_that_states_no_results_is_empty(words):
    assert read_page(f"<p>{words}</p>", URL, Search.CASES).cases == ()


@pytest.mark.parametrize(
    "html",
    ["", "<h1>Service unavailable</h1>", "<p>No results on this page: <a href='x.pdf'>CM16-0099001</a></p>",
     "<p>No records found</p><form name=Nextpage></form>"],
)  # fmt: skip
def test_a_page_without_a_table_does_not_mean_no_results(html):
    with pytest.raises(FetchError, match=r"expected results in 'table\.tabborder'"):
        read_page(html, URL, Search.CASES)


def test_a_table_without_its_header_is_refused_and_its_digits_are_not_shown():
    row = cells(LINK, "Upheld", "12/20/2016", "3/5/2012", "11/07/2016", "Surgery")

    with pytest.raises(FetchError, match="0 for case_number in the header 'CM##-#######'"):
        read_page(f"<table class=tabborder><tr>{row}</tr></table>", URL, Search.CASES)


def test_a_search_page_without_the_forms_fields_is_refused():
    with pytest.raises(FetchError, match="expected a search form with the fields Fname, Caseno, DecStart, DecEnd"):
        check_form("<title>Moved</title><form><input name=q></form>", URL)
