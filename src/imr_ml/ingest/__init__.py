"""Ingest letters from files, folders, zips and tables into the requests table, each letter once.

What a row looks like, `table` knows; what the table is on disk, `store`.
"""
