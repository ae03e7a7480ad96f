"""Columns by other names."""

import re

import pytest

from imr_ml.corpus.mapping import ColumnMapping, parse_map, read_mapping, renamed
from imr_ml.corpus.spellings import column_synonyms, read_synonyms, suggestion
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

    assert column_synonyms().keys() <= {column.name for column in COLUMNS}


@pytest.mark.parametrize("toml", ['a = ["x"]\nb = ["X"]', "a = 1", "[a]\nother = ['x']"])
def test_synonyms_that_stand_twice_or_are_no_lists_are_errors(toml):
    with pytest.raises(ValueError, match=r"several columns share the name\(s\) x|validation error"):
        read_synonyms(toml)


def test_a_mapping_is_resolved_to_the_tables_own_spelling():
    columns = ["Claim No", "REQUEST", "Clinical Summary", "Age", "AGE "]
    resolved = ColumnMapping(columns={"case_number": "claim no"}).resolve(columns)
    assert resolved.columns == {
        "case_number": "Claim No",
        "request": "REQUEST",
        "clinical_summary": "Clinical Summary",
    }, "two columns are called age, so neither is taken"
    assert ColumnMapping().resolve(["request", "Request"]).columns == {}, "the very name comes first"


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("ur_guidline=Guideline", "did you mean ur_guideline?"),
        ("doi=DOI", "did you mean date_of_injury?"),
        ("RFA=request", "did you mean request=RFA?"),
        ("xyzzy=A", "docs/data.md lists them"),
    ],
)
def test_a_map_to_an_unknown_column_is_refused(pair, says):
    with pytest.raises(SchemaError, match=re.escape(says)):
        read_mapping([pair])


def test_a_file_that_maps_an_unknown_column_is_refused(tmp_path):
    (tmp_path / "a.toml").write_text('[columns]\nsummery = "Chart"\n')
    with pytest.raises(SchemaError, match=r"a\.toml: summery is not a column .*did you mean clinical_summary\?"):
        read_mapping(file=tmp_path / "a.toml")


def test_the_name_of_a_column_may_be_given_in_any_case():
    assert parse_map(["Request=RFA"]) == {"request": "RFA"}
