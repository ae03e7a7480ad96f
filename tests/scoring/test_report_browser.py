"""The report page works in a real browser, opened as a file without network."""

import json
import os
import re
from datetime import UTC, datetime

import pandas as pd
import pytest
from scipy.special import logit

from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.nlp.views import category_of_view, view_sections
from imr_ml.reporting.batch_page.totals import ReportFacts
from imr_ml.reporting.batch_page.writing import write_report
from imr_ml.sample.writing import write_samples
from imr_ml.scoring.frame import score_frame

PATIENCE_MS = 10_000
LETTERS = 60
SECTIONS = ("request", "clinical_summary", "ur_guideline")
HOSTILE = '</script><script>window.hacked = 1</script><img src="https://example.org/x" onerror="window.hacked = 2">'
ASTRAL, ATTACKED, UNREADABLE = 3, 5, 7

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scored(loaded, tmp_path_factory):
    """Sample requests, scored: one case full of emoji, one that attacks, one row that can't be scored."""
    folder = tmp_path_factory.mktemp("letters")
    write_samples(folder, LETTERS, seed=2)
    requests = ingest(letter_files([folder])).requests.astype(dict.fromkeys(SECTIONS, "object"))
    requests.loc[ASTRAL, "clinical_summary"] = (
        "\U0001f9b5\U0001f9b5 " + "Therapy gave relief \U0001f600 and sleep. " * 3
    )
    requests.loc[ATTACKED, list(SECTIONS)] = [f"{HOSTILE} MRI of the knee", f"{HOSTILE} Therapy gave relief.", HOSTILE]
    requests.loc[UNREADABLE, "request"] = None
    return score_frame(requests, loaded)


@pytest.fixture(scope="module")
def address(scored, loaded, tmp_path_factory):
    target = tmp_path_factory.mktemp("with a space") / "report.html"
    facts = ReportFacts.from_model("march.parquet", loaded, datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
    write_report([scored.iloc[:50], scored.iloc[50:]], target, facts)
    return target.as_uri()


@pytest.fixture
def open_page(browser, address):
    """Opens the page in a window of its own; whatever it complains of or asks for fails the test."""
    complaints, requested, contexts = [], [], []

    def opened(fragment="", **window):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | window), offline=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requested.append(request.url.partition("#")[0]))
        page.goto(address + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url for url in requested if not url.startswith("data:")} <= {address}


@pytest.fixture
def page(open_page):
    return open_page()


def names(page):
    return page.locator("#table tbody th a").all_inner_texts()


def column(page, name):
    return page.locator(f"#table tbody td.{name}").all_inner_texts()


