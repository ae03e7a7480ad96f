"""Read HTML tables as rows of named cells, and describe unexpected pages.

What is said of a page holds its title, its headers and counts, and nothing that stands in a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from imr_ml.fetch.types import FetchError
from imr_ml.letters.header import read_date

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MEND = "imr_ml/fetch/site.py needs mending"
_MAX_CHARACTERS, _TOLD_TABLES = 60, 5


@dataclass(frozen=True, slots=True)
class Row:
    """One row's cells by the column they start in, and where the row stands.

    Attributes
    ----------
    cells : dict of int to node
        A cell that spans columns stands in the first of them.
    columns : mapping of str to int
        Field -> its column.
    number : int
        From 1, the header not counted.
    """

    cells: dict[int, LexborNode]
    columns: Mapping[str, int]
    url: str
    number: int

    def has(self, name: str) -> bool:
        """Whether a cell starts in the field's column."""
        return self.columns[name] in self.cells

    def cell(self, name: str) -> LexborNode:
        """The field's cell; raises `FetchError` where the row has none."""
        if not self.has(name):
            raise self.differs(f"a cell for {name}", f"{len(self.cells)} cells")
        return self.cells[self.columns[name]]

    def words(self, name: str) -> str:
        """The field's words."""
        return words_of(self.cell(name))

    def day(self, name: str) -> date | None:
        """The field's date, None where the cell is empty; raises `FetchError` for what is no date."""
        written = self.words(name)
        day = read_date(written)
        if written and day is None:
            raise self.differs(f"a date (MM/DD/YYYY) for {name}", "something else")
        return day

    def differs(self, expected: str, found: str) -> FetchError:
        """What to raise for a row that is not as expected."""
        return FetchError(
            f"{self.url}: row {self.number} of the results: expected {expected}; found {found}. The site's pages "
            f"changed: {MEND}"
        )


def parse(html: str) -> LexborHTMLParser:
    """A page's tree."""
    from selectolax.lexbor import LexborHTMLParser

    return LexborHTMLParser(html)


def words_of(node: LexborNode) -> str:
    """A node's text in one line."""
    return " ".join(node.text().split())


def rows_of(table: LexborNode, headers: Mapping[str, str], url: str, page: LexborHTMLParser) -> list[Row]:
    """Rows of a table below its header.

    Parameters
    ----------
    headers : mapping of str to str
        Field -> regular expression that the header of its column, and no other, holds.

    Raises
    ------
    FetchError
        Where a field fits no header, or more than one; names the fields and the headers found.
    """
    rows = table.css("tr")
    columns = _columns(_cells(rows[0]) if rows else {}, headers, url, page)
    return [Row(_cells(row), columns, url, number) for number, row in enumerate(rows[1:], start=1)]


def differs(url: str, expected: str, found: str, page: LexborHTMLParser) -> FetchError:
    """What to raise for a page that is not as expected."""
    title = page.css_first("title")
    named = f"title {words_of(title)[:_MAX_CHARACTERS]!r}" if title else "no title"
    tables = [node.attributes.get("class") or "no class" for node in page.css("table")]
    listed = f"tables of {', '.join(tables[:_TOLD_TABLES])}" if tables else "no table"
    return FetchError(
        f"{url}: expected {expected}; found {found} (a page with {named}, {listed}). The site's pages changed, or an "
        f"error page was sent: try again later, else {MEND}"
    )


def _columns(
    header: Mapping[int, LexborNode], headers: Mapping[str, str], url: str, page: LexborHTMLParser
) -> dict[str, int]:
    found = {place: words_of(cell) for place, cell in header.items()}
    columns: dict[str, int] = {}
    for name, pattern in headers.items():
        fits = [place for place, words in found.items() if re.search(pattern, words, re.IGNORECASE)]
        if len(fits) != 1:
            # Digits are left out, as a table that lost its header begins with a case.
            headers_shown = ", ".join(repr(re.sub(r"\d", "#", words)[:_MAX_CHARACTERS]) for words in found.values())
            expected = f"one column each for {', '.join(headers)}"
            raise differs(
                url, expected, f"{len(fits)} for {name} in the header {headers_shown or 'without cells'}", page
            )
        columns[name] = fits[0]
    return columns


def _cells(row: LexborNode) -> dict[int, LexborNode]:
    cells: dict[int, LexborNode] = {}
    place = 0
    for cell in row.iter():
        if cell.tag in ("td", "th"):
            cells[place] = cell
            span = cell.attributes.get("colspan") or ""
            place += int(span) if span.isdecimal() else 1
    return cells
