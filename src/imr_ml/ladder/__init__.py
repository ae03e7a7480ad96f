"""The ladder: predictors from the simplest to the most complex, evaluated on the same grouped folds."""