def choice(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


def percents(page, name):
    return [float(text.split()[0]) for text in column(page, name) if text.strip()]


def status(page):
    return page.get_by_role("status").inner_text()


def picture(page, name):
    """Kept where the environment says, for those who look at what the test saw."""
    if folder := os.environ.get("IMR_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/report-{name}.png")


def test_the_first_page_of_rows_and_the_figures_are_seen(page, scored):
    assert names(page) == scored["case_number"].head(50).tolist()
    assert status(page) == f"{len(scored)} requests"
    assert page.get_by_role("note").filter(has_text="SAMPLE").is_visible()
    assert page.get_by_role("img", name="Histogram of p_overturned").is_visible()
    assert page.locator(".counts .bad").inner_text() == "1"
    page.get_by_role("button", name="Next", exact=True).click()
    assert names(page) == scored["case_number"].iloc[50:100].tolist()
    picture(page, "table")


def test_a_search_leaves_the_rows_that_hold_every_word(page, scored):
    wanted = scored["case_number"].iloc[20]
    page.keyboard.press("/")
    page.keyboard.type(wanted.lower())
    page.get_by_text(f" of {len(scored)} requests").wait_for()

    assert set(names(page)) == {wanted}

    page.get_by_label("Search").fill("gave relief sleep")
    page.get_by_text(re.compile("^1 of ")).wait_for()
    assert names(page) == [scored["case_number"].iloc[ASTRAL]]

    page.get_by_label("Search").fill("no such words anywhere")
    page.get_by_text("No request matches").wait_for()
    page.get_by_role("button", name="Reset").click()
    assert status(page) == f"{len(scored)} requests"


def test_filters_by_family_confidence_and_outcome(page, scored):
    family = scored["primary_family"].value_counts().index[1]
    has_family = scored["families_pred"].fillna("").str.split("|").map(lambda cited: family in cited)

    choice(page, "Family").select_option(family)
    assert status(page).startswith(f"{has_family.sum()} of ")

    choice(page, "Confidence").select_option("no")
    unsure = has_family & scored["confident"].eq(False).fillna(False)
    assert status(page).startswith(f"{unsure.sum()} of ")
    assert set(column(page, "confident")) <= {"no"}

    page.get_by_role("button", name="Reset").click()
    choice(page, "Outcome").select_option("error")
    assert column(page, "error") == [scored["error"].iloc[UNREADABLE]]


@pytest.mark.parametrize(
    ("label", "value_of"),
    [
        ("Category", lambda view: {category_of_view(view)}),
        ("Treatment", lambda view: {fact.value for fact in view.facts if fact.kind == "treatment"}),
        ("Body part", lambda view: {fact.value for fact in view.facts if fact.kind == "body"}),
    ],
)
def test_filters_by_what_the_request_is_about(page, scored, label, value_of):
    values = [value_of(view) for view in view_sections(scored["request"].fillna(""))]
    value = sorted(set().union(*values))[0]

    choice(page, label).select_option(value)

    assert status(page).startswith(f"{sum(value in one for one in values)} of ")


def test_a_bar_of_the_figures_filters_too(page, scored):
    page.locator("button[data-filter=outcome][data-value=upheld]").click()

    assert set(column(page, "outcome")) == {"upheld"}
    assert choice(page, "Outcome").input_value() == "upheld"
    assert status(page).startswith(f"{scored['outcome_pred'].eq('upheld').sum()} of ")


def test_a_head_sorts_largest_first_then_smallest_first_with_missing_ones_last(page, scored):
    head = page.get_by_role("columnheader", name="P(overturned)")
    button = head.get_by_role("button")
    in_order = scored.sort_values("p_overturned", ascending=False, kind="stable")["p_overturned"].dropna()

    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert percents(page, "p_overturned") == pytest.approx((100 * in_order.head(50)).tolist(), abs=0.051)

    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert percents(page, "p_overturned")[0] == pytest.approx(100 * in_order.min(), abs=0.051)
    while page.locator("#later").is_enabled():
        page.locator("#later").click()
    assert column(page, "outcome")[-1] == "error"


def test_a_row_is_opened_left_and_closed_by_keys_alone(page, scored):
    page.keyboard.press("/")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('tbody') !== null"):
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    panel.wait_for()

    case, item = scored["case_number"].iloc[1], int(scored["item"].iloc[1])
    assert page.evaluate("document.activeElement.textContent").startswith(f"{case}, item {item}")
    assert page.url.endswith("#row-2")
    assert page.locator("tr[aria-current]").get_attribute("data-row") == "2"

    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#row-3")

    page.keyboard.press("Escape")
    assert panel.is_hidden()
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#row-3"


def expected_marks(row, kind, section):
    """Characters of a section that evidence covers, as the batch's places say."""
    text = row[section] or ""
    entries = [entry for entry in json.loads(row["evidence"])[kind] if entry["section"] == section]
    places = [place for entry in entries for place in entry.get("places", [])]
    return "".join(character for at, character in enumerate(text) if any(start <= at < end for start, end in places))


@pytest.mark.parametrize("number", [0, ASTRAL, ATTACKED, 12])
def test_evidence_is_marked_at_the_very_words(open_page, scored, number):
    page, row = open_page(f"#row-{number + 1}"), scored.iloc[number]
    seen = 0
    for kind, label in (("outcome", "Outcome"), ("primary_family", "Guideline family")):
        page.get_by_role("radio", name=label).check(force=True)
        for section in SECTIONS:
            if pd.isna(row[section]):
                continue
            shown = page.locator(f"[data-section={section}] p").first
            assert shown.evaluate("element => element.textContent") == row[section]
            marked = "".join(shown.locator("mark").evaluate_all("marks => marks.map(mark => mark.textContent)"))
            assert marked == expected_marks(row, kind, section)
            seen += len(marked)
    assert seen > 0


def test_words_after_an_emoji_are_marked_where_they_stand(open_page, scored):
    page = open_page(f"#row-{ASTRAL + 1}")

    marks = page.locator("[data-section=clinical_summary] mark")

    assert expected_marks(scored.iloc[ASTRAL], "outcome", "clinical_summary")
    whole_words = scored["clinical_summary"].iloc[ASTRAL].split()
    assert {word for text in marks.all_inner_texts() for word in text.split()} <= set(whole_words)
    assert re.search(r"[+−]\d\.\d\d$", marks.first.get_attribute("title"))
    picture(page, "emoji")


def test_the_sides_of_evidence_look_different_and_have_a_legend(open_page, scored):
    page = open_page("#row-1")

    weights = [entry["weight"] for entry in json.loads(scored["evidence"].iloc[0])["outcome"]]
    assert page.locator(".evidence .weights li").count() == len(weights)
    toward, against = (page.locator(f".legend mark.{side}") for side in ("toward", "against"))
    assert (toward.inner_text(), against.inner_text()) == ("toward overturned", "toward upheld")
    look = "mark => [getComputedStyle(mark).backgroundColor, getComputedStyle(mark).borderBottomStyle].join()"
    assert toward.evaluate(look) != against.evaluate(look)


def test_the_page_adds_evidence_up_to_the_prediction(open_page, scored):
    page = open_page("#row-1")

    values = [float(cell.replace("−", "-")) for cell in page.locator(".evidence .sum td").all_inner_texts()]
    base_rate, shown, everything_else, prediction = values
    assert base_rate + shown + everything_else == pytest.approx(prediction, abs=0.02)
    assert prediction == pytest.approx(logit(scored["p_overturned"].iloc[0]), abs=0.01)
    assert "log-odds" in page.locator(".evidence").inner_text()


def test_evidence_in_the_list_leads_to_its_place(open_page):
    page = open_page("#row-1")

    page.locator(".evidence button.line").first.press("Enter")

    assert page.locator("mark.flash").first.is_visible()


def test_precedents_and_the_cohort_are_reported(open_page, scored):
    number = int(scored["precedents"].str.len().fillna(0).argmax())
    row = scored.iloc[number]
    page = open_page(f"#row-{number + 1}")

    first = json.loads(row["precedents"])[0]
    row_text = page.locator(".precedents tbody tr").first.inner_text()
    assert all(part in row_text for part in (first["case_number"], first["outcome"], f"{first['similarity']:.2f}"))
    cohort = page.locator("section.cohort").inner_text()
    assert float(re.search(r"cohort ([\d.]+) %", cohort)[1]) == pytest.approx(100 * row["cohort_rate"], abs=0.051)
    assert f"{row['cohort_requests']} decided requests" in cohort
    picture(page, "panel")


def test_a_row_that_could_not_be_scored_reports_its_reason_and_its_texts(open_page, scored):
    page = open_page(f"#row-{UNREADABLE + 1}")

    assert scored["error"].iloc[UNREADABLE] in page.get_by_role("dialog").inner_text()
    assert page.locator("[data-section=clinical_summary]").is_visible()


def test_hostile_text_stays_text(open_page):
    page = open_page(f"#row-{ATTACKED + 1}")

    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert page.get_by_text(HOSTILE).count() >= 3


@pytest.mark.parametrize("fragment", ["#row-99999", "#row-0", "#nothing", "#row-1;alert(1)"])
def test_a_link_to_no_row_opens_the_table(open_page, fragment):
    page = open_page(fragment)

    assert page.get_by_role("dialog").is_hidden()
    assert len(names(page)) == 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(open_page, width, scheme):
    for fragment in ("", "#row-1"):
        page = open_page(fragment, viewport={"width": width, "height": 850}, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#panel").evaluate("panel => panel.scrollWidth <= panel.clientWidth")
        picture(page, f"{width}-{scheme}{fragment.replace('#', '-')}")


def test_on_a_narrow_window_the_panel_covers_all_and_what_is_beneath_cannot_be_reached(open_page):
    page = open_page("#row-1", viewport={"width": 400, "height": 850})

    assert page.locator("main").evaluate("main => main.inert")
    page.get_by_role("button", name="Close").click()
    assert not page.locator("main").evaluate("main => main.inert")


def test_it_opens_in_a_second(page):
    took_ms = []
    for _ in range(3):
        page.reload()
        took_ms.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))

    assert 0 < min(took_ms) < 1000
