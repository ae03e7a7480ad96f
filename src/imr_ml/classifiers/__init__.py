"""Classifiers: feature frames -> probabilities of an overturned denial and of each guideline family."""
