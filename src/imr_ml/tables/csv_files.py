"""Read CSV files with any delimiter and quotation mark; a broken line is rejected without its neighbors."""

from __future__ import annotations

import csv
import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from typing import Any

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import ROW_BYTES, Line, detect_encoding, read_lines
from imr_ml.tables.table import RejectedLine, Rows, Table, batch_records, clean_header, text_frame

UNCLOSED = "has an unclosed quotation mark"
UNDOUBLED = "has a quotation mark inside a quoted cell that is not doubled"
MAX_LINES = 2000
"""A row that spans more lines has an unclosed quotation mark."""
_MIN_LINES = 20
_SAMPLE_LINES = 1000
_SEP_LINE = re.compile(r"sep=(.)\s*$", re.IGNORECASE)
Dialect = dict[str, Any]
"""Keyword arguments of `csv.reader`."""


def open_csv(path: Path) -> Table:
    """Open a CSV file; see `Table.open`."""
    skipped, dialect = _sniff(path)
    feed = _Feed(islice(read_lines(path), skipped, None))
    header = next((row for row in _read_rows(feed, dialect, 1) if isinstance(row, RejectedLine) or any(row)), [])
    if isinstance(header, RejectedLine):
        raise SchemaError(f"{path}: can't be read as CSV: its header {header.reason}; check the file")
    columns = clean_header(header, path)
    used = skipped + feed.used + len(feed.record)

    def read(rows: int, wanted: tuple[str, ...]) -> Iterator[Rows]:
        records = _read_records(_Feed(islice(read_lines(path), used, None)), dialect, len(columns))
        for cells, rejects in batch_records(records, rows):
            yield text_frame(cells, columns, wanted), rejects

    return Table(path, "csv", columns, f"CSV, {detect_encoding(path).codec}, {dialect['delimiter']!r}", read)


@dataclass(slots=True)
class _Feed:
    """Feeds lines to `csv.reader` and takes them back if they are not one row."""

    lines: Iterator[Line]
    returned: deque[Line] = field(default_factory=deque)
    record: list[Line] = field(default_factory=list)
    used: int = 0
    max_lines: int = MAX_LINES

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if len(self.record) >= self.max_lines or sum(len(line.text) for line in self.record) > ROW_BYTES:
            raise _NotARowError(UNCLOSED)
        line = self.returned.popleft() if self.returned else next(self.lines)
        self.record.append(line)
        if line.flaw:
            raise _NotARowError(line.flaw if len(self.record) == 1 else UNCLOSED)
        return line.text

    def accept(self) -> None:
        """Count the lines of the record as used."""
        self.used += len(self.record)
        self.record.clear()
        self.max_lines = min(MAX_LINES, self.max_lines * 2)

    def reject_first(self, reason: str) -> RejectedLine:
        """Reject the first line of the record and return the others."""
        first, *others = self.record
        self.returned.extendleft(reversed(others))
        self.record.clear()
        self.used += 1
        # Consecutive unclosed marks must not cause the same lines to be read repeatedly.
        self.max_lines = max(_MIN_LINES, self.max_lines // 2) if others else self.max_lines
        return RejectedLine(first.number, first.text.rstrip("\r\n"), reason)


class _NotARowError(Exception):
    """The lines of the record are not a row."""


def _read_rows(feed: _Feed, dialect: Dialect, width: int) -> Iterator[list[str] | RejectedLine]:
    """Yield the cells of each row, and rejected lines; blank lines are skipped."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(feed, strict=True, **dialect)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except (csv.Error, _NotARowError) as error:
            is_open = isinstance(error, csv.Error) and (len(feed.record) > 1 or "unexpected end" in str(error))
            reason = str(error) if isinstance(error, _NotARowError) else UNCLOSED if is_open else UNDOUBLED
            yield feed.reject_first(reason)
            reader = csv.reader(feed, strict=True, **dialect)
            continue
        if len(feed.record) > 1 and _swallows_rows(feed.record, dialect["delimiter"], width):
            yield feed.reject_first(UNCLOSED)
            continue
        yield row
        feed.accept()


def _read_records(feed: _Feed, dialect: Dialect, width: int) -> Iterator[tuple[list[str] | RejectedLine, int]]:
    """Yield rows as wide as the header and rejected lines, each with its size."""
    for row in _read_rows(feed, dialect, width):
        if isinstance(row, RejectedLine):
            yield row, 0
        elif len(row) < width or any(row[width:]):
            if any(cell.strip() for cell in row):
                line, text = feed.record[0].number, "".join(line.text for line in feed.record).rstrip("\r\n")
                cells = f"{len(row)} cell{'s' if len(row) > 1 else ''}"
                yield RejectedLine(line, text, f"has {cells}, the header has {width}"), 0
        else:
            yield row[:width], sum(map(len, row))


def _swallows_rows(record: list[Line], delimiter: str, width: int) -> bool:
    """Whether an unclosed quotation mark joined several rows: each line has all delimiters and a similar start."""
    starts = {re.sub(r"\d+", "0", line.text.partition(delimiter)[0]) for line in record}
    is_id = width > 1 and len(starts) == 1 and "0" in next(iter(starts))
    return is_id and all(line.text.count(delimiter) == width - 1 for line in record)


def _sniff(path: Path) -> tuple[int, Dialect]:
    r"""Return the number of lines before the header, and the simplest dialect in which most rows match its width.

    Libraries guess wrong: csv.Sniffer fails on one column and on backslashes, clevercsv 0.8 splits at a semicolon in a
    summary, and DuckDB disables quoting after one unclosed mark.
    """
    lines = [line.text for line in islice(read_lines(path), _SAMPLE_LINES)]
    sep = _SEP_LINE.match(lines[0]) if lines else None
    lines = lines[1:] if sep else lines
    text = "".join(lines)
    delimiters = sep.group(1) if sep else ",;\t|"
    quotes = '"' if text.count('"') >= text.count("'") or not re.match(r"\s*'", text) else "'"
    escapes = [None, "\\"] if re.search(r"\\[\"']", text) else [None]
    blanks = [False, True] if re.search(r"[,;\t|] +[\"']", text) else [False]
    options = [
        {"delimiter": delimiter, "quotechar": quotes, "escapechar": escape, "skipinitialspace": blank}
        for escape, blank, delimiter in product(escapes, blanks, delimiters)
    ]
    # A delimiter that the header lacks splits no row, so all rows have the same width.
    return int(bool(sep)), max(options, key=lambda dialect: _measure_fit(lines, dialect))


def _measure_fit(lines: list[str], dialect: Dialect) -> tuple[bool, float, int]:
    """Return whether the dialect splits the header, the share of rows as wide as it, and its width."""
    feed = _Feed(Line(number, text) for number, text in enumerate(lines))
    widths = [0 if isinstance(row, RejectedLine) else len(row) for row in _read_rows(feed, dialect, 0) if row]
    if not widths:
        return False, 0.0, 0
    width, *rows = widths
    return width > 1, sum(row == width for row in rows) / max(1, len(rows)), width
