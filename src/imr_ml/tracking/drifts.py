"""Record a drift report as an MLflow run.

No text, no case number and no file name is recorded; the input is known again by its digest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.tracking.batches import batch_record, input_digest, model_tags
from imr_ml.tracking.records import RunRecord, artifacts_of, save_record, scratch
from imr_ml.tracking.run_facts import flat, points
from imr_ml.tracking.sending import RecordedRun, send_or_keep

if TYPE_CHECKING:
    from imr_ml.drift.types import DriftReport
    from imr_ml.model_files import LoadedModel

_KEY = "drift"


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
    record = batch_record(
        _run(batch, input_digest(batch.source)),
        "checked-requests",
        "drift",
        batch.report.current.drawn_from,
        batch.elapsed_s,
    )
    with scratch() as folder:
        _write_artifacts(artifacts_of(folder, _KEY), batch)
        kept = save_record(record, folder)
    return send_or_keep(kept)


def drift_metrics(report: DriftReport) -> dict[str, float]:
    """Statistics as ``drift.psi.<characteristic>``, with the ends of their intervals and what chance gives."""
    return {
        f"drift.{one.statistic}.{one.characteristic}{end}": value
        for one in report.findings
        for end, value in (("", one.value), (".low", one.low), (".high", one.high), (".by_chance", one.by_chance))
    }


def _run(batch: CheckedBatch, digest: str) -> RunRecord:
    report = batch.report
    counts = {
        "rows": report.current.drawn_from,
        "rows.compared": report.current.rows,
        "rows.errors": batch.errors,
        "drift.characteristics": len(report.drifted),
    }
    drifted = "yes" if report.drifted else "no"
    sides = {"reference": asdict(report.reference), "current": asdict(report.current)}
    return RunRecord(
        key=_KEY,
        name=f"drift {drifted} | {report.current.drawn_from} rows | model {batch.model.version}",
        tags={"drift": drifted} | model_tags(batch.model, digest, "imr-ml drift", _describe_report(report)),
        params=flat({"model.version": batch.model.version, "drift": asdict(report.settings) | sides}),
        metrics=tuple(points(drift_metrics(report) | counts)),
    )


def _write_artifacts(folder: Path, batch: CheckedBatch) -> None:
    from imr_ml.drift.figure import drift_figure

    own = folder / _KEY
    own.mkdir(parents=True)
    drift_figure(batch.report, is_synthetic=batch.model.is_sample).savefig(own / "drift.png", dpi=100)
    (own / "drift.json").write_text(json.dumps(asdict(batch.report), indent=2) + "\n", encoding="utf-8")


def _describe_report(report: DriftReport) -> str:
    found = f"Drifted: {', '.join(report.drifted)}." if report.drifted else "No drift."
    return f"{report.current.rows} requests against {report.reference.rows}. {found}"
