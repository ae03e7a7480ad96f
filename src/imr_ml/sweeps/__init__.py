"""Sweeps: search the settings of an experiment, and measure on other cases what the search gains."""
