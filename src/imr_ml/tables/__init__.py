"""Tables in: a file of any format, encoding and dialect -> chunks of rows, each bad row with its reason.

Knows file formats, encodings and limits. Knows nothing of requests or models. Names are loaded when first used.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.tables.formats import is_table, spooled, table_format
    from imr_ml.tables.naming import parse_map, renamed, suggestion
    from imr_ml.tables.reading import column_names, read_chunks, told
    from imr_ml.tables.types import Chunk, Reading

_HOMES = {
    "Chunk": "types",
    "Reading": "types",
    "column_names": "reading",
    "is_table": "formats",
    "parse_map": "naming",
    "read_chunks": "reading",
    "renamed": "naming",
    "spooled": "formats",
    "suggestion": "naming",
    "table_format": "formats",
    "told": "reading",
}

__all__ = [
    "Chunk",
    "Reading",
    "column_names",
    "is_table",
    "parse_map",
    "read_chunks",
    "renamed",
    "spooled",
    "suggestion",
    "table_format",
    "told",
]

__getattr__ = names_of(__name__, _HOMES)
