"""Evaluation: splits by case and by time, metrics with intervals, baselines, slices, and the proofs of no leakage."""
