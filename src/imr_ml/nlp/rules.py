"""Read the TOML rule files, check them against a strict schema and list their phrases for the span ruler."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, create_model

from imr_ml.nlp.types import Category, Kind, RuleError

Canonical = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Phrase = Annotated[str, StringConstraints(min_length=2, pattern=r"^[a-z0-9][a-z0-9 .,'/&+#%-]*$")]
Abbreviation = Annotated[str, StringConstraints(min_length=2, pattern=r"^[A-Z][A-Z0-9 /&-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Term(_Strict):
    """Wording of a canonical name: phrases match in any case, abbreviations only in capitals ("PT")."""

    synonyms: tuple[Phrase, ...] = ()
    abbreviations: tuple[Abbreviation, ...] = ()


class Treatment(Term):
    """A treatment and its request category; specific treatments and drugs take precedence over generic treatments."""

    category: Category
    generic: bool = False


class Drug(Term):
    """A drug under its generic name, its brands, and its classes (a compound may have several)."""

    brands: tuple[Phrase, ...] = ()
    classes: tuple[Canonical, ...] = Field(min_length=1)


class NegationRules(_Strict):
    """Terms to add to and remove from negspacy's, and the reach of a cue in tokens."""

    preceding_reach: int = Field(gt=0)
    following_reach: int = Field(gt=0)
    add_pseudo: tuple[str, ...]
    add_preceding: tuple[str, ...]
    add_following: tuple[str, ...]
    add_termination: tuple[str, ...]
    remove: tuple[str, ...]


class DeterminationRules(_Strict):
    """Wording of the reviewer's conclusion.

    A sentence is masked if it contains an ``always`` phrase, or an ``unless_ur`` phrase and no ``ur`` phrase.
    """

    always: tuple[str, ...]
    unless_ur: tuple[str, ...]
    ur: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A phrase for the span ruler; with ``capitals``, only text in capitals matches."""

    kind: Kind
    rule: str
    phrase: str
    capitals: bool = False


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All span rules; treatments by canonical name, drugs by generic name."""

    patterns: tuple[Pattern, ...]
    treatments: dict[str, Treatment]
    drugs: dict[str, Drug]


Schema = TypeVar("Schema", bound=BaseModel)
_SIBILANT = ("s", "x", "z", "ch", "sh")
# Table in the file, type of its entries, and kind of the facts.
_FILES: dict[str, tuple[str, type[Term], Kind]] = {
    "treatments.toml": ("treatment", Treatment, "treatment"),
    "drugs.toml": ("drug", Drug, "drug"),
    "drug_classes.toml": ("drug_class", Term, "class"),
    "body_parts.toml": ("body", Term, "body"),
    "diagnoses.toml": ("diagnosis", Term, "diagnosis"),
    "findings.toml": ("finding", Term, "finding"),
}


@cache
def rule_book() -> RuleBook:
    """Read the rule files of this package; the result is cached.

    Raises
    ------
    RuleError
        If a file violates the schema, or two canonical names of a kind share a wording.
    """
    terms = {name: read_terms(name, _read_file(name)) for name in _FILES}
    treatments, drugs, classes = terms["treatments.toml"], terms["drugs.toml"], terms["drug_classes.toml"]
    for generic, drug in drugs.items():
        if unknown := sorted(set(drug.classes) - set(classes)):  # type: ignore[attr-defined]
            raise RuleError(f"drugs.toml: {generic}: unknown class {', '.join(unknown)}; add it to drug_classes.toml")
    patterns = tuple(pattern for name in _FILES for pattern in patterns_of(name, terms[name]))
    return RuleBook(patterns, treatments, drugs)  # type: ignore[arg-type]


@cache
def negation_rules() -> NegationRules:
    """Read the negation terms; the result is cached. Raises `RuleError` if the file violates the schema."""
    return _validate("negation.toml", NegationRules, _read_file("negation.toml"))


@cache
def determination_rules() -> DeterminationRules:
    """Read the determination wording; the result is cached. Raises `RuleError` if the file violates the schema."""
    return _validate("determination.toml", DeterminationRules, _read_file("determination.toml"))


def read_terms(name: str, text: str) -> dict[str, Term]:
    """Parse the entries of a rule file; the keys are canonical names.

    Parameters
    ----------
    name : str
        File name, e.g. ``"findings.toml"``, which selects the schema.
    text : str
        Content of the file.

    Raises
    ------
    RuleError
        If a key is unknown, a phrase is malformed, or two canonical names share a phrase.
    """
    table, term, _ = _FILES[name]
    schema = create_model(name, __base__=_Strict, **{table: (dict[Canonical, term], ...)})  # type: ignore[call-overload, valid-type]
    terms: dict[str, Term] = getattr(_validate(name, schema, text), table)
    _check_unique_wording(name, terms)
    return terms


def patterns_of(name: str, terms: dict[str, Term]) -> Iterator[Pattern]:
    """Yield the phrases of all entries of a file, including plurals."""
    _, _, kind = _FILES[name]
    for canonical, term in terms.items():
        rule = f"{name}:{canonical}"
        phrases = {form for phrase in _base_phrases(canonical, term) for form in (phrase, _pluralize(phrase))}
        yield from (Pattern(kind, rule, phrase) for phrase in sorted(phrases))
        for abbreviation in map(str.lower, term.abbreviations):
            yield from (Pattern(kind, rule, form, capitals=True) for form in (abbreviation, f"{abbreviation}s"))


def _base_phrases(canonical: str, term: Term) -> Iterator[str]:
    yield canonical.replace("_", " ")
    yield from term.synonyms
    if isinstance(term, Drug):
        yield from term.brands


def _pluralize(phrase: str) -> str:
    if len(phrase) < 4 or not phrase[-1].isalpha() or phrase.endswith("s"):
        return phrase
    if phrase.endswith("y") and phrase[-2] not in "aeiou":
        return f"{phrase[:-1]}ies"
    return f"{phrase}es" if phrase.endswith(_SIBILANT) else f"{phrase}s"


def _check_unique_wording(name: str, terms: dict[str, Term]) -> None:
    owners: dict[str, str] = {}
    for pattern in patterns_of(name, terms):
        wording = " ".join(re.findall(r"[a-z0-9]+", pattern.phrase))
        canonical = pattern.rule.partition(":")[2]
        owner = owners.setdefault(wording, canonical)
        if owner != canonical:
            raise RuleError(
                f"{name}: {wording!r} is a phrase of both {owner} and {canonical}; remove it from one of them"
            )


def _validate(name: str, schema: type[Schema], text: str) -> Schema:
    try:
        return schema.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise RuleError(f"{name}: {error}") from error


def _read_file(name: str) -> str:
    return files("imr_ml.nlp").joinpath("rule_files", name).read_text(encoding="utf-8")
