"""Corpus: many letters -> the requests table, its schema and its rejects; the sample corpus."""
