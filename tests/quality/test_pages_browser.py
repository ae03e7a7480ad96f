"""Open the page of findings in a real browser, as a file without a network."""

import os
from datetime import UTC, datetime

import pytest

from imr_ml.quality.rendering import write_page

PATIENCE_MS = 10_000
SIZES = {"wide": (1280, 900), "narrow": (380, 800)}

pytestmark = pytest.mark.slow


@pytest.fixture(params=SIZES)
def page(browser, check, clean, tmp_path, request):
    """Open the page of a table with problems; any browser error or request fails the test."""
    faulty = clean.assign(age=12, source=["sample"] * 60 + ["dwc"] * 60)
    address = tmp_path / "check.html"
    write_page(check(faulty), address, datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
    complaints, asked = [], []
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("request", lambda each: asked.append(each.url))
    opened.goto(address.as_uri())
    yield opened
    if folder := os.environ.get("IMR_SCREENSHOTS"):
        opened.screenshot(path=f"{folder}/check-{request.param}.png", full_page=True)
    context.close()
    assert complaints == []
    assert {url for url in asked if not url.startswith("data:")} == {address.as_uri()}


def test_findings_places_and_plots_are_visible_without_overflow(page):
    row = page.get_by_role("row").filter(has_text="the age is not plausible for a worker")
    assert row.get_by_text("120").is_visible()
    assert page.get_by_role("note").filter(has_text="SAMPLE").is_visible()
    assert page.get_by_role("img", name="decided requests overturned").count() == 2
    assert page.get_by_role("img", name="2016: 108 upheld, 12 overturned").is_visible()

    row.get_by_text("more places").click()

    assert row.get_by_text("CM16-0000001 item 2, age").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
