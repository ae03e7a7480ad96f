"""The MLflow UI in a real browser: the clicks to understand and choose a model."""

import re

import pytest
from mlflow import MlflowClient
from tracking.browsing import do_until, save_picture
from tracking.servers import free_port, mlflow_server

from imr_ml.tracking.records import read_record, save_record
from imr_ml.tracking.runs import save_training
from imr_ml.tracking.sending import send_record
from imr_ml.tracking.ui import start_page
from imr_ml.tracking.uris import tracking_uri
from imr_ml.tracking.views import EXPERIMENT, pages


def _select(box):
    """Click until the box is checked: a click is lost while the table redraws its rows."""
    from playwright.sync_api import expect

    do_until(
        lambda: box.click(force=True),
        lambda patience_ms: expect(box).to_be_checked(timeout=patience_ms),
    )


def _unfold_the_model(page, running_ui, tracked):
    """Open the page that `make ui` prints, and expand the model's run to show the baselines."""
    page.goto(running_ui.start_page)
    name = page.locator("[role=gridcell]").filter(has_text=tracked.run.name).first
    name.wait_for()
    name.locator("button").first.click()
    page.get_by_text("plain TF-IDF | 60 req").first.wait_for()


@pytest.mark.slow
def test_the_address_that_make_ui_reports_shows_runs_by_name_with_their_metrics(page, running_ui, tracked):
    _unfold_the_model(page, running_ui, tracked)
    page.get_by_role("button", name="Models and baselines").wait_for()
    run = MlflowClient(tracked.run.tracking_uri).get_run(tracked.run.run_id)
    for metric in ("family.f1_micro", "outcome.roc_auc.low"):
        page.locator(f"[role=columnheader][col-id='metrics.`{metric}`']").wait_for()
        page.get_by_text(f"{run.data.metrics[metric]:.6f}"[:-2]).first.wait_for()
    page.get_by_text("One run per training").first.wait_for()
    save_picture(page, "runs")


@pytest.mark.slow
def test_two_runs_are_selected_and_compared(page, running_ui, tracked):
    _unfold_the_model(page, running_ui, tracked)
    # The first selects all runs, the second a model's run with its child runs.
    boxes = page.locator("[role=row] input[type=checkbox]:visible")
    _select(boxes.nth(2))
    _select(boxes.nth(3))
    page.get_by_role("button", name=re.compile("Compare")).first.click()
    page.get_by_text("Comparing 2 Runs").first.wait_for()
    page.locator(".js-plotly-plot svg.main-svg").first.wait_for()
    page.get_by_text("outcome.brier", exact=True).first.wait_for()
    save_picture(page, "comparison")


@pytest.mark.slow
def test_the_charts_are_few_in_sections_and_show_figures_side_by_side(page, running_ui):
    page.set_viewport_size({"width": 1600, "height": 2400})
    page.goto(f"{running_ui.start_page}&compareRunsMode=CHART")
    for section in pages()[EXPERIMENT].views["figures"].sections:
        page.get_by_text(section.name).first.wait_for()
    page.get_by_text("family.f1_macro", exact=True).first.wait_for()
    page.locator(".js-plotly-plot svg.main-svg").first.wait_for()
    page.locator("img[src*='blob:'], img[src*='compressed']").first.wait_for()
    save_picture(page, "charts")


@pytest.mark.slow
def test_a_run_shows_its_metrics_and_a_figure(page, ui_address, tracked):
    run = f"{ui_address}/#/experiments/{tracked.run.experiment_id}/runs/{tracked.run.run_id}"
    page.goto(run)
    page.get_by_text("outcome.roc_auc", exact=True).first.wait_for()
    page.get_by_text("Synthetic sample corpus").first.wait_for()
    page.get_by_text("Show more").first.click()
    figures = page.get_by_role("link", name="figures").first.get_attribute("href")
    assert figures.endswith(f"runs/{tracked.run.run_id}/artifacts/figures"), "the description links to the run's files"
    save_picture(page, "run")
    page.goto(f"{run}/artifacts/figures/roc.png")
    figure = page.locator("img[src*='blob:'], img[src*='roc.png']").first
    figure.wait_for()
    assert figure.bounding_box()["width"] > 300
    save_picture(page, "figure")


@pytest.mark.slow
def test_the_registered_model_shows_its_alias(page, ui_address):
    page.goto(f"{ui_address}/#/models/imr-ml")
    page.get_by_text("challenger").first.wait_for()
    page.get_by_text("Version 1").first.wait_for()
    save_picture(page, "model")


@pytest.fixture
def five_hundred(trained, tracked, drawn_once, empty_store):
    """Address of the UI with 125 trainings of four runs each: copies of one training without its model and files."""
    recorded = read_record(save_training(trained, tracked.model_folder))
    for number in range(125):
        moved = {"started_ms": recorded.started_ms + number, "ended_ms": recorded.ended_ms + number}
        another = recorded.model_copy(update={"id": f"training {number}", "model": None, **moved})
        send_record(save_record(another))
    port = free_port()
    with mlflow_server(empty_store, port, store=tracking_uri()):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
def test_all_of_five_hundred_runs_are_listed(page, five_hundred):
    page.goto(start_page(five_hundred))
    page.get_by_text("100 matching runs").wait_for()
    table = page.locator(".ag-body-viewport")
    for loaded in (200, 300, 400, 500):
        table.evaluate("table => table.scrollTo(0, table.scrollHeight)")
        page.get_by_role("button", name="Load more").click()
        page.get_by_text(f"{loaded} matching runs").wait_for()
    save_picture(page, "five hundred runs")
