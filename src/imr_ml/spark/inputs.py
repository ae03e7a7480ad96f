"""Read what is to be scored on Spark: a Parquet table or a folder of letters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.scoring.frame import check_columns
from imr_ml.spark.letters import read_letters_with_spark
from imr_ml.spark.session import ROWS_AT_ONCE, SparkError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

# A task of so many rows takes well under a minute: what a lost machine costs, and what tells of progress.
_ROWS_A_TASK = 10_000
_TASKS_A_CORE = 2
_SETTINGS = {
    "spark.sql.caseSensitive": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(ROWS_AT_ONCE),
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
_NANOSECONDS = "spark.sql.legacy.parquet.nanosAsLong"


def rows_of(source: str | Path, columns: dict[str, str], session: SparkSession) -> DataFrame:
    """The rows of a source; see `score_with_spark` for what it may be and what is raised.

    Parameters
    ----------
    source : str | Path
        What to call the input in an error.
    columns : dict
    session : SparkSession
    """
    from imr_ml.tables.formats import is_table, table_format

    path = path_of(source)
    if path and not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if path and path.is_dir() and not is_table(path):
        return read_letters_with_spark(path, session)
    if path and not (is_table(path) and table_format(path) == "parquet"):
        raise SparkError(f"{path}: Spark scores Parquet and folders of letters; score other tables without it")
    own = session.newSession()
    for name, value in (_SETTINGS | {_NANOSECONDS: str(path is not None).lower()}).items():
        own.conf.set(name, value)
    files = "*.parquet" if path and path.is_dir() else None
    rows = own.read.parquet(str(source), mergeSchema=True, pathGlobFilter=files)
    check_columns(rows.columns, str(source), columns)
    if path:
        rows = _with_microseconds(rows, path)
    return _spread(rows, columns)


def _with_microseconds(rows: DataFrame, path: Path) -> DataFrame:
    """Spark has no type for times in nanoseconds, which pandas writes; it reads them as whole numbers."""
    from pyspark.sql import functions as sql

    from imr_ml.tables.parquet_files import read_schema

    times = [field.name for field in read_schema(path) if str(field.type).startswith("timestamp[ns")]
    micros = {name: sql.expr(f"timestamp_micros({_quoted(name)} div 1000)") for name in times}
    return rows.withColumns({name: value.cast("timestamp_ntz") for name, value in micros.items()})


def path_of(place: str | Path) -> Path | None:
    """The path of what is no address."""
    return Path(place) if isinstance(place, Path) or ":/" not in place else None


def column_of(rows: DataFrame, name: str) -> Column:
    """A column of any name."""
    return rows[_quoted(name)]


def _quoted(name: str) -> str:
    """A name as Spark takes it, dots and all."""
    return "`" + name.replace("`", "``") + "`"


def _spread(rows: DataFrame, columns: dict[str, str]) -> DataFrame:
    """Over all cores, however few files hold them; requests that share a summary stay together, as it is read once."""
    from pyspark.sql import functions as sql

    texts = [columns.get(name, name) for name in ("clinical_summary", "request")]
    known = [column_of(rows, name).cast("string") for name in texts]
    cores = rows.sparkSession.sparkContext.defaultParallelism
    tasks = max(_TASKS_A_CORE * cores, -(-rows.count() // _ROWS_A_TASK))
    return rows.repartition(tasks, sql.coalesce(*known))
