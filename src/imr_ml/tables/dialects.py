"""The first lines of a CSV file -> its dialect, and where its rows begin."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import product

from imr_ml.tables.types import ROW_BYTES

DELIMITERS = ",;\t|"
_SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_ROWS_TO_JUDGE_BY = 2000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are told apart; see `csv.Dialect`."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    blank_after_delimiter: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is RFC 4180 with any delimiter."""
        return self.quote == '"' and self.escape is None and not self.blank_after_delimiter

    def options(self) -> dict[str, object]:
        """Keyword arguments of `csv.reader`."""
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote,
            "escapechar": self.escape,
            "skipinitialspace": self.blank_after_delimiter,
        }


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a dialect fits: the part of rows that have as many cells as the header, and how many those are."""

    part: float
    cells: int


def sniffed(text: str) -> tuple[Dialect, int]:
    r"""Dialect of a file by its first lines, and how many characters of a ``sep=`` line stand before its header.

    The dialect is the plainest of those in which most rows have as many cells as the header.

    Examples
    --------
    >>> sniffed("request;age\nMRI, left knee;41\n")[0].delimiter
    ';'
    """
    told = _SEP_LINE.match(text)
    start = told.end() if told else 0
    lines = io.StringIO(text[start:], newline="").readlines()
    delimiters = told.group(1) if told else DELIMITERS
    plain = [Dialect(delimiter) for delimiter in delimiters]
    best, fit = _best(plain, lines)
    if fit.part < 1 or _is_quoted_by_apostrophes(lines, best):
        others = [
            Dialect(*parts)
            for delimiter in delimiters
            for parts in product([delimiter], *_signs(text, delimiter, only_apostrophes=fit.part == 1))
        ]
        other, other_fit = _best(others, lines)
        if (other_fit.part, other_fit.cells) > (fit.part, fit.cells) or fit.part == 1 == other_fit.part:
            best = other
    return best, start


def _signs(text: str, delimiter: str, *, only_apostrophes: bool) -> tuple[list[str], list[str | None], list[bool]]:
    """Quotation marks, escapes and blanks after delimiters, as far as the text gives cause to think of them."""
    begin = rf"(?:^|{re.escape(delimiter)})"
    starts = {quote: len(re.findall(rf"{begin} *{quote}", text, re.MULTILINE)) for quote in "\"'"}
    quotes = ["'"] if only_apostrophes else ['"', "'"][: 2 if starts["'"] > starts['"'] else 1]
    escapes: list[str | None] = [None, "\\"] if re.search(rf"""\\["'{re.escape(delimiter)}]""", text) else [None]
    return quotes, escapes, [False, True] if re.search(rf"""{re.escape(delimiter)} +["']""", text) else [False]


def _best(dialects: list[Dialect], lines: list[str]) -> tuple[Dialect, _Fit]:
    fits = {dialect: _fit(dialect, lines) for dialect in dialects}
    # A delimiter that does not stand in the header tells nothing apart, which every row does alike.
    best = max(dialects, key=lambda dialect: (fits[dialect].cells > 1, fits[dialect].part, fits[dialect].cells))
    return best, fits[best]


def _fit(dialect: Dialect, lines: list[str]) -> _Fit:
    limit = csv.field_size_limit(ROW_BYTES)
    reader = csv.reader(iter(lines), strict=True, **dialect.options())  # type: ignore[arg-type]
    good, rows, cells = 0, 0, 0
    try:
        while rows < _ROWS_TO_JUDGE_BY:
            try:
                row = next(reader)
            except csv.Error:
                rows += 1
                continue
            if row and cells == 0:
                cells = len(row)
            elif row:
                rows += 1
                good += len(row) == cells
    except StopIteration:
        pass
    finally:
        csv.field_size_limit(limit)
    return _Fit(good / rows if rows else 1.0, cells)


def _is_quoted_by_apostrophes(lines: list[str], dialect: Dialect) -> bool:
    header = next((line for line in lines if line.strip()), "")
    names = [name.strip() for name in header.split(dialect.delimiter)]
    return all(len(name) > 1 and name[0] == name[-1] == "'" for name in names)
