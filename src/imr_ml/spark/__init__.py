"""Score on Apache Spark, with the same results as `score_file`."""
