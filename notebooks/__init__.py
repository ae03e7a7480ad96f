"""Notebooks on the data and the models; they import the package and contain no logic of their own."""
