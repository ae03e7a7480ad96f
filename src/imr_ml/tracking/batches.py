"""Record scored batches and drift reports as MLflow runs.

No text, no case number and no file name is recorded; the input is identified by its digest.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.files import sha256_of
from imr_ml.score_columns import UNCERTAIN
from imr_ml.tracking.records import DIGEST_LENGTH, DatasetRecord, Record, RunRecord, artifacts_folder, save_record
from imr_ml.tracking.run_facts import flatten, points
from imr_ml.tracking.sending import RecordedRun, send_record
from imr_ml.tracking.uris import redact_uri, tracking_uri
from imr_ml.tracking.views import NOTE

if TYPE_CHECKING:
    from imr_ml.drift.types import DriftReport
    from imr_ml.model_files import LoadedModel
    from imr_ml.scoring.batch import BatchSummary

SCORING = "imr_ml scoring"
"""Name of the experiment of scored batches and drift reports."""
_DRIFT = "drift"
_WARNING = "**The model was trained on the synthetic sample corpus: its scores mean nothing for real requests.**\n\n"


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """A batch that was scored.

    Attributes
    ----------
    source : Path
        File or folder of letters; only its digest is recorded.
    summary : BatchSummary
    model : LoadedModel
    options : dict
        What was chosen when scoring, e.g. ``coverage``.
    elapsed_s : float
    """

    source: Path
    summary: BatchSummary
    model: LoadedModel
    options: Mapping[str, object]
    elapsed_s: float


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


def record_batch(batch: ScoredBatch) -> RecordedRun:
    """Record a scored batch in the experiment `SCORING`.

    Raises
    ------
    UnsentError
        If the store can't be reached or refuses. The record stays on disk, to be sent by `sync`.
    """
    summary, digest = batch.summary, digest_input(batch.source)
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.by_outcome.items())) or "none scored"
    note = f"{summary.rows} rows, {summary.errors} with an error; {outcomes}."
    run = RunRecord(
        key="batch",
        name=f"{summary.rows} rows | model {batch.model.version} | {digest[:DIGEST_LENGTH]}",
        tags=_tags(batch.model, digest, "imr-ml score", note),
        params=flatten({"model.version": batch.model.version, "options": dict(batch.options)}),
        metrics=tuple(points(batch_metrics(batch))),
    )
    return send_record(save_record(_record(run, "scored-requests", "scoring", summary.rows, batch.elapsed_s)))


def batch_metrics(batch: ScoredBatch) -> dict[str, float]:
    """Counts of rows, and the share of each predicted outcome among those scored."""
    summary = batch.summary
    scored = summary.rows - summary.errors
    counts = {outcome: summary.by_outcome.get(outcome, 0) for outcome in ("upheld", "overturned", UNCERTAIN)}
    shares = {f"share.{outcome}": count / scored for outcome, count in counts.items()} if scored else {}
    speed = {"rows_per_s": summary.rows / batch.elapsed_s} if batch.elapsed_s > 0 else {}
    return {"rows": summary.rows, "rows.scored": scored, "rows.errors": summary.errors, **shares, **speed}


def record_drift(batch: CheckedBatch) -> RecordedRun:
    """Record a batch's drift report, with its figure, in the experiment `SCORING`.

    Raises
    ------
    UnsentError
        If the store can't be reached or refuses. The record stays on disk, to be sent by `sync`.
    """
    report = batch.report
    rows, drifted = report.current.drawn_from, "yes" if report.drifted else "no"
    verdict = f"Drifted: {', '.join(report.drifted)}." if report.drifted else "No drift."
    note = f"{report.current.rows} requests against {report.reference.rows}. {verdict}"
    settings = asdict(report.settings) | {"reference": asdict(report.reference), "current": asdict(report.current)}
    counts = {
        "rows": rows,
        "rows.compared": report.current.rows,
        "rows.errors": batch.errors,
        "drift.characteristics": len(report.drifted),
    }
    run = RunRecord(
        key=_DRIFT,
        name=f"drift {drifted} | {rows} rows | model {batch.model.version}",
        tags={"drift": drifted} | _tags(batch.model, digest_input(batch.source), "imr-ml drift", note),
        params=flatten({"model.version": batch.model.version, "drift": settings}),
        metrics=tuple(points(_drift_metrics(report) | counts)),
    )
    record = _record(run, "checked-requests", "drift", rows, batch.elapsed_s)
    return send_record(save_record(record, lambda folder: _write_drift(artifacts_folder(folder, _DRIFT), batch)))


def digest_input(source: Path) -> str:
    """SHA-256 of a file, or of the files of a folder whatever they are called."""
    if source.is_file():
        return sha256_of(source)
    digests = sorted(sha256_of(path) for path in source.rglob("*") if path.is_file())
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _drift_metrics(report: DriftReport) -> dict[str, float]:
    """Statistics as ``drift.psi.<characteristic>``, with the ends of their intervals and what chance gives."""
    return {
        f"drift.{one.statistic}.{one.characteristic}{end}": value
        for one in report.findings
        for end, value in (("", one.value), (".low", one.low), (".high", one.high), (".by_chance", one.by_chance))
    }


def _write_drift(artifacts: Path, batch: CheckedBatch) -> None:
    from imr_ml.drift.figure import drift_figure

    folder = artifacts / _DRIFT
    folder.mkdir(parents=True)
    drift_figure(batch.report, is_synthetic=batch.model.is_sample).savefig(folder / "drift.png", dpi=100)
    (folder / "drift.json").write_text(json.dumps(asdict(batch.report), indent=2) + "\n", encoding="utf-8")


def _tags(model: LoadedModel, digest: str, command: str, note: str) -> dict[str, str]:
    return {
        "input.sha256": digest,
        "model.version": model.version,
        "model.data.kind": "sample" if model.is_sample else "real",
        "model.data.sha256": model.facts["data"]["sha256"],
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
        NOTE: _WARNING + note if model.is_sample else note,
    }


def _record(run: RunRecord, dataset: str, context: str, rows: int, elapsed_s: float) -> Record:
    """A run that ends now, with the data set that it read."""
    now, digest = int(time.time() * 1000), run.tags["input.sha256"]
    return Record(
        experiment=SCORING,
        destination=redact_uri(tracking_uri()),
        started_ms=now - int(elapsed_s * 1000),
        ended_ms=now,
        runs=(run,),
        dataset=DatasetRecord(
            name=dataset,
            digest=digest[:DIGEST_LENGTH],
            source=json.dumps({"tags": {"input.sha256": digest}}),
            columns=json.dumps({"mlflow_colspec": []}),
            profile=json.dumps({"num_rows": rows}),
            context=context,
        ),
    )
