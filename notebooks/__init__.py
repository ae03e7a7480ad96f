"""Notebooks that look at the data; they import the package and hold no logic of their own."""
