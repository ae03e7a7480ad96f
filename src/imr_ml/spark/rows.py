"""Score Spark rows into a folder of Parquet files."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from imr_ml.corpus.mapping import ColumnMapping, describe_columns
from imr_ml.corpus.schema import WARNING_SEPARATOR
from imr_ml.model_files import CHECKSUMS, LoadedModel, read_model
from imr_ml.score_columns import ADDED, SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.batch import REASONS_SHOWN, BatchSummary
from imr_ml.scoring.frame import check_columns
from imr_ml.scoring.working import Task, score_rows
from imr_ml.spark.inputs import column_of, path_of, read_rows
from imr_ml.spark.session import (
    ROWS_AT_ONCE,
    Batches,
    SparkError,
    arrays_of,
    map_batches,
    spark_session,
    translate_spark_errors,
)
from imr_ml.tables.parquet_files import frame_of

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, SparkSession


_ERROR = "error"
_SQL_TYPES = {"text": "string", "number": "double", "count": "long", "flag": "boolean"}


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """Files of a model, broadcast to the workers; equal if the checksums are equal."""

    checksum: str
    files: Broadcast[dict[str, bytes]] = field(compare=False)


def score_with_spark(
    source: str | Path | DataFrame,
    output: str | Path,
    model: LoadedModel,
    options: ScoreOptions | None = None,
    mapping: ColumnMapping | None = None,
    session: SparkSession | None = None,
) -> BatchSummary:
    """Score all rows of `source` into a folder of Parquet files, with the same results as `score_file`.

    The output has the columns of the source, in Spark's types; the order of rows may change.

    Parameters
    ----------
    source : str, Path or DataFrame
        A Parquet file or partitioned folder, or a folder of letters; a string may be any URI that Spark reads. Rows of
        a data frame with a value in ``error`` are not scored.
    output : str or Path
        A new folder, which contains ``_SUCCESS`` if scoring finished.
    model : LoadedModel
    options : ScoreOptions, optional
    mapping : ColumnMapping, optional
        Names of columns and values in the source.
    session : SparkSession, optional
        Default: the active session, or a new one on all cores of this machine.

    Raises
    ------
    SchemaError
        If the source lacks a required column.
    SparkError
        If Spark is not installed or fails, or `output` exists.
    FileNotFoundError
        If a path does not exist.
    """
    session = session or spark_session()
    label = str(source) if isinstance(source, str | Path) else "data frame"
    mapping = mapping or ColumnMapping()
    folder = path_of(output)
    if folder and folder.exists():
        raise SparkError(f"{output}: already exists; name a new folder")
    with translate_spark_errors(label):
        rows = read_rows(source, mapping.columns, session) if isinstance(source, str | Path) else source
        names = [name for name in rows.columns if name != _ERROR]
        mapping = mapping.resolve(names)
        check_columns(names, label, mapping.columns)
        scored = _score_lazily(rows, names, model, options or ScoreOptions(), mapping)
        scored.write.parquet(str(output), compression="zstd")
        summary = _summarize(rows.sparkSession.read.parquet(str(output)))
    return replace(summary, notes=tuple(describe_columns(names, mapping)))


def _score_lazily(
    rows: DataFrame, names: list[str], model: LoadedModel, options: ScoreOptions, mapping: ColumnMapping
) -> DataFrame:
    """Add the columns of scores to the columns `names`, lazily."""
    from pyspark.sql import functions as sql
    from pyspark.sql.types import StructType

    task = Task(model.folder, options, mapping, tuple(names))
    error = column_of(rows, _ERROR) if _ERROR in rows.columns else sql.lit(None)
    columns = [column_of(rows, name) for name in names]
    schema = StructType(rows.select(*columns).schema.fields)
    for column in ADDED:
        schema = schema.add(column.name, _SQL_TYPES[column.kind])
    # Workers receive columns by name, which fails for a name with a dot.
    numbered = rows.select(*columns, error.cast("string"))
    numbered = numbered.toDF(*map(str, range(len(numbered.columns))))
    return map_batches(numbered, _make_scorer(_ship(model, rows.sparkSession), task), schema)


def _ship(model: LoadedModel, session: SparkSession) -> ShippedModel:
    files = {file.name: file.read_bytes() for file in model.folder.iterdir() if file.is_file()}
    checksum = hashlib.sha256(files[CHECKSUMS]).hexdigest()
    return ShippedModel(checksum, session.sparkContext.broadcast(files))


@lru_cache(maxsize=1)
def _load(shipped: ShippedModel) -> LoadedModel:
    """Load the model, once per worker, and verify its checksums."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in shipped.files.value.items():
            (Path(folder) / name).write_bytes(content)
        return read_model(Path(folder))


def _make_scorer(shipped: ShippedModel, task: Task) -> Callable[[Batches], Batches]:
    def score(batches: Batches) -> Batches:
        for batch in batches:
            for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                yield score_batch(batch.slice(start, ROWS_AT_ONCE), _load(shipped), task)

    return score


def score_batch(batch: pa.RecordBatch, model: LoadedModel, task: Task) -> pa.RecordBatch:
    """Score a batch whose last column has the errors; return its other columns, then the columns of scores."""
    *columns, errors = batch.columns
    rows = frame_of(pa.Table.from_arrays(columns, list(task.columns)))
    scored = score_rows(model, task, rows, errors.to_pylist())
    types: dict[str, Any] = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    added = arrays_of(scored, pa.schema([(column.name, types[column.kind]) for column in ADDED]))
    return pa.RecordBatch.from_arrays([*columns, *added], [*task.columns, *SCORE_COLUMNS])


def _summarize(scored: DataFrame) -> BatchSummary:
    """Count the rows in the output folder, which has no duplicates from repeated tasks."""
    outcomes, reasons, warnings = Counter[str](), Counter[str](), Counter[str]()
    in_training = 0
    keys = ("outcome_pred", "error", "warnings", "in_training")
    for outcome, reason, warning, is_in_training, rows in scored.groupBy(*keys).count().collect():
        in_training += rows if is_in_training else 0
        warnings.update(dict.fromkeys(warning.split(WARNING_SEPARATOR) if warning else (), rows))
        if reason is None:
            outcomes[outcome] += rows
        else:
            reasons[reason] += rows
    errors = reasons.total()
    return BatchSummary(
        rows=outcomes.total() + errors,
        errors=errors,
        by_outcome=dict(outcomes),
        reasons=dict(reasons.most_common(REASONS_SHOWN)),
        warnings=dict(warnings.most_common(REASONS_SHOWN)),
        in_training=in_training,
    )
