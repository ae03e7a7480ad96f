"""Read a folder of letters into the requests table on Spark."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.ingest.archives import MEGABYTE, MEMBER_BYTES
from imr_ml.ingest.ingestion import SAME_LETTER, Reject, content_of, is_letter_name, read_bytes
from imr_ml.spark.session import Batches, arrays_of, mapped, spark_session, translate_spark_errors

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

_LETTERS = "*.{[pP][dD][fF],[tT][xX][tT]}"
_SQL_TYPES = {"text": "string", "families": "string", "number": "double", "date": "timestamp_ntz"}
_ROW = ", ".join(f"{column.name}: {_SQL_TYPES[column.kind]}" for column in COLUMNS)
_READ = f"path string, content string, reason string, rows array<struct<{_ROW}>>"


def read_letters_with_spark(folder: str | Path, session: SparkSession | None = None) -> DataFrame:
    """Read all letters in a folder and those below it.

    Parameters
    ----------
    folder : str or Path
        A string may be any address that Spark reads.
    session : SparkSession, optional

    Returns
    -------
    DataFrame
        The requests table with a column ``error``: a letter that can't be read, or says the same as one whose path
        comes before its own, is a row with its file and the reason. Nothing is read before it is requested.

    Raises
    ------
    SparkError
        Where Spark is missing or finds no such folder.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as sql

    session = session or spark_session()
    with translate_spark_errors(str(folder)):
        read = mapped(_files(folder, session), _read_batches, _READ)
        place = sql.struct(sql.split("path", "/"), "path")
        first = sql.min(place).over(Window.partitionBy("content"))["path"]
        letters = read.withColumn("first", first).withColumn("again", sql.col("path") != sql.col("first"))
        rows = letters.select(
            sql.explode_outer(sql.when(~sql.col("again"), sql.col("rows"))).alias("row"),
            sql.when(sql.col("again"), _name("path")).otherwise(sql.col("path")).alias("letter"),
            sql.when(sql.col("again"), sql.concat(sql.lit(f"{SAME_LETTER} "), _name("first")))
            .otherwise(sql.col("reason"))
            .alias("error"),
        )
        cells = {column.name: sql.col(f"row.{column.name}") for column in COLUMNS}
        cells["file"] = sql.coalesce(cells["file"], "letter")
        return rows.select(*(cell.alias(name) for name, cell in cells.items()), "error")


def _files(folder: str | Path, session: SparkSession) -> DataFrame:
    """Paths and contents; a file that is too large is not read."""
    from pyspark.sql import functions as sql

    found = session.read.load(str(folder), "binaryFile", pathGlobFilter=_LETTERS, recursiveFileLookup=True)
    fits = sql.col("length") <= MEMBER_BYTES
    return found.where(fits).select("path", "content").union(found.where(~fits).select("path", sql.lit(None)))


def _read_batches(batches: Batches) -> Batches:
    for batch in batches:
        files = zip(batch.column("path").to_pylist(), batch.column("content").to_pylist(), strict=True)
        yield _batch_of(
            [(path, _read(path, content)) for path, content in files if is_letter_name(PurePath(path).name)]
        )


def _read(path: str, content: bytes | None) -> ReadLetter | Reject:
    path = path.removeprefix("file:")
    if content is None:
        return Reject(path, "", f"is larger than {MEMBER_BYTES // MEGABYTE} MB")
    return read_bytes(content, path)


def _batch_of(reads: list[tuple[str, ReadLetter | Reject]]) -> pa.RecordBatch:
    """One row a letter, with its requests as a list."""
    import pyarrow as pa

    requests = build_requests(read for _, read in reads if isinstance(read, ReadLetter))
    kinds = {"string": pa.string(), "double": pa.float64(), "timestamp_ntz": pa.timestamp("us")}
    schema = pa.schema([(column.name, kinds[_SQL_TYPES[column.kind]]) for column in COLUMNS])
    cells = pa.StructArray.from_arrays(arrays_of(requests, schema), fields=list(schema))
    items = (len(read.letter.items) if isinstance(read, ReadLetter) else 0 for _, read in reads)
    starts = pa.array(accumulate(items, initial=0), pa.int32())
    rows = pa.ListArray.from_arrays(starts, cells)
    texts = pa.schema([(name, pa.string()) for name in ("path", "content", "reason")])
    first_readings = pa.RecordBatch.from_pylist([_first_reading(path, read) for path, read in reads], texts)
    return first_readings.append_column("rows", rows)


def _first_reading(path: str, read: ReadLetter | Reject) -> dict[str, str | None]:
    """A letter's path, what it holds as a digest, and why it can't be read."""
    path = path.removeprefix("file:")
    if isinstance(read, Reject):
        return {"path": path, "content": path, "reason": ": ".join(filter(None, (read.place, read.reason)))}
    return {"path": path, "content": hashlib.sha256(repr(content_of(read)).encode()).hexdigest(), "reason": None}


def _name(column: str) -> Column:
    """The file's name of a path."""
    from pyspark.sql import functions as sql

    return sql.element_at(sql.split(column, "/"), -1)
