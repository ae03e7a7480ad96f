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
def test_common_column_names_are_suggested(missing, found, suggested):
    assert suggestion(missing, found) == suggested


def test_a_column_is_suggested_only_once():
    assert suggestion(["request", "ur_guideline"], ["guideline"]) == ["--map ur_guideline=guideline"]


@pytest.mark.parametrize("pair", ["request", "request=", "=RFA", ""])
def test_a_map_option_that_is_not_a_pair_is_refused(pair):
    with pytest.raises(SchemaError, match="write it as column=name"):
        parse_map([pair])


@pytest.mark.parametrize("pairs", [["a=x", "a=y"], ["a=x", "b=x"]])
def test_a_column_mapped_twice_is_refused(pairs):
    with pytest.raises(SchemaError, match="is mapped already"):
        parse_map(pairs)


def test_two_columns_can_swap_names():
    assert renamed(["a", "b", "c"], {"a": "b", "b": "a"}) == ["b", "a", "c"]


def test_a_missing_mapped_column_is_reported_with_the_columns_found():
    with pytest.raises(SchemaError, match="no column RFA; found: a, b"):
        renamed(["a", "b"], {"request": "RFA"})


def test_mapping_to_the_name_of_an_existing_column_is_refused():
    with pytest.raises(SchemaError, match="has a column request already"):
        renamed(["request", "RFA"], {"request": "RFA"})


def test_only_columns_of_the_requests_table_have_synonyms():
    from imr_ml.corpus.schema import COLUMNS

    assert column_synonyms().keys() <= {column.name for column in COLUMNS}


@pytest.mark.parametrize("toml", ['a = ["x"]\nb = ["X"]', "a = 1", "[a]\nother = ['x']"])
def test_repeated_synonyms_and_malformed_lists_are_errors(toml):
    with pytest.raises(ValueError, match=r"several columns share the name\(s\) x|validation error"):
        read_synonyms(toml)


def test_a_mapping_is_resolved_to_the_spelling_in_the_table():
    columns = ["Claim No", "REQUEST", "Clinical Summary", "Age", "AGE "]
    resolved = ColumnMapping(columns={"case_number": "claim no"}).resolve(columns)
    assert resolved.columns == {
        "case_number": "Claim No",
        "request": "REQUEST",
        "clinical_summary": "Clinical Summary",
    }, "two columns are called age, so neither is taken"
    assert ColumnMapping().resolve(["request", "Request"]).columns == {}, "the very name comes first"


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("ur_guidline=Guideline", "did you mean ur_guideline?"),
        ("doi=DOI", "did you mean date_of_injury?"),
        ("RFA=request", "did you mean request=RFA?"),
        ("xyzzy=A", "docs/data.md lists them"),
    ],
)
def test_a_map_to_an_unknown_column_is_refused(pair, message):
    with pytest.raises(SchemaError, match=re.escape(message)):
        read_mapping([pair])


def test_a_mapping_file_with_an_unknown_column_is_refused(tmp_path):
    (tmp_path / "a.toml").write_text('[columns]\nsummery = "Chart"\n')
    with pytest.raises(SchemaError, match=r"a\.toml: summery is not a column .*did you mean clinical_summary\?"):
        read_mapping(file=tmp_path / "a.toml")


def test_column_names_can_be_in_any_case():
    assert parse_map(["Request=RFA"]) == {"request": "RFA"}
