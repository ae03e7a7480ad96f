"""Temporary names for callers not yet moved."""

from imr_ml.tables.table import Table


def read_chunks(path, rows, columns=None):
    return Table.open(path).chunks(rows, columns)


def column_names(path):
    return Table.open(path).columns
