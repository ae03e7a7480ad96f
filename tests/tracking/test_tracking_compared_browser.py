"""The MLflow UI in a real browser: the differences of two experiments, and the charts of a sweep."""

from dataclasses import replace

import pytest
from tracking.browsing import do_until, save_picture
from tracking.servers import free_port, mlflow_server
from tracking.sweep_examples import make_sweep

from imr_ml.experiments.reading import read_experiment
from imr_ml.model_files import save_model
from imr_ml.tracking.runs import Extras, record
from imr_ml.tracking.sweeps import record_sweep
from imr_ml.tracking.uris import tracking_uri
from imr_ml.tracking.views import VIEW_KEY
from imr_ml.training import train

WORKFLOW = "workflowType=machine_learning"
CHANGES = ("outcome.C=1.0", "features.request.ngrams=3", "nlp.negation=false")


def _compare_listed_runs(page, address, runs):
    """Select all runs of a page, and compare them."""
    from playwright.sync_api import TimeoutError as Late

    page.goto(address)
    page.get_by_text(f"{runs} matching runs").wait_for()
    heading = page.get_by_text(f"Comparing {runs} Runs").first

    def tick_and_compare():
        page.locator("[role=columnheader] input[type=checkbox]:visible").first.check(force=True)
        page.get_by_role("button", name="Compare").first.click()

    def compared(patience_ms):
        try:
            heading.wait_for(timeout=patience_ms)
        except Late as late:
            raise TimeoutError(str(late)) from late

    do_until(tick_and_compare, compared)


def _show_only_what_differs(page, kind):
    from playwright.sync_api import expect

    switch = page.get_by_role("switch", name=f"{kind} - Show diff only")
    do_until(
        lambda: switch.get_attribute("aria-checked") == "true" or switch.click(),
        lambda patience_ms: expect(switch).to_have_attribute("aria-checked", "true", timeout=patience_ms),
    )


def _open_tab(page, name):
    from playwright.sync_api import expect

    tab = page.get_by_role("tab", name=name)
    do_until(
        lambda: tab.click(),
        lambda patience_ms: expect(tab).to_have_attribute("aria-selected", "true", timeout=patience_ms),
    )


@pytest.fixture
def two_experiments(trained, tracking_requests, tracked, drawn_once, empty_store):
    """Address of the runs of two trainings that differ in `CHANGES`."""
    settings = read_experiment("default", CHANGES).experiment.training_settings()
    other = train(tracking_requests, replace(settings, evaluation=trained.settings.evaluation))
    record(trained, tracked.model_folder)
    run = record(other, save_model(other, empty_store / "other"), extras=Extras(experiment="other"))
    port = free_port()
    with mlflow_server(empty_store, port, store=tracking_uri()):
        search = "searchFilter=params.predictor%20%3D%20'model'"
        yield f"http://127.0.0.1:{port}/#/experiments/{run.experiment_id}/runs?{search}&{WORKFLOW}"


@pytest.mark.slow
def test_two_experiments_compared_show_exactly_the_keys_that_differ(page, two_experiments):
    from playwright.sync_api import expect

    _compare_listed_runs(page, two_experiments, runs=2)
    page.get_by_role("rowheader", name="outcome.weights.summary", exact=True).wait_for()

    _show_only_what_differs(page, "Parameters")

    expect(page.get_by_role("rowheader", name="outcome.weights.summary", exact=True)).to_have_count(0)
    table = page.get_by_role("switch", name="Parameters - Show diff only").locator("xpath=following::table[1]")
    assert set(table.get_by_role("rowheader").all_inner_texts()) == {change.partition("=")[0] for change in CHANGES}
    save_picture(page, "diff")


@pytest.fixture
def recorded_sweep(empty_store):
    """Address of the trials of a sweep on all the data."""
    run = record_sweep(make_sweep(empty_store, trials=12), {})
    port = free_port()
    with mlflow_server(empty_store, port, store=tracking_uri()):
        yield f"http://127.0.0.1:{port}/#/experiments/{run.experiment_id}/runs?{VIEW_KEY}=trials&{WORKFLOW}"


@pytest.mark.slow
def test_a_sweep_shows_in_the_parallel_coordinates_and_contour_charts(page, recorded_sweep):
    _compare_listed_runs(page, recorded_sweep, runs=12)

    axes = page.locator(".js-plotly-plot .parcoords .axis-title")
    for key in ("outcome.C", "outcome.weights.facts", "features.request.ngrams", "inner.outcome.roc_auc"):
        axes.filter(has_text=key).first.wait_for()
    save_picture(page, "sweep")

    _open_tab(page, "Contour Plot")

    page.locator(".js-plotly-plot .contourlayer .contour").first.wait_for()
    for axis, key in (("x", "features.request.ngrams"), ("y", "outcome.C")):
        page.locator(f".js-plotly-plot .{axis}title").filter(has_text=key).first.wait_for()
    save_picture(page, "contour")
