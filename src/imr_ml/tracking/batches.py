"""Record a scored batch as an MLflow run.

No text, no case number and no file name is recorded; the input is known again by its digest.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.files import sha256_of
from imr_ml.score_columns import UNCERTAIN
from imr_ml.tracking.records import DatasetRecord, Record, RunRecord, save_record, scratch
from imr_ml.tracking.run_facts import flat, points
from imr_ml.tracking.sending import RecordedRun, send_or_keep
from imr_ml.tracking.uris import redact_uri, tracking_uri
from imr_ml.tracking.views import NOTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imr_ml.model_files import LoadedModel
    from imr_ml.scoring.batch import BatchSummary

SCORING = "imr_ml scoring"
DIGEST_LENGTH = 12
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


def record_batch(batch: ScoredBatch) -> RecordedRun:
    """Record a scored batch in the experiment `SCORING`.

    Raises
    ------
    UnsentError
        Where the store can't be reached or refuses; it is kept on disk, to be sent by `sync`.
    """
    digest = input_digest(batch.source)
    run = RunRecord(
        key="batch",
        name=f"{batch.summary.rows} rows | model {batch.model.version} | {digest[:DIGEST_LENGTH]}",
        tags=model_tags(batch.model, digest, "imr-ml score", _describe_summary(batch.summary)),
        params=flat({"model.version": batch.model.version, "options": dict(batch.options)}),
        metrics=tuple(points(batch_metrics(batch))),
    )
    with scratch() as folder:
        kept = save_record(batch_record(run, "scored-requests", "scoring", batch.summary.rows, batch.elapsed_s), folder)
    return send_or_keep(kept)


def model_tags(model: LoadedModel, digest: str, command: str, note: str) -> dict[str, str]:
    """Tags of a run in the experiment `SCORING`: which model read which input, and what is told about it."""
    return {
        "input.sha256": digest,
        "model.version": model.version,
        "model.data.kind": "sample" if model.is_sample else "real",
        "model.data.sha256": model.facts["data"]["sha256"],
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
        NOTE: _WARNING + note if model.is_sample else note,
    }


def batch_record(run: RunRecord, name: str, context: str, rows: int, elapsed_s: float) -> Record:
    """A run in the experiment `SCORING` that ends now, with the data set it read: so many rows, called by a name."""
    now, digest = int(time.time() * 1000), run.tags["input.sha256"]
    return Record(
        experiment=SCORING,
        destination=redact_uri(tracking_uri()),
        started_ms=now - int(elapsed_s * 1000),
        ended_ms=now,
        runs=(run,),
        dataset=DatasetRecord(
            name=name,
            digest=digest[:DIGEST_LENGTH],
            source=json.dumps({"tags": {"input.sha256": digest}}),
            columns=json.dumps({"mlflow_colspec": []}),
            profile=json.dumps({"num_rows": rows}),
            context=context,
        ),
    )


def batch_metrics(batch: ScoredBatch) -> dict[str, float]:
    """Counts of rows, and the share of each predicted outcome among those scored."""
    summary = batch.summary
    scored = summary.rows - summary.errors
    counts = {outcome: summary.by_outcome.get(outcome, 0) for outcome in ("upheld", "overturned", UNCERTAIN)}
    shares = {f"share.{outcome}": count / scored for outcome, count in counts.items()} if scored else {}
    speed = {"rows_per_s": summary.rows / batch.elapsed_s} if batch.elapsed_s > 0 else {}
    return {"rows": summary.rows, "rows.scored": scored, "rows.errors": summary.errors, **shares, **speed}


def input_digest(source: Path) -> str:
    """SHA-256 of a file, or of the files of a folder whatever they are called."""
    if source.is_file():
        return sha256_of(source)
    digests = sorted(sha256_of(path) for path in source.rglob("*") if path.is_file())
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _describe_summary(summary: BatchSummary) -> str:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(summary.by_outcome.items())) or "none scored"
    return f"{summary.rows} rows, {summary.errors} with an error; {outcomes}."
