"""Remove page furniture that scanners, fax machines and programs add: headers, footers, page numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from imr_ml.letters.lines import column_width, had_room, tidy_lines
from imr_ml.letters.stamps import (
    ADDRESS,
    CASE_LINE,
    CASE_NUMBER,
    DIGITS,
    ENDS_SENTENCE,
    LONGEST_STAMP,
    MANY,
    PAGE_NUMBER,
    PAGE_WORD,
    is_case_title,
    is_furniture,
    is_header_line,
    is_letter_text,
    is_numbered,
    is_stamp,
    is_tail,
    shape_of,
)

_EDGE_LINES = 6
"""Maximum lines of a header or footer; if more lines recur, they are the letter's own text."""
_HEAD_LINES = 12
_LEAST_GAP = 8
_MOST_PAGES = 60
# No letter has more lines, and checking a million takes seconds.
_MOST_LINES = 20_000


def remove_furniture(text: str) -> list[str]:
    r"""Return the tidy lines of a letter without its page furniture.

    Pages end at form feeds or, if there are none, at page numbers and regularly recurring lines.

    Examples
    --------
    >>> remove_furniture("The knee\n- 1 -\n\x0clocks.\n- 2 -\n")
    ['The knee', 'locks.']
    """
    pages = [page for page in text.split("\f") if page.strip()]
    lines = _cut_pages(pages[0]) if len(pages) == 1 else [tidy_lines(page) for page in pages]
    return [line for page in remove_page_furniture(lines, is_marked=len(pages) > 1) for line in page]


def remove_page_furniture(pages: Sequence[list[str]], *, is_marked: bool = True) -> list[list[str]]:
    """Return the lines of each page without headers, footers and page numbers.

    Parameters
    ----------
    pages : sequence of list of str
        Tidy lines of each page; not changed.
    is_marked : bool
        Whether the file states its page breaks. If they were inferred, lines that look like sentences stay.
    """
    for edge in (0, -1):
        pages = _strip_edge(pages, edge, is_marked=is_marked)
    return _strip_tail(list(pages))


def _strip_edge(pages: Sequence[list[str]], edge: int, *, is_marked: bool) -> list[list[str]]:
    recurring = _find_recurring(pages, edge, is_marked=is_marked)
    first = next((index for index, page in enumerate(pages) if page), 0)
    first_case = next((index for index, page in enumerate(pages) if any(map(CASE_NUMBER.search, page))), 0)
    rest = [list(page) for page in pages]
    for _ in range(_EDGE_LINES):
        numbers = _find_numbered_pages(rest, edge)
        removed = [
            page
            and (
                index in numbers
                or shape_of(page[edge]) in recurring
                or is_stamp(page[edge])
                or CASE_LINE.fullmatch(page[edge])
                or (index > first_case and is_case_title(page[edge]))
            )
            and not (index == first_case and _is_first_case(page, edge))
            and not is_letter_text(page[edge])
            and not (edge == 0 and index == first and is_header_line(page[edge]))
            for index, page in enumerate(rest)
        ]
        if not any(removed):
            break
        for page, is_removed in zip(rest, removed, strict=True):
            if is_removed:
                page.pop(edge)
    return rest


def _is_first_case(page: Sequence[str], edge: int) -> bool:
    """Whether the line at an edge is the first of its page with a case number."""
    return CASE_NUMBER.search(page[edge]) is not None and (edge == 0 or not any(map(CASE_NUMBER.search, page[:-1])))


def _strip_tail(pages: list[list[str]]) -> list[list[str]]:
    """Remove the lines below the letter's last sentence."""
    last = next((page for page in reversed(pages) if page), [])
    while len(last) > 1 and ENDS_SENTENCE.search(last[-2]) and is_tail(last[-1]) and not last[-2].isupper():
        last.pop()
    return pages


def _find_recurring(pages: Sequence[list[str]], edge: int, *, is_marked: bool) -> set[str]:
    """Shapes of the lines that recur at the same edge of most pages and nowhere else."""
    rest = filled = [page if edge == 0 else page[::-1] for page in pages if page]
    recurring: set[str] = set()
    for _ in range(_EDGE_LINES + 1):
        counts = Counter(shape_of(page[0]) for page in rest if page)
        bodies = {shape_of(page[0]) for page in rest if len(page) > 1}
        shapes = {
            shape
            for shape in counts.keys() & bodies
            if is_furniture(shape, counts[shape], len(filled), is_marked=is_marked)
        }
        shapes -= recurring
        removed = shapes | {shape_of(page[0]) for page in rest if page and is_numbered(page[0])}
        if not removed:
            alike = bool(recurring) and _neighbors_recur(filled, rest)
            recurring = {shape for shape in recurring if not alike or is_tail(shape)}
            return recurring - _shapes_within(filled) if recurring else recurring
        recurring |= shapes
        rest = [page[1:] if page and shape_of(page[0]) in removed else page for page in rest]
    # Only pages with the same text have so many recurring lines.
    return set()


