"""Remove what scanners, fax machines and programs print around a letter on each page: headers, footers, numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from imr_ml.letters.lines import column_width, had_room, tidy_lines

_EDGE_LINES = 5
"""A header or footer has no more lines; where more recur, it is the letter's own text that does."""
_MANY = 3
_LEAST_GAP = 8
_MOST_PAGES = 60
_DIGITS = re.compile(r"\d+")
_NUMBER = r"(?P<number>\d{1,4})"
_OF = r"(?:\s*(?:of|/|\|)\s*(?P<total>\d{1,4}))?"
_PAGE = re.compile(
    rf"[-\u2013\u2014|\[( ]*(?:(?:page|pg\.?|p\.)[\s:|#]*)?{_NUMBER}{_OF}[-\u2013\u2014|\]) .]*", re.IGNORECASE
)
_PAGE_WORD = re.compile(rf"(?:\bpage|\bpg\b\.?|\bp\.)[\s:|#]*{_NUMBER}\b{_OF}", re.IGNORECASE)
_TIME = re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]\.?m\b\.?)?", re.IGNORECASE)
_PHONE = re.compile(r"(?<!\d)(?:1[-. ]?)?\(?\d{3}\)?[-. ]?\d{3}[-. ]?\d{4}(?!\d)")
_SENDER = re.compile(
    r"\b(?:from|to|fax|tel|phone|rx|tx|rcvd|received|id)\b\s*[:.#]|\bFAX\b|\bFROM\b|\bRightFax\b", re.IGNORECASE
)
_LONGEST_FAX_LINE = 140
_CASE = re.compile(
    r"(?:IMR |MAXIMUS )?(?:case|claim|file)?\s*(?:number|no\.?|#)?\s*:?\s*[CS]M\d\d-\d{4,7}", re.IGNORECASE
)
_ID = re.compile(
    r"(?:claim|file|doc|document|bates|policy|ref|reference|control|claimant)\b[ #:.a-z]{0,12}[\d| /#-]{4,}", re.I
)
# What only the letter itself says, and what only the table on its first page does.
_OWN = re.compile(
    r"(?:^|:\s*)(?:upheld|overturned)\b|guideline\s*:|decision\s+rationale|medically\s+necessary|DOCUMENTS\s+REVIEWED"
    r"|CASE\s+SUMMARY|RATIONALE|IMR\s+ISSUES|HOW\s+THE\s+IMR|Relied\s+Upon|His/Her\s+Decision|\brequest\s+for\b"
    r"|\bClaims\s+Administrator\b|\bReviewer\b|\bbased\s+(?:on|his|her|its|their)\b|\bdid\s+not\s+cite\b",
    re.IGNORECASE,
)
_HEAD = re.compile(
    r"\b(?:Date\s+Assigned|Date\s+of\s+Injury|Decision\s+Date|Denial\s+Date|Priority|Case\s+Number)\s*:|^Received\s*:"
    r"|^Application\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"www\.|://|@")
_GOES_ON = re.compile(r"[a-z]-$|[,;:]$|[a-z]\. [A-Z]")
_ENDS_SENTENCE = re.compile(r"[.!?][\"')\]]*$")


def without_furniture(text: str) -> list[str]:
    r"""Tidy lines of a letter without its page furniture.

    A form feed ends a page; in a text without any, numbered lines do.

    Examples
    --------
    >>> without_furniture("The knee\n- 1 -\n\x0clocks.\n- 2 -\n")
    ['The knee', 'locks.']
    """
    pages = [page for page in text.split("\f") if page.strip()]
    lines = _cut_pages(pages[0]) if len(pages) == 1 else [tidy_lines(page) for page in pages]
    return [line for page in bare_pages(lines) for line in page]


def bare_pages(pages: Sequence[list[str]]) -> list[list[str]]:
    """The lines of each page without those that stand at its edges and are no part of the letter.

    Parameters
    ----------
    pages : sequence of list of str
        Tidy lines of each page; not changed.
    """
    for edge in (0, -1):
        pages = _without_edge(pages, edge)
    return list(pages)


def _without_edge(pages: Sequence[list[str]], edge: int) -> list[list[str]]:
    recurring = _recurring(pages, edge)
    first = next((index for index, page in enumerate(pages) if page), 0)
    first_case = next((index for index, page in enumerate(pages) if any(map(_CASE.search, page))), 0)
    rest = [list(page) for page in pages]
    for _ in range(_EDGE_LINES):
        numbers = _page_numbers(rest, edge)
        gone = [
            bool(page)
            and (index in numbers or _shape(page[edge]) in recurring or _is_stamp(page[edge]))
            and not (index == first_case and _is_first_case(page, edge))
            and not _is_own(page[edge])
            and not (edge == 0 and index == first and _is_head(page[edge]))
            for index, page in enumerate(rest)
        ]
        if not any(gone):
            break
        for page, is_gone in zip(rest, gone, strict=True):
            if is_gone:
                page.pop(edge)
    return rest


def _recurring(pages: Sequence[list[str]], edge: int) -> set[str]:
    """Shapes of the lines that stand at the same edge of most pages and nowhere else; their digits may differ."""
    rest = filled = [page if edge == 0 else page[::-1] for page in pages if page]
    within = {_shape(line) for page in filled for line in page[_EDGE_LINES:-_EDGE_LINES]}
    recurring: set[str] = set()
    for _ in range(_EDGE_LINES + 1):
        counts = Counter(_shape(page[0]) for page in rest if page)
        bodies = {_shape(page[0]) for page in rest if len(page) > 1}
        found = {shape for shape in counts.keys() & bodies if _recurs(shape, counts[shape], len(filled))}
        found -= within | recurring
        gone = found | {_shape(page[0]) for page in rest if page and _is_numbered(page[0])}
        if not gone:
            return recurring
        recurring |= found
        rest = [page[1:] if page and _shape(page[0]) in gone else page for page in rest]
    # So much recurs only in a text that says the same on several pages.
    return set()


def _recurs(shape: str, count: int, pages: int) -> bool:
    """Whether so many lines of one shape are furniture by their number, and by their wording no part of a sentence."""
    if count < 2 or 2 * count < pages or _GOES_ON.search(shape):
        return False
    is_prose = (shape[0].islower() and not _ADDRESS.search(shape)) or (count < _MANY and _ENDS_SENTENCE.search(shape))
    return not is_prose


def _page_numbers(pages: Sequence[list[str]], edge: int) -> set[int]:
    """Places of the pages whose line at the edge is a page number: that of its page, or one that counts on."""
    marks = {index: mark for index, page in enumerate(pages) if page and (mark := _PAGE.fullmatch(page[edge]))}
    ahead = Counter(int(mark["number"]) - index for index, mark in marks.items())
    return {
        index
        for index, mark in marks.items()
        if int(mark["number"]) == index + 1
        or ahead[int(mark["number"]) - index] > 1
        or (mark["total"] and int(mark["total"]) == len(pages))
    }


def _cut_pages(text: str) -> list[list[str]]:
    """Pages of a text without form feeds, cut at lines that count on and at those that recur as often as a page has."""
    placed = [(place, line) for place, raw in enumerate(text.splitlines()) for line in tidy_lines(raw)]
    cuts = {*_counting(placed), *_regular(placed)}
    pages: list[list[str]] = [[]]
    for place, line in placed:
        if place in cuts or _is_fax_line(line):
            pages.append([])
        else:
            pages[-1].append(line)
    return pages


def _counting(placed: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Places of the lines that number pages: alike but for a number that is greater by one each time."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for place, line in placed:
        if mark := _PAGE.fullmatch(line) or _PAGE_WORD.search(line):
            groups.setdefault(_shape(line), []).append((place, int(mark["number"])))
    for marks in groups.values():
        counts_on = all(after == before + 1 for (_, before), (_, after) in pairwise(marks))
        if len(marks) > 1 and counts_on and marks[0][1] <= _MOST_PAGES:
            yield from (place for place, _ in marks)


def _regular(placed: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Places of the lines that recur after as many lines each time, and of those that hold a case number alone."""
    groups: dict[str, list[int]] = {}
    has_case = False
    for order, (place, line) in enumerate(placed):
        if _CASE.fullmatch(line) and has_case and order > _LEAST_GAP:
            yield place
        elif not _is_own(line) and not (order < _LEAST_GAP and _HEAD.search(line)):
            groups.setdefault(_shape(line), []).append(order)
        has_case = has_case or _CASE.search(line) is not None
    lines = [line for _, line in placed]
    shapes, width = list(map(_shape, lines)), column_width(lines)
    for shape, orders in groups.items():
        if _ENDS_SENTENCE.search(shape) or not _recurs(shape, len(orders), 0):
            continue
        is_at_end = orders[0] == 0 or orders[-1] == len(lines) - 1
        is_wrapped = any(
            not had_room(lines[order], lines[order + 1], width) for order in orders if order + 1 < len(lines)
        )
        if (is_at_end or _is_regular([placed[order][0] for order in orders])) and not is_wrapped:
            yield from (placed[order][0] for order in orders if _interrupts(shapes, orders))


def _is_regular(places: list[int]) -> bool:
    gaps = [after - before for before, after in pairwise(places)]
    return len(places) >= _MANY and max(gaps) - min(gaps) <= 1 and min(gaps) > _LEAST_GAP


def _interrupts(shapes: Sequence[str], orders: Sequence[int]) -> bool:
    """Whether other text stands before and after a line wherever it recurs, but for a line or two that belong to it."""
    sides = (_context(shapes, orders, step) for step in (-1, 1))
    return all(2 * len(set(filter(None, beside))) > sum(map(bool, beside)) for beside in sides)


def _context(shapes: Sequence[str], orders: Sequence[int], step: int) -> list[str]:
    """The nearest lines that differ, past those that may belong to the line; empty at the text's end."""
    beside: list[str] = []
    for distance in range(step, 4 * step, step):
        beside = [shapes[order + distance] if 0 <= order + distance < len(shapes) else "" for order in orders]
        common = set(filter(None, beside))
        if len(common) != 1 or not _recurs(min(common), len(orders), 0):
            break
    return beside


def _is_numbered(line: str) -> bool:
    return _PAGE.fullmatch(line) is not None or _is_stamp(line)


def _is_stamp(line: str) -> bool:
    """Whether the line is one of a fax machine, or a case, claim or document number alone."""
    return _CASE.fullmatch(line) is not None or _ID.fullmatch(line) is not None or _is_fax_line(line)


def _is_fax_line(line: str) -> bool:
    """Whether a fax machine wrote the line: when, from or to whom, which page."""
    if len(line) > _LONGEST_FAX_LINE or _OWN.search(line):
        return False
    is_timed, is_called = bool(_TIME.search(line)), bool(_PHONE.search(line))
    has_sender, has_page = bool(_SENDER.search(line)), bool(_PAGE_WORD.search(line))
    return (is_timed or is_called) and (has_page or (has_sender and (is_timed + is_called + has_page) > 1))


def _is_own(line: str) -> bool:
    return _OWN.search(line) is not None


def _is_head(line: str) -> bool:
    """Whether the line belongs to the table on the first page."""
    return _HEAD.search(line) is not None and not _is_fax_line(line)


def _is_first_case(page: Sequence[str], edge: int) -> bool:
    """Whether the line at an edge has the letter's case number, and no line before it on its page."""
    return _CASE.search(page[edge]) is not None and (edge == 0 or not any(map(_CASE.search, page[:-1])))


def _shape(line: str) -> str:
    return _DIGITS.sub("#", line)
