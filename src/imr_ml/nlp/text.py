"""Normalize text to spaCy tokens regardless of spacing, case, hyphens or brackets, keeping the original offsets."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.tokenizer import Tokenizer  # type: ignore[import-not-found]
from spacy.tokens import Doc
from spacy.util import DummyTokenizer, registry
from spacy.vocab import Vocab

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from spacy.language import Language

TOKENIZER = "imr_tokenizer"
# "(-)" and "(+)" say that a sign is absent or present: one character each, which no text holds otherwise.
_SIGNS = {"(-)": " \u2296 ", "(+)": " \u2295 "}
_KEPT = frozenset(".,;:!?#%'\u2295\u2296")
# The tokenizer takes marks off a word one by one: a ruled line of thousands would cost seconds.
_RULED_LINE = re.compile(r"([.,;:!?#%'])\1{3,}")
_POSSESSIVE = re.compile(r"(?<=\w)'s\b")
_RUN = re.compile(" {2,}")
# Letters break lines inside dates and case numbers: "10-28- 2016".
_DATE = re.compile(r"[0-9][0-9]{0,3}\s*[-/]\s*\d{1,2}\s*[-/]\s*\d{2,4}(?![\d/]|\s*mg)")
_CASE_NUMBER = re.compile(r"(?<!\w)[cs]m\s*\d{2}\s*-?\s*\d{5,8}(?!\w)")
_PREFIX = re.compile(r"^(?:[.,;:!?#%']|x(?=\d))")
_SUFFIX = re.compile(r"[.,;:!?#%']$|(?<=\d)[a-z]+$")
# Whatever the tokenizer does, each of these words is one token. Most phrases of the rules are such words.
_PLAIN_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*")
_INFIX = re.compile(r"(?<=[a-z0-9])[.,;:!?#%](?=[a-z])|(?<=[a-z])[.,;:!?#](?=\d)|(?<=\d)x(?=\d)")


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Map from character positions in the spaced text to the original text.

    Attributes
    ----------
    positions : array of int, shape (n_runs,)
        Ascending positions in the spaced text where a shift begins.
    shifts : array of int, shape (n_runs,)
        Added to a position to get the original one.
    """

    positions: "NDArray[np.int64]"
    shifts: "NDArray[np.int64]"

    def original(self, positions: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Original position of each position, same shape."""
        shifts: NDArray[np.int64] = self.shifts[np.searchsorted(self.positions, positions, side="right") - 1]
        return positions + shifts


class _Spacer(dict[int, str]):
    """Translation table: letters, digits and meaningful punctuation stay, all else becomes a space."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kept = "'" if char in "\u2019\u02bc" else char if char.isalnum() or char in _KEPT else " "
        self[code] = kept
        return kept


@cache
def _spacer() -> _Spacer:
    return _Spacer()


def lowered(text: str) -> str:
    """Lower-case a text without changing its length, whatever the script.

    >>> lowered("MRI of the LEFT knee")
    'mri of the left knee'
    """
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def masked(lower: str) -> str:
    """Blank numeric dates and case numbers, keeping the length.

    >>> masked("seen 10-13-16, case cm16-0213037.")
    'seen         , case             .'
    """
    if "cm" in lower or "sm" in lower:
        lower = _CASE_NUMBER.sub(_blank, lower)
    return _DATE.sub(_blank, lower)


def _blank(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())


def spaced(text: str) -> tuple[str, OffsetMap]:
    """Lower-case a text, one space between words, with the map back to the original's characters.

    >>> spaced("EMG/NCV  (left)")[0]
    'emg ncv left '
    """
    lower = masked(lowered(text))
    for sign, character in _SIGNS.items():
        if sign in lower:
            lower = lower.replace(sign, character)
    same_length = lower.translate(_spacer())
    if "'s" in same_length:
        same_length = _POSSESSIVE.sub("  ", same_length)
    if any(mark * 4 in same_length for mark in _KEPT):
        same_length = _RULED_LINE.sub(_blank, same_length)
    stripped = same_length.lstrip(" ")
    pieces, positions, shifts = [], [0], [len(same_length) - len(stripped)]
    last = 0
    for run in _RUN.finditer(stripped):
        start, end = run.span()
        pieces.append(stripped[last : start + 1])
        shifts.append(shifts[-1] + end - start - 1)
        positions.append(end - (shifts[-1] - shifts[0]))
        last = end
    pieces.append(stripped[last:])
    return "".join(pieces), OffsetMap(np.array(positions, dtype=np.int64), np.array(shifts, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class TokenColumns:
    """A doc's tokens as arrays of shape (n_tokens,): lexeme ids, half-open places in the original text."""

    orths: "NDArray[np.uint64]"
    starts: "NDArray[np.int64]"
    ends: "NDArray[np.int64]"


class ClinicalTokenizer(DummyTokenizer):
    """spaCy's tokenizer over the spaced text; the doc keeps its `TokenColumns` in its user data."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab
        self._words = Tokenizer(
            vocab,
            prefix_search=_PREFIX.search,
            suffix_search=_SUFFIX.search,
            infix_finditer=_INFIX.finditer,
        )

    def __call__(self, text: str) -> Doc:
        """Split a text."""
        if _PLAIN_WORDS.fullmatch(text):
            words = text.split(" ")
            return Doc(self.vocab, words=words, spaces=[True] * (len(words) - 1) + [False])
        plain, offsets = spaced(text)
        doc: Doc = self._words(plain)
        doc.user_data["columns"] = _columns(doc, offsets)
        return doc


@registry.tokenizers(TOKENIZER)  # type: ignore[untyped-decorator]
def make_tokenizer() -> Callable[["Language"], ClinicalTokenizer]:
    """Return what makes a pipeline's tokenizer."""
    return lambda nlp: ClinicalTokenizer(nlp.vocab)


def _columns(doc: Doc, offsets: OffsetMap | None = None) -> TokenColumns:
    columns: Any = doc.to_array(["ORTH", "IDX", "LENGTH"])
    starts = columns[:, 1].astype(np.int64)
    # No run of spaces stands inside a token, so its first character's shift is its last one's too.
    starts = starts if offsets is None else offsets.original(starts)
    return TokenColumns(columns[:, 0], starts, starts + columns[:, 2].astype(np.int64))


def token_columns(doc: Doc) -> TokenColumns:
    """Get the columns of a doc that the tokenizer made."""
    columns: TokenColumns | None = doc.user_data.get("columns")
    if columns is None:
        columns = doc.user_data["columns"] = _columns(doc)
    return columns
