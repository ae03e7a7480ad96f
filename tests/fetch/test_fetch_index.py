"""Compare entries of the search with the letters."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from factories import KNEE, NORCO, Item
from fetch.fetching import fetch
from fetch.replica import Replica, served
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.errors import SchemaError
from imr_ml.fetch.cross_check import compare_with_index
from imr_ml.fetch.index import Index, read_index
from imr_ml.fetch.manifest import letters_of_manifest
from imr_ml.ingest.ingestion import ingest

CASE = "CM16-0099001"
SPECIALTIES = "Orthopedic Surgery|Sports Medicine"
DAY = pd.Timestamp("2016-02-03")


def make_table(items, **shared):
    """Make the requests table of one case, as read from its letter."""
    fields = {"case_number": CASE, "specialties": SPECIALTIES, "category": None} | shared
    rows = [
        fields | {"item": place, "request": item.request, "outcome": item.outcome.lower()}
        for place, item in enumerate(items, start=1)
    ]
    dates = {"decision_date": pd.Timestamp("2016-12-20"), "date_of_injury": pd.Timestamp("2012-03-05")}
    return pd.DataFrame(rows).assign(**{name: day for name, day in dates.items() if name not in shared})


def make_index(*requests, **case):
    """Make the index of that case; a request is (category, subcategory, outcome)."""
    stated = {
        "case_number": CASE, "url": "u", "case_outcome": "Upheld", "specialty": "Orthopedic Surgery",
        "decision_date": pd.Timestamp("2016-12-20"), "date_of_injury": pd.Timestamp("2012-03-05"),
        "application_received": pd.NaT, "is_latest": True,
    }  # fmt: skip
    listed = [(CASE, "u", place, *request) for place, request in enumerate(requests, start=1)]
    columns = ["case_number", "url", "place", "category", "subcategory", "outcome"]
    letters = pd.DataFrame(columns=["case_number", "url", "letter_sha256", "is_latest"]).astype({"is_latest": "bool"})
    return Index(pd.DataFrame([stated | case]), pd.DataFrame(listed, columns=columns), letters)


def disagreements(table, index):
    return [
        (None if pd.isna(item) else item, column, read, stated)
        for item, column, read, stated in compare_with_index(table, index)[1][
            ["item", "column", "read", "index"]
        ].itertuples(index=False)
    ]


BOTH = make_index(
    ("Pharmaceuticals", "Norco", "Overturned"), ("Diagnostic Testing", "MRI", "Upheld"),
    case_outcome="Overturned in part",
)  # fmt: skip


def test_equal_letter_and_search_have_no_disagreement():
    assert disagreements(make_table([KNEE, NORCO]), BOTH) == []
    assert disagreements(make_table([NORCO, KNEE]), BOTH) == []


@pytest.mark.parametrize(
    ("items", "changes", "expected"),
    [
        ([KNEE], {"outcome": "Overturned"}, [(1, "outcome", "upheld", "overturned")]),
        ([KNEE], {"category": "Surgery"}, [(1, "category", "Diagnostic Testing", "Surgery")]),
        ([KNEE], {"case_outcome": "Overturned"}, [(None, "case_outcome", "upheld", "overturned")]),
        ([KNEE], {"decision_date": DAY}, [(None, "decision_date", "2016-12-20", "2016-02-03")]),
        ([KNEE], {"date_of_injury": DAY}, [(None, "date_of_injury", "2012-03-05", "2016-02-03")]),
        ([KNEE], {"specialty": "Psychiatry"}, [(None, "specialties", SPECIALTIES, "Psychiatry")]),
        ([KNEE, KNEE], {}, [(None, "items", "2", "1")]),
        ([KNEE], {"outcome": "Withdrawn", "case_outcome": None, "specialty": None}, []),
        ([KNEE], {"category": "Diagnostic testing", "specialty": "Surgery, Orthopedic|Orthopedic  surgery"}, []),
    ],
)  # fmt: skip
def test_each_disagreement_has_the_values_of_letter_and_search(items, changes, expected):
    request = {"category": "Diagnostic Testing", "subcategory": "MRI", "outcome": "Upheld"}
    listed = tuple(changes.get(name, stated) for name, stated in request.items())
    index = make_index(listed, **{name: stated for name, stated in changes.items() if name not in request})

    assert disagreements(make_table(items, category="Diagnostic Testing"), index) == expected


def test_an_unlisted_letter_is_not_a_disagreement():
    table = make_table([KNEE]).assign(case_number="CM16-0000009")

    assert disagreements(table, BOTH) == []


def test_requests_in_another_order_are_paired_by_shared_words():
    paired, _ = paired_with([KNEE, NORCO], BOTH)

    assert paired["index_subcategory"].tolist() == ["MRI", "Norco"]
    assert paired["index_category"].tolist() == ["Diagnostic Testing", "Pharmaceuticals"]


def test_requests_without_a_shared_word_are_paired_by_category():
    table = make_table([KNEE, NORCO]).assign(category=["Diagnostic Testing", "Pharmaceuticals"])
    index = make_index(("Pharmaceuticals", "Opioids", "Upheld"), ("Diagnostic Testing", "Imaging", "Upheld"))

    from imr_ml.fetch.index import join_index

    assert join_index(table, index).table["index_subcategory"].tolist() == ["Imaging", "Opioids"]


def test_requests_without_a_category_are_paired_by_position():
    table = make_table([KNEE, NORCO]).assign(category=pd.array([None, None], dtype="string"))
    index = make_index(("Pharmaceuticals", "Opioids", "Upheld"), ("Diagnostic Testing", "Imaging", "Upheld"))

    assert compare_with_index(table, index)[0]["index_subcategory"].tolist() == ["Opioids", "Imaging"]


def test_outcomes_never_pair_requests():
    index = make_index(("Therapies", "Other", "Overturned"), ("Surgery", "Other", "Upheld"))
    decided = [KNEE, replace(NORCO, outcome="Upheld")]
    other_way = [replace(KNEE, outcome="Overturned"), NORCO]

    assert paired_with(decided, index)[0]["index_category"].tolist() == ["Therapies", "Surgery"]
    assert paired_with(other_way, index)[0]["index_category"].tolist() == ["Therapies", "Surgery"]


def test_different_numbers_of_requests_are_not_paired():
    paired, _ = paired_with([KNEE, NORCO, NORCO], BOTH)

    assert paired["index_category"].isna().all()
    assert paired["index_case_outcome"].tolist() == ["Overturned in part"] * 3


def paired_with(items, index):
    from imr_ml.fetch.index import join_index

    joined = join_index(make_table(items), index)
    return joined.table, joined


@given(st.permutations(["Norco", "Acupuncture", "Lumbar", "Ibuprofen"]))
def test_words_pair_requests_in_any_order(order):
    items = [Item(request=f"{name} as requested") for name in ("Norco", "Acupuncture", "Lumbar", "Ibuprofen")]
    index = make_index(*[("Other", name, "Upheld") for name in order])

    paired, _ = paired_with(items, index)

    assert [name in request for name, request in zip(paired["index_subcategory"], paired["request"], strict=True)]
    assert paired["index_subcategory"].tolist() == ["Norco", "Acupuncture", "Lumbar", "Ibuprofen"]


def test_a_table_without_case_numbers_can_not_be_joined():
    with pytest.raises(SchemaError, match="lacks column"):
        compare_with_index(pd.DataFrame({"request": ["MRI"]}), BOTH)


@pytest.fixture(scope="module")
def fetched(letters, tmp_path_factory):
    """Fetch and read six letters with their stated decision dates."""
    folder = tmp_path_factory.mktemp("fetched")
    cases = sorted(letters, key=lambda case: case.decided)[-6:]
    with served(Replica(cases)) as replica:
        fetch(replica, folder, since=cases[0].decided, until=date(2030, 1, 1), window_days=36_500)
    manifest = folder / "manifest.sqlite"
    return cases, manifest, ingest(letters_of_manifest(manifest), jobs=1).requests


def test_the_table_gets_the_fields_and_category_of_the_search(fetched):
    cases, manifest, requests = fetched

    table, differ = compare_with_index(requests, read_index(manifest))

    assert table.index.equals(requests.index)
    assert table.drop(columns=[name for name in table if name.startswith("index_")]).columns.equals(requests.columns)
    listed = {case.case_number: sorted(case.requests) for case in cases}
    for case_number, rows in table.groupby("case_number"):
        fields = rows[["index_category", "index_subcategory", "index_outcome"]]
        assert sorted(fields.itertuples(index=False, name=None)) == listed[case_number]
    assert table["category"].tolist() == table["index_category"].tolist()
    assert set(differ["column"]) <= {"category"}
    assert differ["read"].tolist() == requests.set_index(["case_number", "item"]).loc[
        list(zip(differ["case_number"], differ["item"], strict=True)), "category"
    ].tolist()  # fmt: skip


def test_the_joined_table_can_be_written_and_validated(fetched, tmp_path):
    from imr_ml.corpus.schema import validate_requests
    from imr_ml.corpus.store import read_requests, write_requests

    _, manifest, requests = fetched
    table, _ = compare_with_index(requests, read_index(manifest))

    write_requests(table, tmp_path / "requests.parquet")

    read = validate_requests(read_requests(tmp_path / "requests.parquet"), "table")
    assert read["index_decision_date"].tolist() == table["index_decision_date"].tolist()


def test_a_replaced_letter_is_not_compared_with_the_current_entry(fetched, tmp_path):
    cases, manifest, requests = fetched
    copy = tmp_path / "manifest.sqlite"
    copy.write_bytes(manifest.read_bytes())
    case = cases[0].case_number
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO letters SELECT case_number, 2, 'x.pdf', url, 'new', 1, 200, fetched_at, NULL FROM letters "
            f"WHERE case_number = '{case}'"
        )
        connection.execute(f"UPDATE cases SET case_outcome = 'Withdrawn', specialty = 'X' WHERE case_number = '{case}'")
    both = pd.concat([requests, requests[requests["case_number"] == case].assign(letter_sha256="new")])

    table, differ = compare_with_index(both.reset_index(drop=True), read_index(copy))

    versions = table[table["case_number"] == case].groupby("letter_sha256")["index_specialty"].agg(list)
    assert set(versions.pop("new")) == {"X"}
    assert pd.isna(versions.explode()).all()
    assert differ[differ["column"] == "specialties"]["case_number"].tolist() == [case]


def test_letters_that_were_not_fetched_are_joined_by_their_case(fetched):
    _, manifest, requests = fetched

    table, _ = compare_with_index(requests.assign(letter_sha256="of a text file"), read_index(manifest))

    assert table["index_specialty"].notna().all()
    assert len(read_index(manifest).requests) == len(requests)


def test_a_part_of_the_table_is_joined_like_the_whole(fetched):
    cases, manifest, requests = fetched
    index = read_index(manifest)
    whole, _ = compare_with_index(requests, read_index(manifest))
    some = requests["case_number"].isin([cases[1].case_number, cases[4].case_number])
    unnamed = requests[some].assign(case_number=pd.NA)

    table, _ = compare_with_index(requests[some], index)

    pd.testing.assert_frame_equal(table, whole[some])
    assert set(index.restrict_to(requests[some]).requests["case_number"]) == set(requests.loc[some, "case_number"])
    pd.testing.assert_frame_equal(
        compare_with_index(unnamed, index)[0].filter(like="index_"), table.filter(like="index_")
    )
