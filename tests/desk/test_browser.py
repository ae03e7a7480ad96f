"""The desk in a real browser."""

import base64
import os
import re

import pytest
from factories import KNEE, NORCO, make_letter_pdf, make_letter_text

pytestmark = pytest.mark.slow
PATIENCE_MS = 60_000
HOSTILE = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>'
SUMMARY = "A 45 year old male. Therapy gave lasting relief and better sleep. He reports pain of 7/10."
DROP = """([content, name, padding]) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes, new Uint8Array(padding)], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def open_desk(browser, desk_address):
    """Open the desk; the test fails on any console message, request to another host or script in a text."""
    messages, urls, pages = [], [], []

    def open_page(**window):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | window))
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: urls.append(request.url))
        page.goto(desk_address)
        page.wait_for_selector("body[data-ready]")
        pages.append(page)
        return page

    open_page.messages = messages
    yield open_page
    hacked = [page.evaluate("() => window.hacked") for page in pages]
    for page in pages:
        page.context.close()
    assert messages == []
    assert all(url.startswith((desk_address, "data:")) for url in urls)
    assert set(hacked) <= {None}


def predict(page, request=KNEE.request, summary=SUMMARY, guideline=KNEE.ur_guideline):
    page.get_by_label("Request", exact=True).fill(request)
    page.get_by_label("Clinical summary").fill(summary)
    page.get_by_label("UR guideline").fill(guideline)
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("#answer:not([aria-busy]) #probability")


def drop(page, content, name, padding=0):
    page.evaluate(DROP, [base64.b64encode(content).decode(), name, padding])


def marked(page, section):
    return page.locator(f"[data-editor={section}] mark").all_inner_texts()


def save_screenshot(page, name):
    """Save a screenshot to the folder IMR_SCREENSHOTS, if set."""
    if folder := os.environ.get("IMR_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/desk-{name}.png", full_page=True)


def test_a_pasted_request_is_predicted_with_evidence_rates_and_precedents(open_desk):
    page = open_desk()

    predict(page)

    result = page.locator("#result")
    assert re.fullmatch(r"\d+\.\d %", page.locator("#probability").inner_text())
    assert "base rate" in result.inner_text()
    for part in (
        "Compared with other requests",
        "Predicted guideline families",
        "Rates of similar requests",
        "Precedents",
    ):
        assert result.get_by_role("heading", name=part).is_visible()
    assert page.get_by_role("note").filter(has_text="SYNTHETIC").is_visible()
    assert result.locator(".precedents tbody tr").count() >= 3
    assert "probability that the denial is overturned" in page.get_by_role("status").last.inner_text()
    save_screenshot(page, "predicted")


def test_evidence_is_marked_in_the_text_and_listed(open_desk):
    page = open_desk()

    predict(page)

    words = marked(page, "request") + marked(page, "clinical_summary")
    assert words
    assert all(word in KNEE.request + SUMMARY for word in words)
    listed = page.locator("#result button.line").count()
    entries = {
        entry for mark in page.locator(".behind mark").all() for entry in mark.get_attribute("data-entries").split()
    }
    assert listed == len(entries)
    page.locator("#result button.line").first.click()
    assert page.locator(".behind mark.flash").count() >= 1
    page.get_by_text("Guideline family", exact=True).click()
    assert marked(page, "request")


def test_the_marks_are_aligned_with_the_words_of_the_field(open_desk):
    page = open_desk(viewport={"width": 420, "height": 800})

    predict(page, summary=f"{SUMMARY}\n\n{SUMMARY} " * 8)

    for section in ("request", "clinical_summary", "ur_guideline"):
        behind = page.locator(f"[data-editor={section}] .behind").bounding_box()
        field = page.locator(f"#{section}").bounding_box()
        assert behind == field
        assert page.locator(f"#{section}").evaluate("(field) => field.scrollHeight <= field.clientHeight + 1")


def test_an_edit_is_scored_and_shows_what_changed(open_desk):
    page = open_desk()
    predict(page)
    before = page.locator("#probability").inner_text()
    assert page.locator(".change").count() == 0

    page.get_by_label("Clinical summary").fill(
        SUMMARY.replace("Therapy gave lasting relief and better sleep", "No change")
    )

    change = page.locator(".change")
    change.wait_for()
    assert f"Probability {before} →" in change.inner_text()
    assert "points" in change.inner_text()
    save_screenshot(page, "edited")

    page.get_by_role("button", name="Back to the original").click()
    change.wait_for(state="detached")
    assert page.locator("#probability").inner_text() == before
    assert page.get_by_label("Clinical summary").input_value() == SUMMARY


def test_an_edited_text_can_become_the_original(open_desk):
    page = open_desk()
    predict(page)
    page.get_by_label("Request", exact=True).fill(NORCO.request)
    page.locator(".change").wait_for()

    page.get_by_role("button", name="Compare with this text").click()

    page.locator(".change").wait_for(state="detached")
    assert not page.get_by_role("button", name="Back to the original").is_visible()


def test_marks_stay_with_their_words_until_an_edit_is_scored(open_desk):
    page = open_desk()
    predict(page)
    words = marked(page, "clinical_summary")
    assert words
    page.route("**/score", lambda route: None)

    page.get_by_label("Clinical summary").fill(f"New 🦴 words. {SUMMARY}")

    assert marked(page, "clinical_summary") == words
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize(("as_content", "name"), [(make_letter_pdf, "letter.pdf"), (str.encode, "letter.txt")])
def test_the_requests_of_a_dropped_letter_are_listed(open_desk, as_content, name):
    page = open_desk()

    drop(page, as_content(make_letter_text(items=(KNEE, NORCO))), name)

    page.wait_for_selector("#answer:not([aria-busy]) #probability")
    choice = page.get_by_role("group", name="Requests of the letter").get_by_role("radio")
    assert choice.count() == 2
    assert page.get_by_label("Request", exact=True).input_value() == KNEE.request
    first = page.locator("#probability").inner_text()
    page.get_by_role("radio", name=NORCO.request).check()
    page.wait_for_selector("#answer:not([aria-busy]) #probability")
    assert page.get_by_label("Request", exact=True).input_value() == NORCO.request
    assert page.locator("#date_of_injury").input_value() == "2012-03-05"
    assert page.locator(".change").count() == 0
    assert first
    save_screenshot(page, f"dropped-{name}")


def test_a_letter_can_be_chosen_as_a_file(open_desk, tmp_path):
    (tmp_path / "one.pdf").write_bytes(make_letter_pdf(make_letter_text()))
    page = open_desk()

    page.get_by_label("Open a letter").set_input_files(tmp_path / "one.pdf")

    page.wait_for_selector("#answer:not([aria-busy]) #probability")
    assert page.locator("#letter-status").inner_text().startswith("one.pdf: 1 request.")
    assert not page.get_by_role("group", name="Requests of the letter").is_visible()


@pytest.mark.parametrize(
    ("content", "padding", "name", "reason"),
    [
        (b"%PDF-1.7\nbroken", 0, "broken.pdf", "broken.pdf: is not a PDF that can be opened"),
        (b"A recipe.\n", 0, f"{HOSTILE.replace('/', '')}.txt", "is it a determination?"),
        (b"x", 25_000_000, "large.txt", "large.txt: larger than 25 MB, the limit"),
    ],
)
def test_a_bad_letter_is_refused_in_one_line_and_the_page_is_unchanged(open_desk, content, padding, name, reason):
    page = open_desk()
    predict(page)
    before = page.locator("#result").inner_text()

    drop(page, content, name, padding)

    page.locator("#letter-status.bad").wait_for()
    assert reason in page.locator("#letter-status").inner_text()
    assert page.locator("#result").inner_text() == before
    # The browser logs responses with status 422.
    open_desk.messages[:] = [line for line in open_desk.messages if "status of 422" not in line]


def test_text_is_never_interpreted_as_html(open_desk):
    page = open_desk()

    predict(page, f"{KNEE.request} {HOSTILE}", f"{SUMMARY} {HOSTILE}", HOSTILE)
    page.get_by_label("Clinical summary").fill(f"{HOSTILE} {SUMMARY}")
    page.locator(".change").wait_for()

    assert HOSTILE in page.locator("[data-editor=clinical_summary] .behind").text_content()
    assert page.locator("main img, main script").count() == 0


def test_a_missing_request_or_summary_is_reported(open_desk):
    page = open_desk()

    page.get_by_role("button", name="Predict").click()
    assert page.locator("#status").inner_text() == "Enter the request."
    page.get_by_label("Request", exact=True).fill("MRI")
    page.keyboard.press("Control+Enter")

    page.locator(".failed").wait_for()
    assert "clinical_summary is empty" in page.locator(".failed").inner_text()


def test_all_controls_have_a_name_and_are_reached_by_the_keyboard(open_desk):
    page = open_desk()
    page.locator("summary").click()

    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('input, select, textarea, button')].filter((control) => "
        "!(control.labels?.length || control.textContent.trim())).map((control) => control.outerHTML)"
    )
    page.keyboard.press("Tab")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.id"))

    assert unnamed == []
    assert {"letter", "request", "clinical_summary", "ur_guideline", "age", "predict", "clear"} <= reached


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_the_page_fits_any_width(open_desk, width):
    page = open_desk(viewport={"width": width, "height": 800})

    predict(page, f"{KNEE.request} {'x' * 300}")

    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    save_screenshot(page, f"width-{width}")


def test_the_printed_page_has_texts_with_evidence_and_no_controls(open_desk):
    page = open_desk()
    predict(page)

    page.emulate_media(media="print")

    assert page.locator("[data-editor=clinical_summary] .behind").is_visible()
    assert not page.locator("#clinical_summary").is_visible()
    assert not page.get_by_role("button", name="Predict").is_visible()
    assert page.locator("#probability").is_visible()


def test_a_page_of_another_origin_cannot_read_from_the_desk(browser, desk_address, open_desk):
    page = open_desk()
    other_page = page.context.new_page()
    other_page.route(
        "http://evil.example/", lambda route: route.fulfill(body="<h1>elsewhere</h1>", content_type="text/html")
    )
    other_page.goto("http://evil.example/")

    fetched = other_page.evaluate(
        "async (url) => { try { return await (await fetch(url)).text(); } catch (error) { return error.name; } }",
        desk_address,
    )
    sent = other_page.evaluate(
        "async (url) => (await fetch(url, {method: 'POST', mode: 'no-cors', body: 'x'}).catch(() => null))?.type ?? ''",
        f"{desk_address}score",
    )

    assert fetched == "TypeError"
    assert sent in ("opaque", "")


def test_clearing_the_page_removes_all_data(open_desk):
    page = open_desk()
    predict(page)

    page.get_by_role("button", name="Clear").click()

    assert page.locator("#result").inner_text() == ""
    assert page.get_by_label("Clinical summary").input_value() == ""
    assert page.evaluate("() => localStorage.length + sessionStorage.length + document.cookie.length") == 0
