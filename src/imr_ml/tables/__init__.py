"""Tables in: a file of any format, encoding and dialect -> chunks of rows, each bad row with its reason.

Knows file formats, encodings and limits. Knows nothing of requests or models. Names are loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
