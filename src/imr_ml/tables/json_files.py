"""Read JSON lines, JSON arrays, and every orientation of `DataFrame.to_json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import NUL, detect_encoding, read_lines, read_text
from imr_ml.tables.table import MAX_COLUMNS, RejectedLine, Rows, Table, batch_records, check_distinct

DOCUMENT_BYTES = 256 << 20
"""Limit of one JSON document, which is read at once; files of JSON lines may have any size."""
_LARGEST_INTEGER = 2.0**63
Row = dict[str, Any]
Record = tuple[Row | RejectedLine, int]


def open_json(path: Path) -> Table:
    """Open a file of JSON lines or one JSON document; see `Table.open`."""
    document = _read_document(path)
    columns = tuple(
        dict.fromkeys(key for row, _ in _read_records(path, document) if isinstance(row, dict) for key in row)
    )
    if len(columns) > MAX_COLUMNS:
        raise SchemaError(f"{path}: has more than {MAX_COLUMNS} different keys")
    if not columns:
        first = next((row for row, _ in _read_records(path, document) if isinstance(row, RejectedLine)), None)
        reason = f": no line is an object (line {first.line} {first.reason})" if first else ""
        raise SchemaError(f"{path}: has no row{reason}")

    def read(rows: int, wanted: tuple[str, ...]) -> Iterator[Rows]:
        for batch, rejects in batch_records(_read_records(path, document), rows):
            yield frame_of_rows(batch, wanted), rejects

    name = "JSON lines" if document is None else "JSON"
    return Table(path, "json", columns, f"{name}, {detect_encoding(path).codec}", read)


def _read_records(path: Path, document: list[Any] | None) -> Iterator[Record]:
    if document is not None:
        for number, value in enumerate(document, start=1):
            row = _check_object(value, "")
            text = json.dumps(value, default=str) if isinstance(row, str) else ""
            yield (RejectedLine(number, text, row) if isinstance(row, str) else row), len(str(value))
        return
    for line in read_lines(path):
        text = line.text.strip()
        if text:
            row = line.flaw or parse_object(text)
            yield (RejectedLine(line.number, text, row) if isinstance(row, str) else row), len(text)


def _read_document(path: Path) -> list[Any] | None:
    """Read the rows of a single JSON document; return None for JSON lines."""
    filled = (line for line in read_lines(path) if line.text.strip())
    first, second = next(filled, None), next(filled, None)
    if first is None:
        return []
    is_object = first.flaw is None and isinstance(parse_object(first.text.strip()), dict)
    if is_object and second is not None:
        return None
    try:
        return _extract_rows(_load_document(path), path)
    except SchemaError:
        if second is None or (first.text.lstrip().startswith("[") and not isinstance(parse_object(second.text), dict)):
            raise
        return None


def _load_document(path: Path) -> Any:
    text = read_text(path, DOCUMENT_BYTES)
    if text is None:
        raise SchemaError(
            f"{path}: is one JSON document of more than {DOCUMENT_BYTES >> 20} MB; write one object a line"
        )
    try:
        return json.loads(text)
    except RecursionError:
        raise SchemaError(f"{path}: is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"{path}: is not JSON (line {error.lineno}, column {error.colno}); correct it, or write one object a line"
        ) from None
    except ValueError:
        raise SchemaError(f"{path}: contains a number with too many digits") from None


def _extract_rows(value: Any, path: Path) -> list[Any]:
    """Extract rows from a list of objects, one object, or any orientation of `DataFrame.to_json`."""
    if isinstance(value, list):
        if value and all(isinstance(row, list) for row in value):
            raise SchemaError(f"{path}: its rows are lists without column names; write it with orient='records'")
        return value
    if not isinstance(value, dict):
        raise SchemaError(f"{path}: is not an object or a list of objects")
    if set(value) == {"columns", "index", "data"}:
        names = check_distinct([str(name) for name in value["columns"]], path)
        return _add_labels(value["index"], [dict(zip(names, row, strict=True)) for row in value["data"]])
    if set(value) == {"schema", "data"}:
        return _add_labels([row.pop("index", place) for place, row in enumerate(value["data"])], value["data"])
    inner = list(value.values())
    if not inner or not all(isinstance(row, dict) and row.keys() == inner[0].keys() for row in inner) or not inner[0]:
        return [value]
    if _are_labels(value) and not _are_labels(inner[0]):
        return _add_labels(list(value), inner)
    columns = zip(*(row.values() for row in inner), strict=True)
    return _add_labels(list(inner[0]), [dict(zip(value, cells, strict=True)) for cells in columns])


def _add_labels(labels: list[Any], rows: list[Row]) -> list[Row]:
    """Add the index to rows as a column, unless it only numbers them."""
    if [str(label) for label in labels] == [str(place) for place in range(len(rows))]:
        return rows
    return [{"index": label} | row for label, row in zip(labels, rows, strict=True)]


def _are_labels(names: Row) -> bool:
    """Whether keys are row labels, such as case numbers, and not column names."""
    return all(any(character.isdigit() for character in name) for name in names)


def parse_object(text: str) -> Row | str:
    """Parse a line as an object; return the reason if it is not a valid one."""
    if "\\u0000" in text:
        return NUL
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return _parse_leniently(text)
    # Python's parser handles integers that are too large for orjson.
    if isinstance(value, dict) and _needs_python_parser(value):
        return _parse_leniently(text)
    return _check_object(value, text)


def _needs_python_parser(row: Row) -> bool:
    return any(
        type(value) in (dict, list) or (type(value) is float and abs(value) >= _LARGEST_INTEGER)
        for value in row.values()
    )


def _parse_leniently(text: str) -> Row | str:
    """Parse an object that may contain NaN, Infinity and integers of any size, as Python writes them."""
    try:
        return _check_object(json.loads(text), text)
    except RecursionError:
        return "is nested too deeply"
    except json.JSONDecodeError as error:
        return f"is not JSON (column {error.colno})"
    except ValueError:
        return "contains a number with too many digits"


def _check_object(value: object, text: str) -> Row | str:
    if not isinstance(value, dict):
        return "is not an object"
    try:
        written = text or json.dumps(value, ensure_ascii=False)
        (written if "\\u" not in written else json.dumps(value, ensure_ascii=False)).encode()
    except UnicodeError:
        return "contains half a surrogate pair"
    return NUL if "\0" in written or (not text and "\\u0000" in written) else value


def frame_of_rows(batch: list[Row], wanted: tuple[str, ...]) -> pd.DataFrame:
    """Build a frame of Python values, with lists and objects as JSON text."""
    columns = {name: pd.Series([_convert_cell(row.get(name)) for row in batch], dtype="object") for name in wanted}
    return pd.DataFrame(columns, index=range(len(batch)))


def _convert_cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
