"""Sweeps: search the settings of an experiment, and measure the gain on held-out cases."""
