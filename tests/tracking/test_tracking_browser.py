"""The MLflow UI in a real browser: what people click to understand and choose a model."""

import os
import re

import pytest

PATIENCE_MS = 60_000


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1600, "height": 1000})
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


def _picture(page, name):
    """Kept where the environment says, for those who look at what the test saw."""
    if folder := os.environ.get("IMR_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.slow
def test_runs_are_seen_by_name_selected_and_compared(page, ui_address, tracked):
    page.goto(f"{ui_address}/#/experiments/{tracked.run.experiment_id}/runs?workflowType=machine_learning")
    name = page.locator("[role=gridcell]").filter(has_text=tracked.run.name).first
    name.wait_for()
    name.locator("button").first.click()
    page.get_by_text("plain TF-IDF | 60 req").first.wait_for()
    _picture(page, "runs")
    # The first selects all runs, the second a model's run with all beneath it.
    boxes = page.locator("[role=row] input[type=checkbox]:visible")
    boxes.nth(2).check(force=True)
    boxes.nth(3).check(force=True)
    page.get_by_role("button", name=re.compile("Compare")).first.click()
    page.get_by_text("Comparing 2 Runs").first.wait_for()
    page.locator(".js-plotly-plot svg.main-svg").first.wait_for()
    page.get_by_text("outcome.brier", exact=True).first.wait_for()
    _picture(page, "comparison")


@pytest.mark.slow
def test_the_charts_of_an_experiment_draw_the_models_beside_the_baselines(page, ui_address, tracked):
    page.goto(f"{ui_address}/#/experiments/{tracked.run.experiment_id}/runs?compareRunsMode=CHART")
    page.get_by_text("family.f1_macro", exact=True).first.wait_for()
    page.locator(".js-plotly-plot svg.main-svg").first.wait_for()
    _picture(page, "charts")


@pytest.mark.slow
def test_a_run_shows_its_metrics_and_a_figure(page, ui_address, tracked):
    run = f"{ui_address}/#/experiments/{tracked.run.experiment_id}/runs/{tracked.run.run_id}"
    page.goto(run)
    page.get_by_text("outcome.roc_auc", exact=True).first.wait_for()
    page.get_by_text("Synthetic sample corpus").first.wait_for()
    _picture(page, "run")
    page.goto(f"{run}/artifacts/figures/roc.png")
    figure = page.locator("img[src*='blob:'], img[src*='roc.png']").first
    figure.wait_for()
    assert figure.bounding_box()["width"] > 300
    _picture(page, "figure")


@pytest.mark.slow
def test_the_registered_model_shows_its_alias(page, ui_address):
    page.goto(f"{ui_address}/#/models/imr-ml")
    page.get_by_text("challenger").first.wait_for()
    page.get_by_text("Version 1").first.wait_for()
    _picture(page, "model")
