"""Data types of the spaCy stage: facts, quantities, section views and settings."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Category = Literal[
    "DMEPOS",
    "Diagnostic Testing",
    "Evaluation & Management",
    "Home Health",
    "Injection",
    "Pharmaceuticals",
    "Programs",
    "Psych Services",
    "Surgery",
    "Therapies",
    "Transportation",
    "Other",
]
"""Treatment request categories of the DWC decision search."""
CATEGORIES: tuple[str, ...] = get_args(Category)
Kind = Literal["treatment", "body", "drug", "class", "diagnosis", "finding"]
Unit = Literal["visits", "weeks", "days", "dose_mg", "ingredients", "count", "refills", "percent"]


class RuleError(ValueError):
    """A rule file cannot be used: the message names the file, the entry and what to change."""


# Tuples, as a table of requests has millions of them and a dataclass takes four times as long to make.
class Fact(NamedTuple):
    """One thing the text mentions, traceable to the rule that found it.

    Attributes
    ----------
    kind : {"treatment", "body", "drug", "class", "diagnosis", "finding"}
        What it is; ``class`` is a drug class.
    value : str
        Canonical name, e.g. ``"lumbar_spine"``.
    start, end : int
        Place in the original text, in characters, half-open.
    negated : bool
        Whether the text denies it ("no spasm").
    rule : str
        Rule file and entry, e.g. ``"findings.toml:spasm"``.
    """

    kind: Kind
    value: str
    start: int
    end: int
    negated: bool
    rule: str


class Quantity(NamedTuple):
    """A number with its meaning; a range counts as its upper end ("2-3 times a week for 6 weeks": 18).

    Attributes
    ----------
    unit : {"visits", "weeks", "days", "dose_mg", "ingredients", "count", "refills", "percent"}
        ``dose_mg`` is the first one's; ``ingredients`` counts a combination's doses ("10/325mg": 2).
    value : float
    start, end : int
        Place in the original text, in characters, half-open.
    """

    unit: Unit
    value: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section of a letter, read.

    Attributes
    ----------
    tokens : tuple of str
        Lower-case words in order, then one canonical token for each fact (``treatment=mri``,
        ``no_finding=spasm``) and quantity (``visits_6``). Words of a negated fact carry the prefix ``no_``.
        Bare numbers, dates and case numbers are left out.
    offsets : tuple of (int, int)
        Place of each token in the original text, in characters, half-open; empty if not requested.
    facts : tuple of Fact
        In text order.
    quantities : tuple of Quantity
        In text order.
    """

    tokens: tuple[str, ...] = ()
    offsets: tuple[tuple[int, int], ...] = ()
    facts: tuple[Fact, ...] = ()
    quantities: tuple[Quantity, ...] = ()


@dataclass(frozen=True, slots=True)
class NlpSettings:
    """Options of the spaCy stage.

    Attributes
    ----------
    negation : bool
        Mark facts the text denies.
    mask_determination : bool
        Leave out sentences that state the reviewer's own conclusion. The decision of utilization review
        stays: it is known beforehand.
    canonical_tokens : bool
        Add a token for each fact and quantity to the words.
    offsets : bool
        Give the tokens' places; tables of tokens do without.
    """

    negation: bool = True
    mask_determination: bool = True
    canonical_tokens: bool = True
    offsets: bool = True
