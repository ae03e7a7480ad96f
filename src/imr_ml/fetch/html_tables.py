"""Read the tables of HTML pages as rows of named cells.

Errors state the title, headers and counts of a page, but not the content of a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from selectolax.lexbor import LexborHTMLParser, LexborNode

from imr_ml.fetch.types import FetchError
from imr_ml.letters.header import read_date

REPAIR = "imr_ml/fetch/site.py needs an update"
_MAX_CHARACTERS, _MAX_TABLES = 60, 5


class Page:
    """A parsed page of the site, with its address."""

    def __init__(self, html: str, url: str) -> None:
        self.url = url
        self.tree = LexborHTMLParser(html)

    def error(self, expected: str, found: str) -> FetchError:
        """Build the error for an unexpected page."""
        title = self.tree.css_first("title")
        title_shown = f"title {node_text(title)[:_MAX_CHARACTERS]!r}" if title else "no title"
        tables = [node.attributes.get("class") or "no class" for node in self.tree.css("table")]
        tables_shown = f"tables of {', '.join(tables[:_MAX_TABLES])}" if tables else "no table"
        return FetchError(
            f"{self.url}: expected {expected}; found {found} (a page with {title_shown}, {tables_shown}). The site's "
            f"pages changed, or an error page was sent: try again later, else {REPAIR}"
        )

    def table_rows(self, table: LexborNode, headers: Mapping[str, str]) -> list[Row]:
        """Rows of a table below its header; `headers` maps each field to a pattern of its header.

        Raises
        ------
        FetchError
            If a pattern matches no header or several; the message lists fields and headers.
        """
        rows = table.css("tr")
        columns = self._columns(_cells_by_column(rows[0]) if rows else {}, headers)
        return [Row(_cells_by_column(row), columns, self.url, number) for number, row in enumerate(rows[1:], start=1)]

    def _columns(self, header: Mapping[int, LexborNode], headers: Mapping[str, str]) -> dict[str, int]:
        texts = {column: node_text(cell) for column, cell in header.items()}
        columns: dict[str, int] = {}
        for name, pattern in headers.items():
            matches = [column for column, text in texts.items() if re.search(pattern, text, re.IGNORECASE)]
            if len(matches) != 1:
                # Digits are masked, as a table without a header starts with a case.
                shown = ", ".join(repr(re.sub(r"\d", "#", text)[:_MAX_CHARACTERS]) for text in texts.values())
                found = f"{len(matches)} for {name} in the header {shown or 'without cells'}"
                raise self.error(f"one column each for {', '.join(headers)}", found)
            columns[name] = matches[0]
        return columns


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells by first column, the columns of the fields, and its number from 1."""

    cells: dict[int, LexborNode]
    columns: Mapping[str, int]
    url: str
    number: int

    def has(self, name: str) -> bool:
        """Whether a cell starts in the field's column."""
        return self.columns[name] in self.cells

    def cell(self, name: str) -> LexborNode:
        """Return the cell of a field; raise `FetchError` if the row lacks it."""
        if not self.has(name):
            raise self.error(f"a cell for {name}", f"{len(self.cells)} cells")
        return self.cells[self.columns[name]]

    def text(self, name: str) -> str:
        """Text of a field."""
        return node_text(self.cell(name))

    def day(self, name: str) -> date | None:
        """Parse the date of a field, None for an empty cell; raise `FetchError` for other text."""
        text = self.text(name)
        day = read_date(text)
        if text and day is None:
            raise self.error(f"a date (MM/DD/YYYY) for {name}", "something else")
        return day

    def error(self, expected: str, found: str) -> FetchError:
        """Build the error for an unexpected row."""
        return FetchError(
            f"{self.url}: row {self.number} of the results: expected {expected}; found {found}. The site's pages "
            f"changed: {REPAIR}"
        )


def node_text(node: LexborNode) -> str:
    """Return the text of a node on one line."""
    return " ".join(node.text().split())


def _cells_by_column(row: LexborNode) -> dict[int, LexborNode]:
    """Cells by their first column."""
    cells: dict[int, LexborNode] = {}
    column = 0
    for cell in row.iter():
        if cell.tag in ("td", "th"):
            cells[column] = cell
            span = cell.attributes.get("colspan") or ""
            column += int(span) if span.isdecimal() else 1
    return cells
