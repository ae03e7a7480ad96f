"""Find quantities: "2-3 times a week for 6 weeks" -> 18 visits over 6 weeks, "10/325mg" -> 10 mg."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from imr_ml.nlp.types import Quantity, Unit

_TO_TWELVE = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
NUMBER_WORDS: dict[str, int] = {word: value for value, word in enumerate(_TO_TWELVE, start=1)}
NUMBER_WORDS |= {"fourteen": 14, "fifteen": 15, "sixteen": 16, "eighteen": 18, "twenty": 20, "thirty": 30}
NUMBER_WORDS |= {"once": 1, "twice": 2, "single": 1}
WEEKS_PER_MONTH = 52 / 12

_WORD = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_NUMBER = rf"(?:\d{{1,4}}(?:\.\d+)?(?![\d/])|(?:{_WORD})\b)(?:\s*\(\s*(?:\d{{1,3}}|{_WORD})\s*\))?"
_RANGE = rf"{_NUMBER}(?:\s*(?:-|\u2013|to|or)\s*{_NUMBER})?"
_EACH = r"(?:per|a|each|every|/)"
_VISITS = r"(?:visits?|sessions?|appointments?|treatments?)\b"
_TIMES_EACH = rf"(?:(?:x|times?|visits?|sessions?|treatments?|days?)\s*{_EACH}?|{_EACH})"
_WEEKLY = rf"(?:\s*{_TIMES_EACH}\s*(?:weeks?|wks?|weekly)\b|\s+weekly\b(?!\s+(?:\w+\s+)?{_VISITS}))"
_FOR = r"(?:for|x|times|over)(?![a-z])\s*(?:the\s+next\s+|up\s+to\s+|a\s+total\s+of\s+)?"
_LINK = rf"(?:(?:[,;\s]*|[,\s]*(?:[^.;\s\d]+\s+){{0,8}}?){_FOR}|[,\s]+)"
_PERIOD = r"weeks?|wks?|months?|mos?"
_NO_PERIOD = r"(?!\s*-)(?!\s*(?:\w+\s+)?(?:visits?|sessions?|treatments?|days?|refills?|tab|cap|mg))"
_UNITS = r"mg|tabs?|tablets?|refills?|minutes?|hours?|hrs?|days?|weeks?|wks?|months?|years?"
_FILLER = rf"(?!(?:{_UNITS}|times|x|per|out|of|and|to|the)\b)[a-z/'-]+"
_PIECES = r"(?:tablets?|tabs?|capsules?|caps?|pills?|patch(?:es)?)\b"
_DOSING = r"(?!\s*(?:by\s+mouth|po\b|orally|every|at|once|twice|daily|per|a\s+day|q\d|bid|tid|before|prior))"
# The text after a number (its tail) determines the unit; without a tail, the text before it does.
_TAILS = (
    rf"(?P<schedule>{_WEEKLY}{_LINK}(?P<span>{_RANGE})(?:\s*-?\s*(?P<span_unit>{_PERIOD})\b|{_NO_PERIOD}))",
    rf"(?P<frequency>{_WEEKLY})",
    rf"(?P<product>\s*(?:x|times)\s*(?P<right>{_NUMBER})(?:\s*-?\s*(?P<right_unit>{_PERIOD})\b)?)",
    rf"(?P<weeks>\s*-?\s*(?P<weeks_unit>{_PERIOD})\b)",
    r"(?P<days>\s*-?\s*days?\b)",
    r"(?P<refills>\s*refills?\b)",
    rf"(?P<pieces>\s*{_PIECES}{_DOSING})",
    rf"(?P<visits>\s+(?:{_FILLER}\s+){{0,4}}?{_VISITS})",
)
_ALTERNATIVES = (
    r"(?P<date>\d{1,4}\s*[-/]\s*\d{1,2}\s*[-/]\s*\d{2,4}(?![\d/]|\s*mg))",
    r"(?P<dose>\d+(?:\.\d+)?(?:\s*[-/]\s*\d+(?:\.\d+)?){0,4}\s*-?\s*(?P<dose_unit>mg|mcg|milligrams?|micrograms?)\b)",
    r"(?P<percent>(?P<percent_n>\d+(?:\.\d+)?)\s*(?:%|percent\b))",
    rf"(?P<bare>{_RANGE})(?:{'|'.join(_TAILS)})?",
)
_REFILLS_BEFORE = re.compile(r"refills?\s*(?:x|times|:|#|-|\()?\s*$")
_VISITS_BEFORE = re.compile(r"\b(?:visit|session|treatment)s?\b[^.;\d]{0,28}(?:#|,|:|\bx|times|qty|quantity)\s*$")
_COUNT_BEFORE = re.compile(r"(?:#|\bqty\b|\bquantity\b)\s*(?:of|:|#|\.|-)?\s*$")
# "Alert and oriented x 3" and "seizures x2" are not visits.
_TIMES_BEFORE = re.compile(r"(?<!oriented )(?<!seizures )(?<!episodes )(?:\btimes|\bx)\s*$")
# Quick check: most numbers do not follow any of the words in the patterns above.
_NAMED_BEFORE = re.compile(r"refill|visit|session|treatment|#|qty|quantity|times|x")
_BEFORE_CHARS, _BEFORE_SPACED_CHARS = 48, 240
_DECIMAL = re.compile(r"\d+(?:\.\d+)?")
_VALUE = re.compile(rf"\d+(?:\.\d+)?|(?:{_WORD})\b")
# A number above a year of daily visits is something else (a code, a room, a price); a few pieces are a single dose.
_MAX_VISITS, _MAX_FACTOR, _MIN_PIECES = 366, 60, 5

_Measures = Iterator[tuple[Unit, float]]


@cache
def _grammar() -> re.Pattern[str]:
    return re.compile("|".join(_ALTERNATIVES))


def find_quantities(lower: str, starts: Iterable[int]) -> list[Quantity]:
    """Find the quantities in a text, in order.

    Parameters
    ----------
    lower : str
        The text in lower case.
    starts : iterable of int
        Start of each number, in digits or words, in ascending order.

    Examples
    --------
    >>> [(q.unit, q.value) for q in find_quantities("twelve sessions", [0])]
    [('visits', 12.0)]
    >>> [(q.unit, q.value) for q in find_quantities("2-3 times a week for 6 weeks", [0, 2, 21])]
    [('visits', 18.0), ('weeks', 6.0)]
    """
    match_at, done, quantities = _grammar().match, 0, list[Quantity]()
    for start in starts:
        if start < done or (match := match_at(lower, start)) is None:
            continue
        done = match.end()
        if reader := _READERS.get(match.lastgroup or ""):
            quantities.extend(Quantity(unit, value, start, done) for unit, value in reader(match))
    return quantities


def _upper_end(text: str) -> float:
    """Return the largest number in a text, the upper end of a range."""
    return max(float(NUMBER_WORDS.get(number) or number) for number in _VALUE.findall(text))


def _preceding_text(match: re.Match[str]) -> str:
    """Return the text before a number, with single spaces for any white space."""
    spaced = match.string[max(0, match.start() - _BEFORE_SPACED_CHARS) : match.start()]
    return " ".join(f"{spaced}.".split())[-_BEFORE_CHARS - 1 : -1]


def _in_weeks(value: float, period: str | None) -> float:
    return round(value * WEEKS_PER_MONTH, 1) if period and period.startswith("mo") else value


def _dose(match: re.Match[str]) -> _Measures:
    parts = [float(part) for part in _DECIMAL.findall(match["dose"])]
    scale = 0.001 if match["dose_unit"].startswith(("mc", "mic")) else 1.0
    # "7.5-325mg" and "75-0.2mg" name two ingredients, "5-10mg" a range.
    is_range = "/" not in match["dose"] and len(parts) == 2 and parts[0] < parts[1] < 10 * parts[0]
    yield "dose_mg", (parts[1] if is_range else parts[0]) * scale
    if len(parts) > 1 and not is_range:
        yield "ingredients", float(len(parts))


def _percent(match: re.Match[str]) -> _Measures:
    yield "percent", float(match["percent_n"])


def _schedule(match: re.Match[str]) -> _Measures:
    weeks = _in_weeks(_upper_end(match["span"]), match["span_unit"])
    visits = round(_upper_end(match["bare"]) * weeks)
    if visits <= _MAX_VISITS:
        yield "visits", float(visits)
        yield "weeks", weeks


def _product(match: re.Match[str]) -> _Measures:
    left, right = _upper_end(match["bare"]), _upper_end(match["right"])
    weeks = _in_weeks(right, match["right_unit"])
    if max(left, right) > _MAX_FACTOR or left * weeks > _MAX_VISITS:
        return
    yield "visits", float(round(left * weeks))
    if match["right_unit"]:
        yield "weeks", weeks


def _visits(match: re.Match[str]) -> _Measures:
    if (visits := _upper_end(match["bare"])) <= _MAX_VISITS:
        yield "visits", visits


def _weeks(match: re.Match[str]) -> _Measures:
    yield "weeks", _in_weeks(_upper_end(match["bare"]), match["weeks_unit"])


def _days(match: re.Match[str]) -> _Measures:
    yield "days", _upper_end(match["bare"])


def _refills(match: re.Match[str]) -> _Measures:
    yield "refills", _upper_end(match["bare"])


def _pieces(match: re.Match[str]) -> _Measures:
    pieces = _upper_end(match["bare"])
    if pieces >= _MIN_PIECES or _COUNT_BEFORE.search(_preceding_text(match)):
        yield "count", pieces


def _bare(match: re.Match[str]) -> _Measures:
    """Determine the unit from the text before the number: "#60", "QTY: 2", "refills: 2", "sessions, 12", "times 8"."""
    preceding = _preceding_text(match)
    if not _NAMED_BEFORE.search(preceding):
        return
    value = _upper_end(match["bare"])
    if _REFILLS_BEFORE.search(preceding):
        yield "refills", value
    elif _VISITS_BEFORE.search(preceding) and value <= _MAX_VISITS:
        yield "visits", value
    elif _COUNT_BEFORE.search(preceding):
        yield "count", value
    elif _TIMES_BEFORE.search(preceding) and value <= _MAX_FACTOR:
        yield "visits", value


# Dates and bare frequencies match too, so that their numbers are not read as quantities, but have no reader.
_READERS: dict[str, Callable[[re.Match[str]], _Measures]] = {
    "dose": _dose,
    "percent": _percent,
    "schedule": _schedule,
    "product": _product,
    "visits": _visits,
    "weeks": _weeks,
    "days": _days,
    "refills": _refills,
    "pieces": _pieces,
    "bare": _bare,
}
