"""Scoring on Apache Spark: the same rows and numbers as `score_file`, on as many machines as the cluster has.

Knows Spark. A prediction is made where `score_file` makes it. Names are loaded when first used, so that nothing here
costs the start of a local job.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.scoring.spark.letters import read_letters_with_spark
    from imr_ml.scoring.spark.rows import score_with_spark
    from imr_ml.scoring.spark.session import SparkError, spark_session

_HOMES = {
    "SparkError": "session",
    "read_letters_with_spark": "letters",
    "score_with_spark": "rows",
    "spark_session": "session",
}

__all__ = ["SparkError", "read_letters_with_spark", "score_with_spark", "spark_session"]

__getattr__ = names_of(__name__, _HOMES)
