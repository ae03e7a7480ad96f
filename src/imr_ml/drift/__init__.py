"""Drift: whether the requests of a batch are still like those that a model was trained on."""
