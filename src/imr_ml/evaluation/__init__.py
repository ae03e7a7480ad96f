"""Evaluation: splits by case and by time, metrics with intervals, baselines, slices and permutation tests."""
