"""Scoring on Apache Spark: the same rows and numbers as `score_file`, on as many machines as the cluster has."""
