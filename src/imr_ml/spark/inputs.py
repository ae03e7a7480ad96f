"""Read a Parquet table or a folder of letters on Spark."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pyarrow as pa

from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import COLUMNS
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.ingest.archives import MEGABYTE, MEMBER_BYTES
from imr_ml.ingest.ingestion import SAME_LETTER, Reject, content_of, is_letter_name, read_bytes
from imr_ml.scoring.frame import check_columns
from imr_ml.spark.session import (
    ROWS_AT_ONCE,
    Batches,
    SparkError,
    arrays_of,
    map_batches,
    spark_session,
    translate_spark_errors,
)
from imr_ml.tables.formats import is_table, table_format
from imr_ml.tables.parquet_files import read_schema

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

# A task of this size takes less than a minute, so a lost machine costs little and progress is visible.
_ROWS_PER_TASK = 10_000
_TASKS_PER_CORE = 2
_SETTINGS = {
    "spark.sql.caseSensitive": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(ROWS_AT_ONCE),
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
_NANOSECONDS = "spark.sql.legacy.parquet.nanosAsLong"
_LETTERS = "*.{[pP][dD][fF],[tT][xX][tT]}"
_SQL_TYPES = {"text": "string", "families": "string", "number": "double", "date": "timestamp_ntz"}
_ROW = ", ".join(f"{column.name}: {_SQL_TYPES[column.kind]}" for column in COLUMNS)
_LETTER = f"path string, content string, reason string, rows array<struct<{_ROW}>>"


def read_rows(source: str | Path, columns: dict[str, str], session: SparkSession) -> DataFrame:
    """Read a source of requests; see `score_with_spark`.

    Parameters
    ----------
    source : str or Path
    columns : dict of str to str
        Names of columns in the source, by their names in the requests table.
    session : SparkSession
    """
    path = path_of(source)
    if path and not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if path and path.is_dir() and not is_table(path):
        return read_letters_with_spark(path, session)
    if path and not (is_table(path) and table_format(path) == "parquet"):
        raise SparkError(f"{path}: Spark reads only Parquet and folders of letters; score this table without Spark")
    isolated = session.newSession()
    for name, value in (_SETTINGS | {_NANOSECONDS: str(path is not None).lower()}).items():
        isolated.conf.set(name, value)
    files = "*.parquet" if path and path.is_dir() else None
    rows = isolated.read.parquet(str(source), mergeSchema=True, pathGlobFilter=files)
    columns = ColumnMapping(columns=columns).resolve(rows.columns).columns
    check_columns(rows.columns, str(source), columns)
    if path:
        rows = _convert_nanoseconds(rows, path)
    return _spread(rows, columns)


def path_of(source: str | Path) -> Path | None:
    """Return a local path; None for a URI."""
    return Path(source) if isinstance(source, Path) or ":/" not in source else None


def column_of(rows: DataFrame, name: str) -> Column:
    """Return a column by name, which may contain dots."""
    return rows[_quote(name)]


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _convert_nanoseconds(rows: DataFrame, path: Path) -> DataFrame:
    """Convert timestamps in nanoseconds, which pandas writes and Spark reads as integers."""
    from pyspark.sql import functions as sql

    times = [field.name for field in read_schema(path) if str(field.type).startswith("timestamp[ns")]
    micros = {name: sql.expr(f"timestamp_micros({_quote(name)} div 1000)") for name in times}
    return rows.withColumns({name: value.cast("timestamp_ntz") for name, value in micros.items()})


def _spread(rows: DataFrame, columns: dict[str, str]) -> DataFrame:
    """Distribute rows over all cores; requests with the same summary stay together, so that it is read only once."""
    from pyspark.sql import functions as sql

    names = [columns.get(name, name) for name in ("clinical_summary", "request")]
    texts = [column_of(rows, name).cast("string") for name in names]
    cores = rows.sparkSession.sparkContext.defaultParallelism
    tasks = max(_TASKS_PER_CORE * cores, -(-rows.count() // _ROWS_PER_TASK))
    return rows.repartition(tasks, sql.coalesce(*texts))


def read_letters_with_spark(folder: str | Path, session: SparkSession | None = None) -> DataFrame:
    """Read all letters in a folder and its subfolders.

    Parameters
    ----------
    folder : str or Path
        A string may be any URI that Spark reads.
    session : SparkSession, optional

    Returns
    -------
    DataFrame
        The requests table with a column ``error``. A letter that can't be read, or duplicates one with an earlier path,
        is a row with its file and the reason. Letters are read lazily.

    Raises
    ------
    SparkError
        If Spark is not installed or can't find the folder.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as sql

    session = session or spark_session()
    with translate_spark_errors(str(folder)):
        letters = map_batches(_list_files(folder, session), _read_batches, _LETTER)
        path = sql.struct(sql.split("path", "/"), "path")
        first = sql.min(path).over(Window.partitionBy("content"))["path"]
        letters = letters.withColumn("first", first)
        is_repeated = sql.col("path") != sql.col("first")
        repeated = sql.concat(sql.lit(f"{SAME_LETTER} "), _file_name("first"))
        rows = letters.select(
            sql.explode_outer(sql.when(~is_repeated, sql.col("rows"))).alias("row"),
            sql.when(is_repeated, _file_name("path")).otherwise(sql.col("path")).alias("letter"),
            sql.when(is_repeated, repeated).otherwise(sql.col("reason")).alias("error"),
        )
        cells = {column.name: sql.col(f"row.{column.name}") for column in COLUMNS}
        cells["file"] = sql.coalesce(cells["file"], "letter")
        return rows.select(*(cell.alias(name) for name, cell in cells.items()), "error")


