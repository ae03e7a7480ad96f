"""Start a Spark session and convert Spark errors to one-line messages."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from imr_ml.errors import ImrError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

Batches = Iterator["pa.RecordBatch"]
_INSTALL = "install it with pip install 'imr-ml[spark]', and Java 17 or newer"
LOCAL = "local[*]"
ROWS_AT_ONCE = 2000


class SparkError(ImrError):
    """Spark is not installed, failed, or does not support the input."""


def spark_session(master: str = LOCAL) -> SparkSession:
    """Return the active session, or start one.

    Parameters
    ----------
    master : str
        Master of a new session, e.g. ``local[2]`` for two cores of this machine or ``spark://host:7077`` for a cluster.

    Raises
    ------
    SparkError
        If Spark or Java is not installed, or Spark does not start.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise SparkError(f"Spark is not installed; {_INSTALL}") from None
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    java_home = os.environ.get("JAVA_HOME")
    if not ((Path(java_home) / "bin" / "java").exists() if java_home else shutil.which("java")):
        raise SparkError(f"Spark needs Java, which is not on the PATH or in JAVA_HOME; {_INSTALL}")
    if master.startswith("local"):
        # By default, workers run the first python3 on the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # The Spark UI may show clinical text.
    builder = SparkSession.builder.master(master).appName("imr-ml").config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())
    try:
        with _quiet():
            return builder.config("spark.log.level", "ERROR").getOrCreate()
    except PySparkException as error:
        raise SparkError(f"Spark does not start ({error.getCondition()}); {_INSTALL}") from error


@contextmanager
def translate_spark_errors(source: str) -> Iterator[None]:
    """Convert Spark errors to one-line messages without data."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        condition = error.getCondition() or type(error).__name__
        raise SparkError(f"{source}: Spark could not finish ({condition}); see its log for the cause") from error
    except Py4JError as error:
        raise SparkError(f"{source}: Spark could not finish; see its log for the cause") from error


def map_batches(rows: DataFrame, function: Callable[[Batches], Batches], schema: StructType | str) -> DataFrame:
    """Apply a function to Arrow batches of the rows, lazily.

    Parameters
    ----------
    rows : DataFrame
    function : callable
        From an iterator of batches to an iterator of batches.
    schema : StructType or str
        Schema of the result.
    """
    with _quiet():
        return rows.mapInArrow(function, schema)


def arrays_of(frame: pd.DataFrame, schema: pa.Schema) -> list[pa.Array]:
    """Return the columns of a frame as arrays with the types of the schema."""
    table = pa.Table.from_pandas(frame, schema, preserve_index=False)
    return [column.combine_chunks() for column in table.columns]


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress PySpark's warning about pandas 3, because only Arrow data is sent."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield
