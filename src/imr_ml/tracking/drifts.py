"""A batch's drift as an MLflow run, in the experiment of scored batches: statistics with intervals, and the picture.

Knows drift reports. No text, no case number and no file name is recorded; the input is known again by its digest.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.tracking.batches import SCORING, input_digest
from imr_ml.tracking.descriptions import NOTE
from imr_ml.tracking.records import DatasetRecord, Record, RunRecord, artifacts_of, keep, scratch
from imr_ml.tracking.rivals import flat, points
from imr_ml.tracking.sending import RecordedRun, send_or_keep
from imr_ml.tracking.store import shown, tracking_uri

if TYPE_CHECKING:
    from imr_ml.drift import DriftReport
    from imr_ml.model_files import LoadedModel

_KEY = "drift"
_DIGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class CheckedBatch:
    """A batch that was compared with a reference.

    Attributes
    ----------
    source : Path
        File or folder of letters; only its digest is recorded.
    report : DriftReport
    errors : int
        Rows that can't be scored.
    model : LoadedModel
    elapsed_s : float
    """

    source: Path
    report: DriftReport
    errors: int
    model: LoadedModel
    elapsed_s: float


def record_drift(batch: CheckedBatch) -> RecordedRun:
    """Record a batch's drift in the experiment `SCORING`.

    Raises
    ------
    UnsentError
        Where the store can't be reached or refuses; it is kept on disk, to be sent by `sync`.
    """
    now = int(time.time() * 1000)
    digest = input_digest(batch.source)
    record = Record(
        experiment=SCORING,
        destination=shown(tracking_uri()),
        started_ms=now - int(batch.elapsed_s * 1000),
        ended_ms=now,
        runs=(_run(batch, digest),),
        dataset=DatasetRecord(
            name="checked-requests",
            digest=digest[:_DIGEST_LENGTH],
            source=json.dumps({"tags": {"input.sha256": digest}}),
            columns=json.dumps({"mlflow_colspec": []}),
            profile=json.dumps({"num_rows": batch.report.current.drawn_from}),
            context="drift",
        ),
    )
    with scratch() as folder:
        _write_artifacts(artifacts_of(folder, _KEY), batch)
        kept = keep(record, folder)
    return send_or_keep(kept)


def drift_metrics(report: DriftReport) -> dict[str, float]:
    """Statistics as ``drift.psi.<characteristic>``, with the ends of their intervals and what chance gives."""
    return {
        f"drift.{one.statistic}.{one.characteristic}{end}": value
        for one in report.findings
        for end, value in (("", one.value), (".low", one.low), (".high", one.high), (".by_chance", one.by_chance))
    }


def _run(batch: CheckedBatch, digest: str) -> RunRecord:
    report, facts = batch.report, batch.model.facts
    counts = {
        "rows": report.current.drawn_from,
        "rows.compared": report.current.rows,
        "rows.errors": batch.errors,
        "drift.characteristics": len(report.drifted),
    }
    tags = {
        "drift": "yes" if report.drifted else "no",
        "input.sha256": digest,
        "model.version": batch.model.version,
        "model.data.kind": _kind(batch.model),
        "model.data.sha256": facts["data"]["sha256"],
        "mlflow.source.name": "imr-ml drift",
        "mlflow.source.type": "LOCAL",
        NOTE: _description(batch),
    }
    sides = {"reference": asdict(report.reference), "current": asdict(report.current)}
    return RunRecord(
        key=_KEY,
        name=f"drift {tags['drift']} | {report.current.drawn_from} rows | model {batch.model.version}",
        tags=tags,
        params=flat({"model.version": batch.model.version, "drift": asdict(report.settings) | sides}),
        metrics=tuple(points(drift_metrics(report) | counts)),
    )


def _write_artifacts(folder: Path, batch: CheckedBatch) -> None:
    from imr_ml.drift import drift_figure

    own = folder / _KEY
    own.mkdir(parents=True)
    drift_figure(batch.report, is_synthetic=_kind(batch.model) == "sample").savefig(own / "drift.png", dpi=100)
    (own / "drift.json").write_text(json.dumps(asdict(batch.report), indent=2) + "\n", encoding="utf-8")


def _kind(model: LoadedModel) -> str:
    return "sample" if model.facts["data"]["source"] == "sample" else "real"


def _description(batch: CheckedBatch) -> str:
    report = batch.report
    warning = "**The model was trained on the synthetic sample corpus: its scores mean nothing for real requests.**\n\n"
    found = f"Drifted: {', '.join(report.drifted)}." if report.drifted else "No drift."
    told = f"{report.current.rows} requests against {report.reference.rows}. {found}"
    return (warning if _kind(batch.model) == "sample" else "") + told
