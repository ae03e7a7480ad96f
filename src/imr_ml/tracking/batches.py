"""Record scored batches and drift reports as MLflow runs.

The runs contain no text, case number or file name; a digest identifies the input.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import source_kind
from imr_ml.files import sha256_of
from imr_ml.score_columns import UNCERTAIN
from imr_ml.tracking.records import DIGEST_LENGTH, DatasetRecord, Record, RunRecord, artifacts_folder, save_record
from imr_ml.tracking.run_facts import flat_params, points, source_tags
from imr_ml.tracking.sending import RecordedRun, send_record
from imr_ml.tracking.views import NOTE

if TYPE_CHECKING:
    from imr_ml.drift.comparing import DriftReport
    from imr_ml.model_files import LoadedModel
    from imr_ml.scoring.batch import BatchSummary

SCORING = "imr_ml scoring"
"""Name of the experiment of scored batches and drift reports."""
_DRIFT = "drift"
_WARNING = "**The model was trained on the synthetic sample corpus: its scores mean nothing for real requests.**\n\n"


def record_batch(
    source: Path, summary: BatchSummary, model: LoadedModel, options: Mapping[str, object], elapsed_s: float
) -> RecordedRun:
    """Record a scored batch in the experiment `SCORING`.

    Parameters
    ----------
    source : Path
        File or folder of letters; only its digest is recorded.
    summary : BatchSummary
    model : LoadedModel
    options : dict
        Scoring options, e.g. ``coverage``.
    elapsed_s : float
        Duration of the scoring.
    """
    digest = _digest_input(source)
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.by_outcome.items())) or "none scored"
    note = f"{summary.rows} rows, {summary.errors} with an error; {outcomes}."
    run = RunRecord(
        key="batch",
        name=f"{summary.rows} rows | model {model.version} | {digest[:DIGEST_LENGTH]}",
        tags=_tags(model, digest, "imr-ml score", note),
        params=flat_params({"model.version": model.version, "options": dict(options)}),
        metrics=tuple(points(batch_metrics(summary, elapsed_s))),
    )
    return send_record(save_record(_record(run, "scored-requests", "scoring", summary.rows, elapsed_s)))


def batch_metrics(summary: BatchSummary, elapsed_s: float) -> dict[str, float]:
    """Return counts of rows, and the share of each predicted outcome among the scored rows."""
    scored = summary.rows - summary.errors
    counts = {outcome: summary.by_outcome.get(outcome, 0) for outcome in ("upheld", "overturned", UNCERTAIN)}
    shares = {f"share.{outcome}": count / scored for outcome, count in counts.items()} if scored else {}
    speed = {"rows_per_s": summary.rows / elapsed_s} if elapsed_s > 0 else {}
    rows = {"rows": summary.rows, "rows.scored": scored, "rows.errors": summary.errors}
    return rows | {"rows.in_training": summary.in_training} | shares | speed


def record_drift(source: Path, report: DriftReport, errors: int, model: LoadedModel, elapsed_s: float) -> RecordedRun:
    """Record a drift report, with its figure, in the experiment `SCORING`.

    Parameters
    ----------
    source : Path
        The batch: a file or folder of letters; only its digest is recorded.
    report : DriftReport
    errors : int
        Number of rows that can't be scored.
    model : LoadedModel
    elapsed_s : float
        Duration of the comparison.
    """
    rows, drifted = report.current.drawn_from, "yes" if report.drifted else "no"
    verdict = f"Drifted: {', '.join(report.drifted)}." if report.drifted else "No drift."
    note = f"{report.current.rows} requests compared with {report.reference.rows}. {verdict}"
    settings = asdict(report.settings) | {"reference": asdict(report.reference), "current": asdict(report.current)}
    counts = {
        "rows": rows,
        "rows.compared": report.current.rows,
        "rows.errors": errors,
        "drift.characteristics": len(report.drifted),
    }
    run = RunRecord(
        key=_DRIFT,
        name=f"drift {drifted} | {rows} rows | model {model.version}",
        tags={"drift": drifted} | _tags(model, _digest_input(source), "imr-ml drift", note),
        params=flat_params({"model.version": model.version, "drift": settings}),
        metrics=tuple(points(_drift_metrics(report) | counts)),
    )
    record = _record(run, "checked-requests", "drift", rows, elapsed_s)
    return send_record(save_record(record, lambda folder: _write_drift(folder, report, is_synthetic=model.is_sample)))


def _digest_input(source: Path) -> str:
    """Return the SHA-256 of a file, or of all files in a folder regardless of their names."""
    if source.is_file():
        return sha256_of(source)
    digests = sorted(sha256_of(path) for path in source.rglob("*") if path.is_file())
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _drift_metrics(report: DriftReport) -> dict[str, float]:
    """Return statistics as ``drift.psi.<characteristic>``, with interval ends and the value expected by chance."""
    suffixes = {"": "value", ".low": "low", ".high": "high", ".by_chance": "by_chance"}
    return {
        f"drift.{finding.statistic}.{finding.characteristic}{suffix}": getattr(finding, field)
        for finding in report.findings
        for suffix, field in suffixes.items()
    }


def _write_drift(record_folder: Path, report: DriftReport, *, is_synthetic: bool) -> None:
    from imr_ml.drift.figure import drift_figure

    folder = artifacts_folder(record_folder, _DRIFT) / _DRIFT
    folder.mkdir(parents=True)
    drift_figure(report, is_synthetic=is_synthetic).savefig(folder / "drift.png", dpi=100)
    (folder / "drift.json").write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")


def _tags(model: LoadedModel, digest: str, command: str, note: str) -> dict[str, str]:
    return {
        "input.sha256": digest,
        "model.version": model.version,
        "model.data.kind": source_kind(model.facts["data"]["source"]),
        "model.data.source": model.facts["data"]["source"],
        "model.data.sha256": model.facts["data"]["sha256"],
        **source_tags(command),
        NOTE: _WARNING + note if model.is_sample else note,
    }


def _record(run: RunRecord, dataset: str, context: str, rows: int, elapsed_s: float) -> Record:
    """Build a record of a run that ends now, with its data set."""
    now, digest = int(time.time() * 1000), run.tags["input.sha256"]
    return Record(
        experiment=SCORING,
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
