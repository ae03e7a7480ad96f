"""Description and views of new experiments in the MLflow UI."""

import json

import pytest
from mlflow import MlflowClient

from imr_ml.evaluation.learning import LearningPoint
from imr_ml.reporting.figures import figures
from imr_ml.scoring.batch import BatchSummary
from imr_ml.tracking.batches import SCORING, batch_metrics
from imr_ml.tracking.run_facts import learning_points
from imr_ml.tracking.views import EXPERIMENT, first_view, page_tags, pages, view_tag

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")
LONGEST_TAG = 20_000


def _state(experiment, view):
    return json.loads(json.loads(page_tags(experiment, 1)[view_tag(view)])["state"])


def _metrics_of(view):
    """Metrics in the columns and charts of a view."""
    columns = [name for name in view.columns if "." in name and ":" not in name] + [view.order_by]
    charts = [
        name
        for section in view.sections
        for name in (*section.bars, *(name for line in section.lines for name in line))
    ]
    return {*columns, *charts} - {""}


@pytest.fixture
def run(in_tracked):
    return MlflowClient(in_tracked.run.tracking_uri).get_run(in_tracked.run.run_id)


def test_an_experiment_gets_its_description_and_views(in_tracked):
    client = MlflowClient(in_tracked.run.tracking_uri)
    tags = client.get_experiment(in_tracked.run.experiment_id).tags
    assert "mean nothing for real decisions" in tags["mlflow.note.content"]
    assert tags["mlflow.experiment.primaryMetric.name"] == "outcome.roc_auc"
    assert json.loads(tags["mlflow.sharedViewState.figures"])["name"] == "Models and baselines"


def test_every_metric_param_and_tag_of_a_view_of_trainings_is_recorded(run, trained):
    curve = learning_points([LearningPoint(9, 20, trained.evaluation.estimates)])
    recorded = {*run.data.metrics, *(point.name for point in curve)}
    named = {f"param:{name}" for name in run.data.params} | {f"tag:{name}" for name in run.data.tags}
    for view in pages()[EXPERIMENT].views.values():
        assert _metrics_of(view) <= recorded
        assert {name for name in view.columns if ":" in name} <= named


def test_every_image_in_a_view_exists(trained):
    drawn = set(figures(trained))
    shown = {
        name for view in pages()[EXPERIMENT].views.values() for section in view.sections for name in section.images
    }
    assert shown
    assert shown <= drawn


def test_every_metric_of_a_view_of_batches_is_recorded():
    """Metrics of drift are tested with a recorded drift report."""
    summary = BatchSummary(rows=3, errors=0, by_outcome={"upheld": 3})
    (view,) = pages()[SCORING].views.values()
    assert {name for name in _metrics_of(view) if not name.startswith("drift.")} <= set(
        batch_metrics(summary, elapsed_s=1.0)
    )


@pytest.mark.parametrize("experiment", [EXPERIMENT, SCORING])
def test_view_states_are_complete_and_fit_into_a_tag(experiment):
    tags = page_tags(experiment, now_ms=1_700_000_000_000)
    assert max(map(len, tags.values())) < LONGEST_TAG
    for view in pages()[experiment].views:
        saved = json.loads(tags[view_tag(view)])
        assert {*saved} == {"name", "createdAt", "updatedAt", "state"}
        state = json.loads(saved["state"])
        sections = {section["uuid"] for section in state["compareRunSections"]}
        assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
        assert set(state["columnWidths"]) <= set(state["columnOrder"])


def test_columns_are_named_as_the_ui_does():
    columns = _state(EXPERIMENT, first_view(EXPERIMENT))["selectedColumns"]
    assert {"tags.`data.kind`", "metrics.`outcome.roc_auc.low`", "attributes.`Dataset`"} <= set(columns)


def test_another_experiment_has_no_views():
    assert page_tags("somebody's own", 1) == {}
