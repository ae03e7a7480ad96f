"""The ladder: predictors from the simplest to the most complex, judged on the same grouped folds."""
