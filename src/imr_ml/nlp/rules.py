"""The rule files: TOML entries checked against a strict schema, turned into phrases for the span ruler."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from imr_ml.nlp.types import Category, Kind, RuleError

DrugClass = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Canonical = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Phrase = Annotated[str, StringConstraints(min_length=2, pattern=r"^[a-z0-9][a-z0-9 .,'/&+#%-]*$")]
Abbreviation = Annotated[str, StringConstraints(min_length=2, pattern=r"^[A-Z][A-Z0-9 /&-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Term(_Strict):
    """A canonical name's wording: phrases match in any case, abbreviations in capitals only ("PT")."""

    synonyms: tuple[Phrase, ...] = ()
    abbreviations: tuple[Abbreviation, ...] = ()


class Treatment(Term):
    """A treatment and its request category; a generic one gives way to a specific one or a drug."""

    category: Category
    generic: bool = False


class Drug(Term):
    """A drug under its generic name, its brands, and its classes (a compound may have several)."""

    brands: tuple[Phrase, ...] = ()
    classes: tuple[DrugClass, ...] = Field(min_length=1)


class _TreatmentFile(_Strict):
    treatment: dict[Canonical, Treatment]


class _DrugFile(_Strict):
    drug: dict[Canonical, Drug]


class _ClassFile(_Strict):
    drug_class: dict[Canonical, Term]


class _BodyFile(_Strict):
    body: dict[Canonical, Term]


class _DiagnosisFile(_Strict):
    diagnosis: dict[Canonical, Term]


class _FindingFile(_Strict):
    finding: dict[Canonical, Term]


class NegationRules(_Strict):
    """Terms added to and removed from negspacy's, and the reach of a cue in tokens."""

    preceding_reach: int = Field(gt=0)
    following_reach: int = Field(gt=0)
    add_pseudo: tuple[str, ...]
    add_preceding: tuple[str, ...]
    add_following: tuple[str, ...]
    add_termination: tuple[str, ...]
    remove: tuple[str, ...]


class DeterminationRules(_Strict):
    """Wording of the reviewer's own conclusion.

    A sentence is masked where it holds an ``always`` phrase, or an ``unless_ur`` phrase and none of ``ur``.
    """

    always: tuple[str, ...]
    unless_ur: tuple[str, ...]
    ur: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One phrase for the span ruler: label (kind), the rule's id and the wording."""

    kind: Kind
    rule: str
    phrase: str
    capitals: bool = False


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All span rules.

    Attributes
    ----------
    patterns : tuple of Pattern
    treatments : dict of str to Treatment
        By canonical name.
    drugs : dict of str to Drug
        By generic name.
    """

    patterns: tuple[Pattern, ...]
    treatments: dict[str, Treatment]
    drugs: dict[str, Drug]


Schema = TypeVar("Schema", bound=BaseModel)
_SIBILANT = ("s", "x", "z", "ch", "sh")
_FILES: dict[str, tuple[type[BaseModel], Kind]] = {
    "treatments.toml": (_TreatmentFile, "treatment"),
    "drugs.toml": (_DrugFile, "drug"),
    "drug_classes.toml": (_ClassFile, "class"),
    "body_parts.toml": (_BodyFile, "body"),
    "diagnoses.toml": (_DiagnosisFile, "diagnosis"),
    "findings.toml": (_FindingFile, "finding"),
}


@cache
def rule_book() -> RuleBook:
    """Read the rule files of this package, once.

    Raises
    ------
    RuleError
        Where a file breaks the schema, or one wording stands under two canonical names of a kind.
    """
    terms = {name: read_terms(name, _text(name)) for name in _FILES}
    treatments, drugs, classes = terms["treatments.toml"], terms["drugs.toml"], terms["drug_classes.toml"]
    for generic, drug in drugs.items():
        if unknown := sorted(set(drug.classes) - set(classes)):  # type: ignore[attr-defined]
            raise RuleError(f"drugs.toml: {generic}: no class {', '.join(unknown)} in drug_classes.toml; add it there")
    patterns = tuple(pattern for name in _FILES for pattern in patterns_of(name, terms[name]))
    return RuleBook(patterns, treatments, drugs)  # type: ignore[arg-type]


@cache
def negation_rules() -> NegationRules:
    """Read the negation terms, once. Raises `RuleError` where the file breaks the schema."""
    return _validated("negation.toml", NegationRules, _text("negation.toml"))


@cache
def determination_rules() -> DeterminationRules:
    """Read the determination wording, once. Raises `RuleError` where the file breaks the schema."""
    return _validated("determination.toml", DeterminationRules, _text("determination.toml"))


def read_terms(name: str, text: str) -> dict[str, Term]:
    """Read the entries of a rule file, by canonical name.

    Parameters
    ----------
    name : str
        File name, e.g. ``"findings.toml"``: selects the schema.
    text : str
        TOML.

    Raises
    ------
    RuleError
        Unknown keys, malformed phrases, or a phrase under two canonical names.
    """
    schema, _ = _FILES[name]
    checked = _validated(name, schema, text)
    terms: dict[str, Term] = getattr(checked, next(iter(schema.model_fields)))
    _refuse_shared_wording(name, terms)
    return terms


def patterns_of(name: str, terms: dict[str, Term]) -> Iterator[Pattern]:
    """List the phrases of a file's entries, plurals included, each with its rule's id."""
    _, kind = _FILES[name]
    for canonical, term in terms.items():
        rule = f"{name}:{canonical}"
        wordings = {form for phrase in _phrases(canonical, term) for form in (phrase, _plural(phrase))}
        yield from (Pattern(kind, rule, wording) for wording in sorted(wordings))
        for short in term.abbreviations:
            yield from (Pattern(kind, rule, form, capitals=True) for form in (short.lower(), f"{short.lower()}s"))


def _phrases(canonical: str, term: Term) -> Iterator[str]:
    yield canonical.replace("_", " ")
    yield from term.synonyms
    if isinstance(term, Drug):
        yield from term.brands


def _plural(phrase: str) -> str:
    if len(phrase) < 4 or not phrase[-1].isalpha() or phrase.endswith("s"):
        return phrase
    if phrase.endswith("y") and phrase[-2] not in "aeiou":
        return f"{phrase[:-1]}ies"
    return f"{phrase}es" if phrase.endswith(_SIBILANT) else f"{phrase}s"


def _refuse_shared_wording(name: str, terms: dict[str, Term]) -> None:
    owners: dict[str, str] = {}
    for pattern in patterns_of(name, terms):
        wording = " ".join(re.findall(r"[a-z0-9]+", pattern.phrase))
        canonical = pattern.rule.partition(":")[2]
        owner = owners.setdefault(wording, canonical)
        if owner != canonical:
            raise RuleError(f"{name}: {wording!r} stands under {owner} and {canonical}; keep it under one")


def _validated(name: str, schema: type[Schema], text: str) -> Schema:
    try:
        return schema.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise RuleError(f"{name}: {error}") from error


def _text(name: str) -> str:
    return files("imr_ml.nlp").joinpath("rule_files", name).read_text(encoding="utf-8")
