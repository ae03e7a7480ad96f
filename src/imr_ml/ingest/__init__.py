"""Ingest letters from files, folders, zips and tables into the requests table, each letter once."""