def _neighbors_recur(pages: Sequence[list[str]], rest: Sequence[list[str]]) -> bool:
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


def _find_numbered_pages(pages: Sequence[list[str]], edge: int) -> set[int]:
    """Indexes of the pages whose edge line is a page number that matches its page or continues the count."""
    marks = {index: mark for index, page in enumerate(pages) if page and (mark := PAGE_NUMBER.fullmatch(page[edge]))}
    ahead = Counter(int(mark["number"]) - index for index, mark in marks.items())
    return {
        index
        for index, mark in marks.items()
        if int(mark["number"]) == index + 1
        or ahead[int(mark["number"]) - index] > 1
        or (mark["total"] and int(mark["total"]) == len(pages))
    }


def _cut_pages(text: str) -> list[list[str]]:
    """Cut a text without form feeds into pages at page numbers and at regularly recurring lines."""
    placed = [(place, line) for place, raw in enumerate(text.splitlines()) for line in tidy_lines(raw)]
    if len(placed) > _MOST_LINES:
        return [[line for _, line in placed]]
    cuts = {*_find_page_numbers(placed), *_find_regular_lines(placed)}
    pages: list[list[str]] = [[]]
    for place, line in placed:
        if place in cuts or is_stamp(line):
            pages.append([])
        else:
            pages[-1].append(line)
    return pages


def _find_page_numbers(placed: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Positions of page numbers: similar lines whose number grows by one each time."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for place, line in placed:
        if len(line) > LONGEST_STAMP or not DIGITS.search(line):
            continue
        if mark := PAGE_NUMBER.fullmatch(line) or PAGE_WORD.search(line):
            groups.setdefault(shape_of(line), []).append((place, int(mark["number"])))
    for marks in groups.values():
        is_consecutive = all(after == before + 1 for (_, before), (_, after) in pairwise(marks))
        if len(marks) > 1 and is_consecutive and marks[0][1] <= _MOST_PAGES:
            yield from (place for place, _ in marks)


def _find_regular_lines(placed: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Positions of lines that recur at a regular distance, and of titles with the case number."""
    groups: dict[str, list[int]] = {}
    has_case = False
    shapes = [shape_of(line) for _, line in placed]
    for order, (place, line) in enumerate(placed):
        if len(line) > LONGEST_STAMP:
            continue
        groups.setdefault(shapes[order], []).append(order)
        if CASE_NUMBER.search(line):
            if has_case and order > _LEAST_GAP and is_case_title(line):
                yield place
            has_case = True
    lines = [line for _, line in placed]
    width = column_width(lines)
    for shape, orders in groups.items():
        if not is_furniture(shape, len(orders), 0) or ENDS_SENTENCE.search(shape) or is_letter_text(lines[orders[0]]):
            continue
        is_at_end = orders[0] == 0 or orders[-1] == len(lines) - 1
        is_wrapped = any(
            not had_room(lines[order], lines[order + 1], width) for order in orders if order + 1 < len(lines)
        )
        is_wrapped = is_wrapped and not ADDRESS.match(shape)
        if (is_at_end or _is_regular([placed[order][0] for order in orders])) and not is_wrapped:
            yield from (placed[order][0] for order in orders if _interrupts(shapes, orders))


def _is_regular(places: list[int]) -> bool:
    gaps = [after - before for before, after in pairwise(places)]
    return len(places) >= MANY and max(gaps) - min(gaps) <= 1 and min(gaps) > _LEAST_GAP


def _interrupts(shapes: Sequence[str], orders: Sequence[int]) -> bool:
    """Whether a recurring line interrupts different text each time."""
    sides = (_context(shapes, orders, step) for step in (-1, 1))
    return all(2 * len(set(filter(None, beside))) > sum(map(bool, beside)) for beside in sides)


def _context(shapes: Sequence[str], orders: Sequence[int], step: int) -> list[str]:
    """The nearest lines that differ between recurrences; empty at the end of the text."""
    beside: list[str] = []
    for distance in range(step, 4 * step, step):
        beside = [shapes[order + distance] if 0 <= order + distance < len(shapes) else "" for order in orders]
        common = set(filter(None, beside))
        if len(common) != 1 or not is_furniture(min(common), len(orders), 0):
            break
    return beside
