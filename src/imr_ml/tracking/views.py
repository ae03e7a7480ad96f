"""Create MLflow experiments, with their descriptions and saved views of the runs."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, TypeAdapter

from imr_ml.tracking.uris import TrackingError, artifact_root, is_server

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "imr_ml training"
"""Name of the experiment of trainings."""
NOTE = "mlflow.note.content"
"""Tag that the MLflow UI displays as the description."""
VIEW_KEY = "viewStateShareKey"
"""Query parameter of the runs page that opens a saved view."""
_VIEW_TAG = "mlflow.sharedViewState."
_MLFLOW_COLUMNS = frozenset({"Dataset", "Models", "Source", "Description", "User"})
_KINDS = {"param:": "params", "tag:": "tags"}
# Wide enough for a run's full name, which the UI's default width truncates.
_WIDTHS = {"attributes.`Run Name`": 310, "runDateAndNestInfo": 140}
_METRIC_WIDTH = 135
# Sections in which the UI shows all other metrics.
_COLLAPSED = ("Model metrics", "System metrics")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(_Strict):
    """Charts under a heading: a bar chart per entry of `bars`, a line chart per entry of `lines`, and images."""

    name: str
    bars: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
    images: tuple[str, ...] = ()


class View(_Strict):
    """Columns, filter and order of the table of runs, and the charts."""

    name: str
    columns: tuple[str, ...]
    search: str = ""
    order_by: str = ""
    sections: tuple[Section, ...] = ()


class Page(_Strict):
    """Description of an experiment in Markdown, and its views; the first view opens by default."""

    primary_metric: str
    description: str
    views: dict[str, View]


@cache
def pages() -> Mapping[str, Page]:
    """Return the pages by experiment name."""
    text = resources.files(__package__).joinpath("views.toml").read_text("utf-8")
    return TypeAdapter(dict[str, Page]).validate_python(tomllib.loads(text))


def experiment_id(client: MlflowClient, name: str) -> str:
    """Find an experiment, or create it with its description and views; raise an error if it was deleted."""
    import mlflow

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        uri, tags = client.tracking_uri, page_tags(name, int(time.time() * 1000))
        # The UI has different pages for language-model applications.
        tags["mlflow.experimentKind"] = "custom_model_development"
        try:
            return str(
                client.create_experiment(name, None if is_server(uri) else artifact_root(uri).as_uri(), tags=tags)
            )
        except mlflow.MlflowException:
            # Another training can have created it in the meantime.
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage != "active":
        raise TrackingError(
            f"experiment {name!r} was deleted; to restore it, run: "
            f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
        )
    return str(experiment.experiment_id)


def page_tags(experiment: str, now_ms: int) -> dict[str, str]:
    """Return the tags of a new experiment with its description and views; empty if it is not in `pages`."""
    page = pages().get(experiment)
    if page is None:
        return {}
    views = {
        view_tag(key): json.dumps(
            {"name": view.name, "createdAt": now_ms, "updatedAt": now_ms, "state": json.dumps(_state(view))}
        )
        for key, view in page.views.items()
    }
    return {"mlflow.experiment.primaryMetric.name": page.primary_metric, NOTE: page.description.strip(), **views}


def view_tag(view: str) -> str:
    """Return the experiment's tag that contains a view."""
    return f"{_VIEW_TAG}{view}"


def first_view(experiment: str) -> str:
    """Return the key of the view that an experiment opens with."""
    return next(iter(pages()[experiment].views))


def _state(view: View) -> dict[str, object]:
    columns = [_column(name) for name in view.columns]
    return {
        "searchFilter": view.search,
        "orderByKey": f"metrics.`{view.order_by}`" if view.order_by else "attributes.start_time",
        "orderByAsc": False,
        "selectedColumns": columns,
        "columnOrder": [*_WIDTHS, *columns],
        "columnWidths": _WIDTHS | {column: _METRIC_WIDTH for column in columns if column.startswith("metrics.")},
        "compareRunCharts": [chart for section in view.sections for chart in _charts(section)],
        "compareRunSections": [
            *(
                {"uuid": section.name, "name": section.name, "display": True, "isReordered": True}
                for section in view.sections
            ),
            *({"uuid": name, "name": name, "display": False, "isReordered": False} for name in _COLLAPSED),
        ],
        # Keep the order of the sections; the UI would sort them by name.
        "isAccordionReordered": True,
    }


def _column(name: str) -> str:
    if name in _MLFLOW_COLUMNS:
        return f"attributes.`{name}`"
    for prefix, kind in _KINDS.items():
        if name.startswith(prefix):
            return f"{kind}.`{name.removeprefix(prefix)}`"
    return f"metrics.`{name}`"


def _charts(section: Section) -> Iterator[dict[str, object]]:
    for metric in section.bars:
        yield _chart(section, "BAR", metric) | {"metricKey": metric, "runsCountToCompare": 20}
    for metrics in section.lines:
        yield _chart(section, "LINE", metrics[0]) | {
            "metricKey": metrics[0],
            "selectedMetricKeys": list(metrics),
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "scaleType": "linear",
            "xAxisScaleType": "linear",
            "range": {},
            "yAxisKey": "metric",
            "useGlobalXaxisKey": True,
            "useGlobalLineSmoothing": True,
        }
    for figure in section.images:
        yield _chart(section, "IMAGE", figure) | {"imageKeys": [figure], "step": 0, "showRunParams": False}


def _chart(section: Section, kind: str, name: str) -> dict[str, object]:
    return {
        "uuid": f"{kind} {name}",
        "type": kind,
        "metricSectionId": section.name,
        "displayName": name,
        "deleted": False,
        "isGenerated": False,
    }
