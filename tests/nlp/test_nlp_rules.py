"""Rule files are checked against a strict schema."""

import pytest

from imr_ml.nlp.rules import patterns_of, read_terms, rule_book
from imr_ml.nlp.types import RuleError


def phrases(name: str, toml: str) -> set[str]:
    return {pattern.phrase for pattern in patterns_of(name, read_terms(name, toml))}


@pytest.mark.parametrize(
    ("name", "toml", "message"),
    [
        ("findings.toml", '[finding.spasm]\nsynonym = ["cramp"]', "synonym"),
        ("findings.toml", '[findings.spasm]\nsynonyms = ["cramp"]', "findings"),
        ("findings.toml", '[finding."Muscle Spasm"]\n', "Muscle Spasm"),
        ("findings.toml", '[finding.spasm]\nsynonyms = ["Cramp"]', "Cramp"),
        ("findings.toml", '[finding.spasm]\nabbreviations = ["sp"]', "abbreviations"),
        ("findings.toml", "[finding.spasm", "findings.toml"),
        ("treatments.toml", '[treatment.mri]\ncategory = "Imaging"', "category"),
        ("treatments.toml", "[treatment.mri]\n", "category"),
        ("drugs.toml", "[drug.ibuprofen]\nclasses = []", "classes"),
    ],
)
def test_a_malformed_entry_is_refused_with_its_name(name, toml, message):
    with pytest.raises(RuleError, match=message) as error:
        read_terms(name, toml)
    assert name in str(error.value)


def test_a_phrase_of_two_names_is_refused():
    toml = '[finding.spasm]\nsynonyms = ["muscle-cramp"]\n[finding.cramp]\nsynonyms = ["muscle cramp"]'
    with pytest.raises(RuleError, match="'muscle cramp' is a phrase of both spasm and cramp"):
        read_terms("findings.toml", toml)


def test_canonical_names_brands_and_plurals_are_phrases():
    toml = '[drug.test_drug]\nsynonyms = ["test patch"]\nbrands = ["testor"]\nclasses = ["nsaid"]'
    assert phrases("drugs.toml", toml) == {
        "test drug",
        "test drugs",
        "test patch",
        "test patches",
        "testor",
        "testors",
    }


def test_plurals_follow_english_spelling():
    toml = '[body.x_part]\nsynonyms = ["left artery", "big toe", "brace", "pes"]'
    assert {"left arteries", "big toes", "braces"} <= phrases("body_parts.toml", toml)


def test_each_kind_has_more_than_30_rules():
    book = rule_book()
    kinds = {kind: {p.rule for p in book.patterns if p.kind == kind} for kind in {p.kind for p in book.patterns}}
    assert {kind: len(rules) > 30 for kind, rules in kinds.items()} == dict.fromkeys(
        ("treatment", "body", "drug", "class", "diagnosis", "finding"), True
    )
    assert len(book.patterns) > 2000


def test_every_drug_class_is_defined():
    classes = {pattern.rule.partition(":")[2] for pattern in rule_book().patterns if pattern.kind == "class"}
    assert {name for drug in rule_book().drugs.values() for name in drug.classes} <= classes
