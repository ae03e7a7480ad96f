"""Take the screenshots of the docs in Chromium: python -m benchmarks.pictures ADDRESS FOLDER [RATES REPORT].

ADDRESS is the one that `make ui` prints. The newest training run is expanded, and the newest two are compared. RATES
is a page of `imr-ml rates --html`, REPORT the report of a model. Publish only screenshots of the sample corpus.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_SETTLING_MS = 4_000
_SMALL = {"width": 1700, "height": 620}
_LARGE = {"width": 1500, "height": 1180}
# Mark each screenshot, so that its numbers are not mistaken for real ones.
_MARK = """() => {
  const mark = document.body.appendChild(document.createElement("div"));
  mark.textContent = "SAMPLE CORPUS - synthetic figures";
  mark.style = "position: fixed; top: 10px; left: 45%; padding: 4px 12px; background: #D55E00; color: white";
  mark.style.zIndex = 99999;
}"""
_WORKFLOW = "workflowType=machine_learning"
_RUN_NAME = "[role=gridcell][col-id='attributes.`Run Name`'] a"


def take_ui_screenshots(address: str, folder: Path) -> None:
    """Take all screenshots of the MLflow UI and replace existing files."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport=_SMALL)
        # On the first visit, the UI opens a panel over a third of the page.
        page.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
        run = _runs(page, address, folder / "runs.png")
        _charts(page, address, folder / "charts.png")
        _comparison(page, address, folder / "comparison.png")
        _figure(page, run, folder / "family_f1.png")
        _model(page, address, folder / "model.png")
        _diff(page, address, folder / "diff.png")
        _sweep(page, address, folder / "sweep.png", folder / "contour.png")
        browser.close()


def take_page_screenshots(rates: Path, report: Path, folder: Path) -> None:
    """Take screenshots of a rates page, with the decisions of a bar, and of a model report."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport=_LARGE)
        page.goto(rates.resolve().as_uri())
        page.locator("#bars path[role=button]").nth(1).click()
        _screenshot(page, folder / "rates.png")
        page.goto(report.resolve().as_uri())
        _screenshot(page, folder / "model-report.png")
        browser.close()


def _runs(page: "Page", address: str, picture: Path) -> str:
    """Take the list of runs with their metrics; return the address of the newest training run."""
    page.goto(address)
    newest = page.locator(_RUN_NAME).first
    newest.wait_for()
    run = newest.evaluate("link => link.href")
    page.locator(f"{_RUN_NAME.removesuffix(' a')} button").first.click()
    page.get_by_text("base rate |").first.wait_for()
    _screenshot(page, picture)
    return str(run)


def _charts(page: "Page", address: str, picture: Path) -> None:
    page.set_viewport_size(_LARGE)
    page.goto(f"{address}&compareRunsMode=CHART")
    page.reload()
    page.locator(".js-plotly-plot svg.main-svg").first.wait_for()
    _screenshot(page, picture)


def _comparison(page: "Page", address: str, picture: Path) -> None:
    page.goto(address)
    page.reload()
    page.locator(_RUN_NAME).first.wait_for()
    # The first check box selects all runs.
    boxes = page.locator("[role=row] input[type=checkbox]:visible")
    for place in (1, 2):
        boxes.nth(place).check(force=True)
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_text("Show diff only").first.wait_for()
    page.goto(f"{page.url}&{_WORKFLOW}")
    for only_what_differs in page.get_by_role("switch").all():
        only_what_differs.click()
    page.get_by_text("Run details").first.click()
    page.get_by_text("Visualizations").first.click()
    _screenshot(page, picture)


def _figure(page: "Page", run: str, picture: Path) -> None:
    page.goto(f"{run}/artifacts/figures/{picture.name}?{_WORKFLOW}")
    page.locator("img[src*='blob:'], img[src*='.png']").first.wait_for()
    # Hide the path of the file on this machine.
    _screenshot(page, picture, page.get_by_text("Path: "))


def _model(page: "Page", address: str, picture: Path) -> None:
    page.goto(f"{address.partition('#')[0]}#/models/imr-ml?{_WORKFLOW}")
    page.get_by_text("champion").first.wait_for()
    _screenshot(page, picture)


def _diff(page: "Page", address: str, picture: Path) -> None:
    """Take the params that differ between the newest two training runs."""
    page.set_viewport_size(_SMALL | {"height": 800})
    _compare(page, f"{address.partition('?')[0]}?searchFilter=params.predictor%20%3D%20'model'", (1, 2))
    page.get_by_text("Visualizations").first.click()
    page.get_by_role("switch", name="Parameters - Show diff only").click()
    _screenshot(page, picture)


def _sweep(page: "Page", address: str, coordinates: Path, contour: Path) -> None:
    """Take the charts of the trials on all the data of the newest sweep."""
    page.set_viewport_size(_SMALL)
    page.goto(f"{address.partition('#')[0]}#/experiments?{_WORKFLOW}")
    sweeps = page.get_by_role("link", name="imr_ml sweeps")
    sweeps.wait_for()
    _compare(page, f"{sweeps.evaluate('link => link.href').partition('?')[0]}/runs?viewStateShareKey=trials", (0,))
    page.locator(".js-plotly-plot .parcoords").first.wait_for()
    _screenshot(page, coordinates)
    page.get_by_role("tab", name="Contour Plot").click()
    for axis, key in (("x", "outcome.C"), ("y", "outcome.weights.facts"), ("z", "inner.outcome.roc_auc")):
        page.locator(f"#{axis}axis-selector").click()
        page.get_by_role("option", name=key, exact=True).click()
    _screenshot(page, contour)


def _compare(page: "Page", address: str, boxes: tuple[int, ...]) -> None:
    """Select runs of a list and compare them; check box 0 selects all."""
    page.goto(f"{address}&{_WORKFLOW}")
    page.reload()
    page.get_by_text("matching runs").wait_for()
    for place in boxes:
        page.locator("[role=row] input[type=checkbox]:visible").nth(place).check(force=True)
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_text("Show diff only").first.wait_for()
    page.goto(f"{page.url}&{_WORKFLOW}")


def _screenshot(page: "Page", picture: Path, *hidden: "Locator") -> None:
    page.wait_for_timeout(_SETTLING_MS)
    page.evaluate(_MARK)
    page.screenshot(path=picture, mask=list(hidden), mask_color="white")


if __name__ == "__main__":
    take_ui_screenshots(sys.argv[1], Path(sys.argv[2]))
    if sys.argv[3:]:
        take_page_screenshots(Path(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[2]))
