"""Scoring: requests in, the same rows with predictions, evidence and errors out."""
