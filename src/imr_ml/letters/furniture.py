"""Remove page furniture that scanners, fax machines and programs add: headers, footers, page numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from imr_ml.letters.lines import tidy_lines
from imr_ml.letters.page_breaks import cut_pages
from imr_ml.letters.stamps import (
    CASE_LINE,
    CASE_NUMBER,
    ENDS_SENTENCE,
    PAGE_NUMBER,
    is_case_title,
    is_head,
    is_numbered,
    is_own,
    is_stamp,
    is_tail,
    recurs,
    shape_of,
)

_EDGE_LINES = 6
"""Maximum lines of a header or footer; if more lines recur, they are the letter's own text."""
_HEAD_LINES = 12


def without_furniture(text: str) -> list[str]:
    r"""Tidy lines of a letter without its page furniture.

    A form feed ends a page; in a text without any, numbered lines do.

    Examples
    --------
    >>> without_furniture("The knee\n- 1 -\n\x0clocks.\n- 2 -\n")
    ['The knee', 'locks.']
    """
    pages = [page for page in text.split("\f") if page.strip()]
    lines = cut_pages(pages[0]) if len(pages) == 1 else [tidy_lines(page) for page in pages]
    return [line for page in bare_pages(lines, is_marked=len(pages) > 1) for line in page]


def bare_pages(pages: Sequence[list[str]], *, is_marked: bool = True) -> list[list[str]]:
    """The lines of each page without its furniture at the edges.

    Parameters
    ----------
    pages : sequence of list of str
        Tidy lines of each page; not changed.
    is_marked : bool
        Whether the pages end where the file says so; else a line that ends as a sentence does is the letter's.
    """
    for edge in (0, -1):
        pages = _without_edge(pages, edge, is_marked=is_marked)
    return _without_tail(list(pages))


def _without_edge(pages: Sequence[list[str]], edge: int, *, is_marked: bool) -> list[list[str]]:
    recurring = _recurring(pages, edge, is_marked=is_marked)
    first = next((index for index, page in enumerate(pages) if page), 0)
    first_case = next((index for index, page in enumerate(pages) if any(map(CASE_NUMBER.search, page))), 0)
    rest = [list(page) for page in pages]
    for _ in range(_EDGE_LINES):
        numbers = _page_numbers(rest, edge)
        gone = [
            page
            and (
                index in numbers
                or shape_of(page[edge]) in recurring
                or is_stamp(page[edge])
                or CASE_LINE.fullmatch(page[edge])
                or (index > first_case and is_case_title(page[edge]))
            )
            and not (index == first_case and _is_first_case(page, edge))
            and not is_own(page[edge])
            and not (edge == 0 and index == first and is_head(page[edge]))
            for index, page in enumerate(rest)
        ]
        if not any(gone):
            break
        for page, is_gone in zip(rest, gone, strict=True):
            if is_gone:
                page.pop(edge)
    return rest


def _is_first_case(page: Sequence[str], edge: int) -> bool:
    """Whether the line at an edge has the letter's case number, and no line before it on its page."""
    return CASE_NUMBER.search(page[edge]) is not None and (edge == 0 or not any(map(CASE_NUMBER.search, page[:-1])))


def _without_tail(pages: list[list[str]]) -> list[list[str]]:
    """The pages without the lines below the letter's last sentence."""
    last = next((page for page in reversed(pages) if page), [])
    while len(last) > 1 and ENDS_SENTENCE.search(last[-2]) and is_tail(last[-1]) and not last[-2].isupper():
        last.pop()
    return pages


def _recurring(pages: Sequence[list[str]], edge: int, *, is_marked: bool) -> set[str]:
    """Shapes of the lines that recur at the same edge of most pages and nowhere else."""
    rest = filled = [page if edge == 0 else page[::-1] for page in pages if page]
    recurring: set[str] = set()
    for _ in range(_EDGE_LINES + 1):
        counts = Counter(shape_of(page[0]) for page in rest if page)
        bodies = {shape_of(page[0]) for page in rest if len(page) > 1}
        found = {
            shape for shape in counts.keys() & bodies if recurs(shape, counts[shape], len(filled), is_marked=is_marked)
        }
        found -= recurring
        gone = found | {shape_of(page[0]) for page in rest if page and is_numbered(page[0])}
        if not gone:
            alike = bool(recurring) and _go_on_alike(filled, rest)
            recurring = {shape for shape in recurring if not alike or is_tail(shape)}
            return recurring - _shapes_within(filled) if recurring else recurring
        recurring |= found
        rest = [page[1:] if page and shape_of(page[0]) in gone else page for page in rest]
    # So much recurs only in a text that says the same on several pages.
    return set()


def _go_on_alike(pages: Sequence[list[str]], rest: Sequence[list[str]]) -> bool:
    """Whether the lines next to a recurring edge line recur too, as in repeated text."""
    inner = [
        tuple(map(shape_of, left[:3])) for page, left in zip(pages, rest, strict=True) if left and len(left) < len(page)
    ]
    most = max(Counter(inner).values(), default=0)
    return most > 1 and 2 * most > len(inner)


def _shapes_within(pages: Sequence[list[str]]) -> set[str]:
    """Shapes of the lines inside the pages, except the table on the first page."""
    starts = [max(_EDGE_LINES, _HEAD_LINES), *[_EDGE_LINES] * len(pages)]
    return {shape_of(line) for page, start in zip(pages, starts, strict=False) for line in page[start:-_EDGE_LINES]}


def _page_numbers(pages: Sequence[list[str]], edge: int) -> set[int]:
    """Indexes of the pages whose edge line is a page number that matches or counts on."""
    marks = {index: mark for index, page in enumerate(pages) if page and (mark := PAGE_NUMBER.fullmatch(page[edge]))}
    ahead = Counter(int(mark["number"]) - index for index, mark in marks.items())
    return {
        index
        for index, mark in marks.items()
        if int(mark["number"]) == index + 1
        or ahead[int(mark["number"]) - index] > 1
        or (mark["total"] and int(mark["total"]) == len(pages))
    }