def _list_files(folder: str | Path, session: SparkSession) -> DataFrame:
    """Return paths and contents of files; the content of a file that is too large is null."""
    from pyspark.sql import functions as sql

    files = session.read.load(str(folder), "binaryFile", pathGlobFilter=_LETTERS, recursiveFileLookup=True)
    is_small = sql.col("length") <= MEMBER_BYTES
    return files.where(is_small).select("path", "content").union(files.where(~is_small).select("path", sql.lit(None)))


def _read_batches(batches: Batches) -> Batches:
    for batch in batches:
        paths = [path.removeprefix("file:") for path in batch.column("path").to_pylist()]
        files = zip(paths, batch.column("content").to_pylist(), strict=True)
        yield _build_batch(
            {path: _read(path, content) for path, content in files if is_letter_name(PurePath(path).name)}
        )


def _read(path: str, content: bytes | None) -> ReadLetter | Reject:
    if content is None:
        return Reject(path, "", f"is larger than {MEMBER_BYTES // MEGABYTE} MB")
    return read_bytes(content, path)


def _build_batch(reads: dict[str, ReadLetter | Reject]) -> pa.RecordBatch:
    """Return one row per letter: path, digest of the content, reason why it can't be read, and list of requests."""
    requests = build_requests(read for read in reads.values() if isinstance(read, ReadLetter))
    kinds = {"string": pa.string(), "double": pa.float64(), "timestamp_ntz": pa.timestamp("us")}
    schema = pa.schema([(column.name, kinds[_SQL_TYPES[column.kind]]) for column in COLUMNS])
    cells = pa.StructArray.from_arrays(arrays_of(requests, schema), fields=list(schema))
    items = (len(read.letter.items) if isinstance(read, ReadLetter) else 0 for read in reads.values())
    rows = pa.ListArray.from_arrays(pa.array(accumulate(items, initial=0), pa.int32()), cells)
    contents: list[str] = []
    reasons: list[str | None] = []
    for path, read in reads.items():
        if isinstance(read, Reject):
            contents.append(path)
            reasons.append(": ".join(filter(None, (read.place, read.reason))))
        else:
            contents.append(hashlib.sha256(repr(content_of(read)).encode()).hexdigest())
            reasons.append(None)
    texts = [pa.array(values, pa.string()) for values in (list(reads), contents, reasons)]
    return pa.RecordBatch.from_arrays([*texts, rows], ["path", "content", "reason", "rows"])


def _file_name(column: str) -> Column:
    """Return the file name of a path."""
    from pyspark.sql import functions as sql

    return sql.element_at(sql.split(column, "/"), -1)
