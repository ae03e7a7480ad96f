"""Drift: whether the requests of a batch still resemble the training data of a model."""
