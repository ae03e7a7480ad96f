"""Use the page of rates in a real browser, opened as a file without a network."""

import os

import pytest
from decided_requests import MRI, NORCO, decided

from imr_ml.rates.counting import answer_requests, count_rates
from imr_ml.rates.page import PAGE_QUESTIONS, chart_library, write_page
from imr_ml.rates.questions import RatesError

PATIENCE_MS = 15_000
HOSTILE = '</script><script>window.hacked = 1</script><img src="https://example.org/x" onerror="window.hacked = 2">'
OWN_WORDS = "Decision based on Non-MTUS Citation an article that only this letter names."

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library():
    try:
        return chart_library()
    except RatesError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def requests():
    table = decided(
        (MRI, 60, 20), (NORCO, 40, 2), ("Acupuncture, 6 visits", 30, 3), ("Lumbar brace", 12, 6), source="sample"
    )
    table["case_number"] = [f"CM16-{place:07d}" for place in table.index]
    table.loc[0, ["case_number", "specialties", "imr_guideline", "families"]] = [HOSTILE, HOSTILE, OWN_WORDS, "other"]
    return table.assign(decision_date=lambda rows: rows["decision_date"].mask(rows.index % 2 == 0, "2015-02-03"))


@pytest.fixture(scope="module")
def write(requests, library, tmp_path_factory):
    def written(*by):
        target = tmp_path_factory.mktemp("with a space") / "rates.html"
        answered = answer_requests(requests, [*by, *PAGE_QUESTIONS], "table.csv")
        write_page(answered, count_rates(answered, by), target, library)
        return target

    return written


@pytest.fixture(scope="module")
def by_two(write):
    return write("treatment", "year")


@pytest.fixture
def open_page(browser):
    """Open a page; any browser error, request or executed table content fails the test."""
    complaints, asked, pages, targets = [], [], [], set()

    def opened(target, **window):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | window), offline=True)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        targets.add(target.as_uri())
        page.goto(target.as_uri())
        if window.get("java_script_enabled", True):
            page.wait_for_selector("body[data-ready]")
            pages.append(page)
        return page

    yield opened
    hacked = [page.evaluate("window.hacked") for page in pages]
    for page in pages:
        page.context.close()
    assert complaints == []
    assert {url for url in asked if not url.startswith("data:")} <= targets
    assert set(hacked) <= {None}


def bar_names(page):
    return [bar.get_attribute("aria-label") for bar in page.locator("#bars path[role=button]").all()]


def listed(page):
    return page.locator("#decisions tr").count()


def picture(page, name):
    """Save a screenshot if the environment names a folder for them."""
    if folder := os.environ.get("IMR_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/rates-{name}.png", full_page=True)


def test_the_page_describes_the_table_and_marks_a_sample(open_page, by_two):
    page = open_page(by_two)

    contains = page.locator("#contains").inner_text()
    assert "142 decided requests of 142 cases, decided 2015-02-03 to 2016-05-01; source: SAMPLE (SYNTHETIC)" in contains
    assert page.get_by_role("note").filter(has_text="SAMPLE").is_visible()
    assert page.locator("svg").get_by_text("SAMPLE: invented letters").count() == 4
    picture(page, "two")


def test_a_chart_has_a_bar_for_each_value_with_twenty_requests(open_page, by_two):
    names = bar_names(open_page(by_two))

    assert [name.partition(":")[0] for name in names] == ["mri", "none named", "acupuncture"]
    assert "60 requests, 33.3 %" in names[0]


def test_the_chart_and_the_table_sort_by_rate_and_name(open_page, by_two):
    page = open_page(by_two)

    page.get_by_label("Sort by").select_option("name")
    page.wait_for_function("document.querySelector('#bars path[role=button]').ariaLabel.startsWith('acu')")
    assert page.locator("#cells tbody th").first.inner_text() == "acupuncture"
    page.get_by_label("Sort by").select_option("rate")
    page.wait_for_function("document.querySelector('#bars path[role=button]').ariaLabel.startsWith('mri')")


def test_a_click_on_a_bar_lists_its_decisions_with_their_citation(open_page, by_two):
    page = open_page(by_two)
    page.locator("#bars path[role=button]").first.click()

    assert page.get_by_role("heading", name="mri").is_visible()
    assert page.locator("#panel-count").inner_text() == "The latest 40 of 60 decisions." or listed(page) == 50
    newest = page.locator("#decisions tr").first
    assert newest.locator("td").all_inner_texts()[1:] == ["overturned", "2016-05-01", "ACOEM: Knee Complaints (2004)"]
    picture(page, "panel")


def test_a_click_on_the_heat_map_lists_the_decisions_of_both_values(open_page, by_two):
    page = open_page(by_two)
    cell = page.locator("#heat path[aria-label^=mri]").first
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert page.locator("#panel-title").inner_text() in {"mri, 2015", "mri, 2016"}
    assert page.locator("#panel-count").inner_text() == "The latest 20 of 30 decisions."


def test_the_keyboard_opens_a_bar_and_closes_its_decisions(open_page, by_two):
    page = open_page(by_two)
    page.locator("#bars path[role=button]").nth(1).focus()
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "panel-title"
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    assert page.evaluate("document.activeElement.ariaLabel").startswith("none named")


def test_the_keyboard_opens_the_decisions_of_a_cell_without_a_rate(open_page, write):
    page = open_page(write("treatment"))
    page.get_by_role("button", name="Decisions: lumbar brace").press("Enter")

    assert page.locator("#panel-count").inner_text() == "All 12 decisions."
    assert "too few for a rate" in page.locator("#cells tr").filter(has_text="lumbar brace").inner_text()


def test_table_content_is_never_run_and_letter_text_not_shown(open_page, write, requests):
    target = write("specialty", "year")
    page = open_page(target)
    page.get_by_label("Sort by").select_option("name")

    page_text = target.read_text("utf-8")
    texts = [*requests["request"], *requests["clinical_summary"], *requests["imr_guideline"], *requests["ur_guideline"]]
    assert [text for text in set(texts) if text in page_text] == []
    assert "only this letter names" not in page_text


def test_the_page_fits_a_phone_and_supports_dark_mode(open_page, by_two):
    page = open_page(by_two, viewport={"width": 390, "height": 800}, color_scheme="dark")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "phone")


def test_printing_shows_charts_and_table_or_only_an_open_list(open_page, by_two):
    page = open_page(by_two)
    page.emulate_media(media="print")
    assert page.locator("#bars svg").is_visible()
    assert page.locator("#order").is_hidden()
    assert len(page.pdf()) > 10_000

    page.emulate_media(media="screen")
    page.locator("#bars path[role=button]").first.click()
    page.emulate_media(media="print")
    assert page.locator("#decisions").is_visible()
    assert page.locator("main").is_hidden()


def test_the_table_needs_no_scripts(open_page, by_two):
    page = open_page(by_two, java_script_enabled=False)

    assert page.locator("#cells tbody tr").count() == 8
    assert page.locator("#cells").get_by_text("33.3 %").first.is_visible()
