"""Tokenize text regardless of spacing, case, hyphens and brackets, and map tokens to offsets in the original text."""

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
# "(-)" and "(+)" state that a clinical sign is absent or present; rare characters stand in for them.
_SIGNS = {"(-)": " \u2296 ", "(+)": " \u2295 "}
_PUNCTUATION = frozenset(".,;:!?#%'\u2295\u2296")
# The tokenizer strips punctuation one character at a time: a ruled line of thousands would take seconds.
_RULED_LINE = re.compile(r"([.,;:!?#%'])\1{3,}")
_POSSESSIVE = re.compile(r"(?<=\w)'s\b")
_RUN = re.compile(" {2,}")
# Letters have line breaks inside dates and case numbers: "10-28- 2016".
_DATE = re.compile(r"[0-9][0-9]{0,3}\s*[-/]\s*\d{1,2}\s*[-/]\s*\d{2,4}(?![\d/]|\s*mg)")
_CASE_NUMBER = re.compile(r"(?<!\w)[cs]m\s*\d{2}\s*-?\s*\d{5,8}(?!\w)")
_PREFIX = re.compile(r"^(?:[.,;:!?#%']|x(?=\d))")
_SUFFIX = re.compile(r"[.,;:!?#%']$|(?<=\d)[a-z]+$")
# The tokenizer never splits these words, so the shortcut gives the same tokens. Most phrases in the rule files match.
_PLAIN_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*")
_INFIX = re.compile(r"(?<=[a-z0-9])[.,;:!?#%](?=[a-z])|(?<=[a-z])[.,;:!?#](?=\d)|(?<=\d)x(?=\d)")


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Map from character positions in the normalized text to the original text.

    Attributes
    ----------
    positions : array of int, shape (n_runs,)
        Positions in the normalized text where the shift changes, ascending.
    shifts : array of int, shape (n_runs,)
        Difference between the original and the normalized position.
    """

    positions: "NDArray[np.int64]"
    shifts: "NDArray[np.int64]"

    def original(self, positions: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Return the original position of each position, same shape."""
        shifts: NDArray[np.int64] = self.shifts[np.searchsorted(self.positions, positions, side="right") - 1]
        return positions + shifts


class _CharacterMap(dict[int, str]):
    """Translation table that keeps letters, digits and meaningful punctuation, and replaces the rest with spaces."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        mapped = "'" if char in "\u2019\u02bc" else char if char.isalnum() or char in _PUNCTUATION else " "
        self[code] = mapped
        return mapped


@cache
def _character_map() -> _CharacterMap:
    return _CharacterMap()


def lower_case(text: str) -> str:
    """Lower-case a text in any script without changing its length.

    >>> lower_case("MRI of the LEFT knee")
    'mri of the left knee'
    """
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def mask_numbers(lower: str) -> str:
    """Replace numeric dates and case numbers with spaces of the same length.

    >>> mask_numbers("seen 10-13-16, case cm16-0213037.")
    'seen         , case             .'
    """
    if "cm" in lower or "sm" in lower:
        lower = _CASE_NUMBER.sub(_blank, lower)
    return _DATE.sub(_blank, lower)


def _blank(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())


def normalize(text: str) -> tuple[str, OffsetMap]:
    """Lower-case a text with single spaces between words, and return it with the map to the original text.

    >>> normalize("EMG/NCV  (left)")[0]
    'emg ncv left '
    """
    lower = mask_numbers(lower_case(text))
    for sign, character in _SIGNS.items():
        if sign in lower:
            lower = lower.replace(sign, character)
    cleaned = lower.translate(_character_map())
    if "'s" in cleaned:
        cleaned = _POSSESSIVE.sub("  ", cleaned)
    if any(mark * 4 in cleaned for mark in _PUNCTUATION):
        cleaned = _RULED_LINE.sub(_blank, cleaned)
    stripped = cleaned.lstrip(" ")
    pieces, positions, shifts = [], [0], [len(cleaned) - len(stripped)]
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
    """Lexeme ids and half-open spans in the original text of a doc's tokens, shape (n_tokens,) each."""

    orths: "NDArray[np.uint64]"
    starts: "NDArray[np.int64]"
    ends: "NDArray[np.int64]"


class ClinicalTokenizer(DummyTokenizer):
    """Apply spaCy's tokenizer to the normalized text, and store `TokenColumns` in the user data of the doc."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab
        self._tokenizer = Tokenizer(
            vocab,
            prefix_search=_PREFIX.search,
            suffix_search=_SUFFIX.search,
            infix_finditer=_INFIX.finditer,
        )

    def __call__(self, text: str) -> Doc:
        """Tokenize a text."""
        if _PLAIN_WORDS.fullmatch(text):
            words = text.split(" ")
            return Doc(self.vocab, words=words, spaces=[True] * (len(words) - 1) + [False])
        normalized, offsets = normalize(text)
        doc: Doc = self._tokenizer(normalized)
        doc.user_data["columns"] = _columns(doc, offsets)
        return doc


@registry.tokenizers(TOKENIZER)  # type: ignore[untyped-decorator]
def make_tokenizer() -> Callable[["Language"], ClinicalTokenizer]:
    """Return a factory of the tokenizer for a pipeline."""
    return lambda nlp: ClinicalTokenizer(nlp.vocab)


def _columns(doc: Doc, offsets: OffsetMap | None = None) -> TokenColumns:
    columns: Any = doc.to_array(["ORTH", "IDX", "LENGTH"])
    starts = columns[:, 1].astype(np.int64)
    # A token contains no spaces, so its first and last characters have the same shift.
    starts = starts if offsets is None else offsets.original(starts)
    return TokenColumns(columns[:, 0], starts, starts + columns[:, 2].astype(np.int64))


def token_columns(doc: Doc) -> TokenColumns:
    """Return the columns of a doc, computed on first use if the tokenizer did not store them."""
    columns: TokenColumns | None = doc.user_data.get("columns")
    if columns is None:
        columns = doc.user_data["columns"] = _columns(doc)
    return columns
