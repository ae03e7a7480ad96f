"""Find the pages of a text without form feeds by its recurring lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from imr_ml.letters.lines import column_width, had_room, tidy_lines
from imr_ml.letters.stamps import (
    ADDRESS,
    CASE_NUMBER,
    DIGITS,
    ENDS_SENTENCE,
    LONGEST_STAMP,
    MANY,
    PAGE_NUMBER,
    PAGE_WORD,
    is_case_title,
    is_own,
    is_stamp,
    recurs,
    shape_of,
)

_LEAST_GAP = 8
_MOST_PAGES = 60
# No letter has more; to look at each of a million lines takes seconds.
_MOST_LINES = 20_000


def cut_pages(text: str) -> list[list[str]]:
    """Cut a text without form feeds into pages at page numbers and at regularly recurring lines."""
    placed = [(place, line) for place, raw in enumerate(text.splitlines()) for line in tidy_lines(raw)]
    if len(placed) > _MOST_LINES:
        return [[line for _, line in placed]]
    cuts = {*_counting(placed), *_regular(placed)}
    pages: list[list[str]] = [[]]
    for place, line in placed:
        if place in cuts or is_stamp(line):
            pages.append([])
        else:
            pages[-1].append(line)
    return pages


def _counting(placed: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Positions of page numbers: similar lines whose number grows by one each time."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for place, line in placed:
        if len(line) > LONGEST_STAMP or not DIGITS.search(line):
            continue
        if mark := PAGE_NUMBER.fullmatch(line) or PAGE_WORD.search(line):
            groups.setdefault(shape_of(line), []).append((place, int(mark["number"])))
    for marks in groups.values():
        counts_on = all(after == before + 1 for (_, before), (_, after) in pairwise(marks))
        if len(marks) > 1 and counts_on and marks[0][1] <= _MOST_PAGES:
            yield from (place for place, _ in marks)


def _regular(placed: Sequence[tuple[int, str]]) -> Iterator[int]:
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
        if not recurs(shape, len(orders), 0) or ENDS_SENTENCE.search(shape) or is_own(lines[orders[0]]):
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
        if len(common) != 1 or not recurs(min(common), len(orders), 0):
            break
    return beside
