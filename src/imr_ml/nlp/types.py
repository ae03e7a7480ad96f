"""Data types: facts, quantities, section views and settings."""

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
    """A rule file can't be used; the message names the file, the entry and what to change."""


# Tuples, because a table has millions of facts and a dataclass takes four times as long to create.
class Fact(NamedTuple):
    """A treatment, body part, drug or other concept in a text, with the rule that matched it.

    Attributes
    ----------
    kind : {"treatment", "body", "drug", "class", "diagnosis", "finding"}
        ``class`` is a drug class.
    value : str
        Canonical name, e.g. ``"lumbar_spine"``.
    start, end : int
        Half-open character span in the original text.
    negated : bool
        Whether the text negates it ("no spasm").
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
    """A number with its unit; the value of a range is its upper end ("2-3 times a week for 6 weeks": 18 visits).

    Attributes
    ----------
    unit : {"visits", "weeks", "days", "dose_mg", "ingredients", "count", "refills", "percent"}
        ``dose_mg`` is the dose of the first ingredient; ``ingredients`` is their number ("10/325mg": 2).
    value : float
    start, end : int
        Half-open character span in the original text.
    """

    unit: Unit
    value: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SectionView:
    """Tokens, facts and quantities of one section of a letter.

    Attributes
    ----------
    tokens : tuple of str
        Lower-case words in order, then a canonical token per fact (``treatment=mri``, ``no_finding=spasm``) and
        quantity (``visits_6``). Words of a negated fact have the prefix ``no_``. Bare numbers, dates and case numbers
        are omitted.
    offsets : tuple of (int, int)
        Half-open character span of each token in the original text; empty if not requested.
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
    """Options of text processing.

    Attributes
    ----------
    negation : bool
        Mark facts that the text negates.
    mask_determination : bool
        Omit sentences that state the reviewer's conclusion. The decision of utilization review is included, as it
        is known before the review.
    canonical_tokens : bool
        Add a token for each fact and quantity.
    offsets : bool
        Include the character spans of tokens.
    """

    negation: bool = True
    mask_determination: bool = True
    canonical_tokens: bool = True
    offsets: bool = True
