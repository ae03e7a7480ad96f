"""Letters to rows, and the columns that follow from others."""

import numpy as np
import pandas as pd
import pytest
from factories import KNEE, NORCO, Item, make_letter_text, make_requests

from imr_ml.corpus.cells import joined_families
from imr_ml.corpus.schema import COLUMNS, validate_requests
from imr_ml.corpus.table import ReadLetter, build_requests, case_keys, complete_requests, decided_years
from imr_ml.letters.reader import read_letter

KINDS = {"text": "string", "families": "string", "number": "float64", "date": "datetime64[s]"}


def rows_of(text: str) -> pd.DataFrame:
    return build_requests([ReadLetter(read_letter(text), "a.txt", "0f")])


def test_a_letter_has_one_row_per_item():
    rows = rows_of(make_letter_text(items=(KNEE, NORCO)))

    assert rows.iloc[1].to_dict() == {
        "case_number": "CM16-0099001",
        "item": 2,
        "case_version": 1,
        "source": "dwc",
        "file": "a.txt",
        "letter_sha256": "0f",
        "text_from": "text",
        "request": "Norco 10/325mg #60",
        "clinical_summary": rows["clinical_summary"][0],
        "ur_guideline": NORCO.ur_guideline,
        "ur_families": "none",
        "date_of_injury": pd.Timestamp("2012-03-05"),
        "ur_denial_date": pd.Timestamp("2016-11-03"),
        "application_received": pd.Timestamp("2016-11-07"),
        "items_in_case": 2,
        "age": 44,
        "sex": "female",
        "category": "Pharmaceuticals",
        **dict.fromkeys(
            ("diagnosis_category", "diagnosis", "treatment_category", "treatment", "review_type", "age_band")
        ),
        "outcome": "overturned",
        "families": "opioids",
        "imr_guideline": NORCO.imr_guideline,
        "rationale": NORCO.rationale,
        "decision_date": pd.Timestamp("2016-12-20"),
        "decision_year": 2016,
        "specialties": "Orthopedic Surgery|Sports Medicine",
        "letter_warnings": None,
    }


@pytest.mark.parametrize("letters", [[], [make_letter_text()], [make_letter_text(date_of_injury=None)] * 2])
def test_all_columns_have_the_order_and_types_of_the_schema(letters):
    table = build_requests(ReadLetter(read_letter(text), "a.txt", "0f") for text in letters)

    assert {name: str(kind) for name, kind in table.dtypes.items()} == {
        column.name: KINDS[column.kind] for column in COLUMNS
    }
    assert list(table) == [column.name for column in COLUMNS]


def test_values_that_a_letter_lacks_are_missing():
    bare = make_letter_text(
        case_number=None, date_of_injury=None, specialties=None, summary="Seen for pain in the neck."
    )

    row = rows_of(bare).iloc[0]

    assert all(pd.isna(row[name]) for name in ("case_number", "date_of_injury", "specialties", "age", "sex"))


def test_a_sample_letter_is_marked_by_its_source():
    assert rows_of("SAMPLE LETTER\n" + make_letter_text())["source"].tolist() == ["sample"]


def test_a_built_table_is_valid_and_complete():
    table = rows_of(make_letter_text(items=(KNEE, NORCO)))

    pd.testing.assert_frame_equal(validate_requests(table, "t"), table)
    pd.testing.assert_frame_equal(complete_requests(table), table)


def test_columns_that_follow_from_others_are_filled():
    bare = pd.DataFrame(
        {
            "case_number": ["A", "A", "B"],
            "request": ["MRI of the left knee", "Norco 10/325mg #60", "Gym"],
            "clinical_summary": ["A 44 year old female.", "A 44 year old female.", "Seen."],
            "ur_guideline": ["Decision based on MTUS Knee Complaints 2004.", "", None],
        }
    )

    table = complete_requests(validate_requests(bare, "t"))

    assert table["items_in_case"].isna().all()
    assert table["category"].tolist()[:2] == ["Diagnostic Testing", "Pharmaceuticals"]
    assert [None if pd.isna(age) else age for age in table["age"]] == [44, 44, None]
    assert table["sex"].tolist()[:2] == ["female", "female"]
    assert [None if pd.isna(cited) else cited for cited in table["ur_families"]] == ["acoem", None, None]


def test_values_in_the_table_override_derived_values():
    stated = make_requests(2).assign(age=30, sex="male", category="Surgery", ur_families="odg", items_in_case=9)

    table = complete_requests(validate_requests(stated, "t"))

    for name, value in {
        "age": 30,
        "sex": "male",
        "category": "Surgery",
        "ur_families": "odg",
        "items_in_case": 9,
    }.items():
        assert table[name].tolist() == [value] * 2


def test_completing_twice_changes_nothing():
    once = complete_requests(validate_requests(make_requests(12), "t"))

    pd.testing.assert_frame_equal(complete_requests(once), once)


def test_completing_does_not_read_decisions():
    table = validate_requests(make_requests(12), "t")
    blind = table.drop(columns=["outcome", "families", "imr_guideline", "rationale", "decision_date", "specialties"])

    pd.testing.assert_frame_equal(complete_requests(table)[complete_requests(blind).columns], complete_requests(blind))


def test_a_case_is_identified_by_its_number_else_its_letter_else_its_row():
    table = pd.DataFrame(
        {"case_number": ["A", "A", None, None, None], "letter_sha256": ["1", "2", "3", "3", None]}, dtype="string"
    )

    assert case_keys(table).factorize()[0].tolist() == [0, 0, 1, 1, 2]
    assert case_keys(pd.DataFrame({"request": ["MRI", "MRI"]})).nunique() == 2


def test_families_are_in_the_order_of_the_taxonomy():
    assert joined_families(["odg", "acoem", "odg"]) == "acoem|odg"


def test_several_cited_families_are_joined():
    both = Item(imr_guideline="Decision based on Non-MTUS Citation ODG. Decision based on MTUS Knee Complaints 2004.")

    assert rows_of(make_letter_text(items=[both]))["families"].tolist() == ["acoem|odg"]


def test_the_time_of_a_decision_comes_from_its_date_or_its_year():
    table = pd.DataFrame(
        {"decision_date": pd.to_datetime(["2016-01-01", None, None]), "decision_year": [None, 2014, None]}
    )

    assert decided_years(table).tolist()[:2] == [2016.0, 2014.5]
    assert np.isnan(decided_years(table)[2])
    assert np.isnan(decided_years(pd.DataFrame({"request": ["MRI"]}))).all()
