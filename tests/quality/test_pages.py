"""The page of findings is one file and contains no text of the table."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from imr_ml.quality.rendering import MOST_PLACES_ON_PAGE, axis_end, write_page
from imr_ml.quality.report import Finding, Level, Place, QualityReport, SourceBalance, YearCount

WHEN = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'&"


def make_report(**changes):
    values = {
        "table": "march.parquet",
        "rows": 120,
        "cases": 60,
        "findings": (
            Finding(
                "age_out_of_range", Level.ERROR, "the age is none", "compare", 2, (Place(5, "CM16-0000002", 1, "age"),)
            ),
        ),
        "sources": (SourceBalance("dwc", 120, 120, 12, 0.1, 0.06, 0.17, (0.08, 0.13)),),
        "years": (YearCount(2016, 90, 10), YearCount(2017, 18, 2)),
    }
    return QualityReport(**(values | changes))


@pytest.fixture
def page(tmp_path):
    def written(**changes):
        write_page(make_report(**changes), tmp_path / "check.html", WHEN)
        return (tmp_path / "check.html").read_text("utf-8")

    return written


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_the_page_needs_no_other_file(page):
    tags = Tags(page()).seen

    assert not {tag for tag, _ in tags} & {"script", "img", "iframe", "object"}
    addresses = [value for _, attrs in tags for name, value in attrs.items() if name in ("src", "href")]
    assert addresses == ["data:,"]
    assert "url(" not in page()


def test_names_and_findings_are_escaped(page):
    written = page(table=HOSTILE, findings=(Finding("schema", Level.ERROR, HOSTILE, HOSTILE, 1),))

    assert HOSTILE not in written
    assert "script" not in {tag for tag, _ in Tags(written).seen}


def test_counts_findings_and_places_are_shown(page):
    written = page()

    assert "CM16-0000002 item 1, age" in written
    assert "12 of 120 decided requests overturned, 10.0% [6.0%, 17.0%]; published yearly rates: 8% to 13%" in written
    assert "2016: 90 upheld, 10 overturned" in written


def test_a_page_shows_the_first_places_and_mentions_the_others(page):
    places = tuple(Place(row + 1) for row in range(200))
    written = page(findings=(Finding("undecided", Level.INFORMATION, "no outcome", "nothing", 200, places),))

    assert len(re.findall(r"<li>row \d+</li>", written)) == MOST_PLACES_ON_PAGE - 1
    assert f"This page shows the first {MOST_PLACES_ON_PAGE} places" in written


def test_an_empty_report_makes_a_page(page):
    written = page(findings=(), years=(), sources=(SourceBalance("dwc", 3, 0, 0),))

    assert "No findings." in written
    assert "none decided" in written


def test_invented_requests_are_marked(page):
    assert "SAMPLE" in page(sources=(SourceBalance("sample", 3, 0, 0),))
    assert "SAMPLE" not in page()


def test_the_tallest_year_fills_the_height(page):
    bars = [values for tag, values in Tags(page()).seen if tag == "rect" and values.get("width") == "10"]

    assert [(bar["y"], bar["height"]) for bar in bars] == [
        ("10.00", "90.00"),
        ("0.00", "10.00"),
        ("82.00", "18.00"),
        ("80.00", "2.00"),
    ]


def test_the_axis_of_shares_includes_the_largest():
    assert axis_end(make_report()) == 0.2
    assert axis_end(make_report(sources=(SourceBalance("dmhc", 9, 9, 4, 0.44, 0.19, 0.73),))) == 1.0
