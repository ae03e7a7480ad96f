"""Experiments: one TOML file holds every setting of a model and its evaluation."""
