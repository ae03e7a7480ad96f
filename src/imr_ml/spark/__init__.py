"""Scoring on Apache Spark, with the same numbers as `score_file`."""
