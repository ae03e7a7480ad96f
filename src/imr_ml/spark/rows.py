"""Score Spark rows into a folder of Parquet files."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import WARNING_SEPARATOR
from imr_ml.score_columns import ADDED, SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.batch import REASONS_SHOWN, BatchSummary
from imr_ml.scoring.frame import check_columns
from imr_ml.scoring.working import Task, score_rows
from imr_ml.spark.inputs import column_of, path_of, rows_of
from imr_ml.spark.session import (
    ROWS_AT_ONCE,
    Batches,
    SparkError,
    arrays_of,
    mapped,
    spark_session,
    translate_spark_errors,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, SparkSession

    from imr_ml.model_files import LoadedModel

_ERROR = "error"
_SQL_TYPES = {"text": "string", "number": "double", "count": "long", "flag": "boolean"}


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """A model's files on their way to the workers; equal to another of the same checksums."""

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
    """Score every row of `source` into a folder of Parquet files, with the numbers that `score_file` gives.

    Rows keep their columns, with the types that Spark reads them as. Their order is not kept.

    Parameters
    ----------
    source : str, Path or DataFrame
        A Parquet file or partitioned folder, or a folder of letters; a string may be any address that Spark reads. Of
        Spark's own data frame, a row whose column ``error`` is set keeps it and is not scored.
    output : str or Path
        A folder that does not exist. It holds ``_SUCCESS`` when all is done.
    mapping : ColumnMapping, optional
        The user's names of columns and values.
    session : SparkSession, optional
        Else the one that is active, else a new one on all cores of this machine.

    Raises
    ------
    SchemaError
        For a source that lacks a required column.
    SparkError
        Where Spark is missing or can't finish, or `output` exists.
    FileNotFoundError
        For a path that does not exist.
    """
    session = session or spark_session()
    named = str(source) if isinstance(source, str | Path) else "data frame"
    mapping = mapping or ColumnMapping()
    folder = path_of(output)
    if folder and folder.exists():
        raise SparkError(f"{output}: exists; name a folder that does not")
    with translate_spark_errors(named):
        rows = rows_of(source, mapping.columns, session) if isinstance(source, str | Path) else source
        given = [name for name in rows.columns if name != _ERROR]
        check_columns(given, named, mapping.columns)
        scored = scored_rows(rows, given, model, options or ScoreOptions(), mapping)
        scored.write.parquet(str(output), compression="zstd")
        return _summary(rows.sparkSession.read.parquet(str(output)))


def scored_rows(
    rows: DataFrame, names: list[str], model: LoadedModel, options: ScoreOptions, mapping: ColumnMapping
) -> DataFrame:
    """The rows with the added columns, not yet computed.

    Parameters
    ----------
    rows : DataFrame
    names : sequence of str
    model : LoadedModel
    options : ScoreOptions
    mapping : ColumnMapping
    """
    from pyspark.sql import functions as sql
    from pyspark.sql.types import StructType

    task = Task(model.folder, options, mapping, tuple(names))
    error = column_of(rows, _ERROR) if _ERROR in rows.columns else sql.lit(None)
    given = [column_of(rows, name) for name in names]
    schema = StructType(rows.select(*given).schema.fields)
    for column in ADDED:
        schema = schema.add(column.name, _SQL_TYPES[column.kind])
    # Spark sends columns to its workers by name, and can't where a name has a dot.
    sent = rows.select(*given, error.cast("string"))
    sent = sent.toDF(*map(str, range(len(sent.columns))))
    return mapped(sent, _scorer(_shipped(model, rows.sparkSession), task), schema)


def _shipped(model: LoadedModel, session: SparkSession) -> ShippedModel:
    from imr_ml.model_files import CHECKSUMS

    files = {file.name: file.read_bytes() for file in model.folder.iterdir() if file.is_file()}
    checksum = hashlib.sha256(files[CHECKSUMS]).hexdigest()
    return ShippedModel(checksum, session.sparkContext.broadcast(files))


@lru_cache(maxsize=1)
def _loaded(shipped: ShippedModel) -> LoadedModel:
    """The model, once in the life of a worker; its checksums are verified."""
    from imr_ml.model_files import read_model

    with tempfile.TemporaryDirectory() as folder:
        for name, content in shipped.files.value.items():
            (Path(folder) / name).write_bytes(content)
        return read_model(Path(folder))


def _scorer(shipped: ShippedModel, task: Task) -> Callable[[Batches], Batches]:
    def score(batches: Batches) -> Batches:
        for batch in batches:
            for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                yield score_batch(batch.slice(start, ROWS_AT_ONCE), _loaded(shipped), task)

    return score


def score_batch(batch: pa.RecordBatch, model: LoadedModel, task: Task) -> pa.RecordBatch:
    """The given columns untouched, then the added ones.

    Parameters
    ----------
    batch : pa.RecordBatch
    model : LoadedModel
    task : Task
    """
    import pyarrow as pa

    from imr_ml.tables.parquet_files import frame_of

    *given, errors = batch.columns
    rows = frame_of(pa.Table.from_arrays(given, list(task.columns)))
    scored = score_rows(model, task, rows, errors.to_pylist())
    types: dict[str, Any] = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    added = arrays_of(scored, pa.schema([(column.name, types[column.kind]) for column in ADDED]))
    return pa.RecordBatch.from_arrays([*given, *added], [*task.columns, *SCORE_COLUMNS])


def _summary(scored: DataFrame) -> BatchSummary:
    """What the folder holds, as it stands: nothing that a task counted before it was lost."""
    outcomes, reasons, warnings = Counter[str](), Counter[str](), Counter[str]()
    in_training = 0
    keys = ("outcome_pred", "error", "warnings", "in_training")
    for outcome, reason, warning, is_known, rows in scored.groupBy(*keys).count().collect():
        in_training += rows if is_known else 0
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
