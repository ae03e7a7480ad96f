"""Columns by other names."""

import pytest
from pydantic import ValidationError

from imr_ml.corpus.mapping import Synonyms, default_synonyms, parse_map, renamed, suggestion
from imr_ml.errors import SchemaError


@pytest.mark.parametrize(
    ("missing", "found", "suggested"),
    [
        (["request"], ["RFA_TEXT", "id"], ["--map request=RFA_TEXT"]),
        (["request"], ["Treatment Requested"], ["--map 'request=Treatment Requested'"]),
        (["request"], ["Request"], ["--map request=Request"]),
        (["request"], ["reqest"], ["--map request=reqest"]),
        (["clinical_summary"], ["ClinicalHistory"], ["--map clinical_summary=ClinicalHistory"]),
        (["clinical_summary"], ["chart_summary_2024"], ["--map clinical_summary=chart_summary_2024"]),
        (
            ["request", "clinical_summary"],
            ["summary", "procedure"],
            ["--map request=procedure", "--map clinical_summary=summary"],
        ),
        (["request"], ["amount", "city", "zip"], []),
        (["request", "clinical_summary"], ["clinical_summary"], []),
        (["request"], [], []),
    ],
)
def test_names_that_users_use_are_suggested(missing, found, suggested):
    assert suggestion(missing, found) == suggested


def test_a_column_is_suggested_once():
    assert suggestion(["request", "ur_guideline"], ["guideline"]) == ["--map ur_guideline=guideline"]


@pytest.mark.parametrize("pair", ["request", "request=", "=RFA", ""])
def test_a_map_that_is_no_pair_is_refused(pair):
    with pytest.raises(SchemaError, match="write it as column=name"):
        parse_map([pair])


@pytest.mark.parametrize("pairs", [["a=x", "a=y"], ["a=x", "b=x"]])
def test_a_column_mapped_twice_is_refused(pairs):
    with pytest.raises(SchemaError, match="is mapped already"):
        parse_map(pairs)


def test_two_columns_may_change_names():
    assert renamed(["a", "b", "c"], {"a": "b", "b": "a"}) == ["b", "a", "c"]


def test_a_mapped_column_that_is_not_there_is_reported_with_those_found():
    with pytest.raises(SchemaError, match="no column RFA; found: a, b"):
        renamed(["a", "b"], {"request": "RFA"})


def test_a_map_onto_a_column_that_exists_is_refused():
    with pytest.raises(SchemaError, match="has a column request already"):
        renamed(["request", "RFA"], {"request": "RFA"})


def test_every_column_that_has_synonyms_is_one_of_the_contract():
    from imr_ml.corpus.schema import COLUMNS

    assert {column.name for column in default_synonyms().column} <= {column.name for column in COLUMNS}


@pytest.mark.parametrize(
    "columns",
    [
        [{"name": "a", "synonyms": ["x"]}, {"name": "b", "synonyms": ["X"]}],
        [{"name": "a", "synonyms": [], "other": 1}],
    ],
)
def test_synonyms_that_stand_twice_or_keys_unknown_are_errors(columns):
    with pytest.raises(ValidationError):
        Synonyms.model_validate({"column": columns})
