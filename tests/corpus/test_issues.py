"""Cases that were decided anew: which issue holds, and what it changed."""

import pandas as pd
import pytest
from factories import KNEE, NORCO, make_letter_text
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.corpus.issues import Issue, case_versions, current_requests, issues_of, reissues, with_versions
from imr_ml.ingest.ingestion import content_of, digest_of, ingest, read_bytes


def issue(case, decided):
    return Issue(("dwc", case) if case else None, decided, b"", "", None, 1)


@pytest.mark.parametrize(
    ("issues", "versions"),
    [
        ([], []),
        ([("A", "2016-05-01"), ("B", "2016-05-01")], [1, 1]),
        ([("A", "2016-05-01"), ("A", "2016-09-01")], [1, 2]),
        ([("A", "2016-09-01"), ("A", "2016-05-01")], [2, 1]),
        ([("A", "2016-05-01"), ("A", "2016-05-01")], [1, 2]),
        ([("A", "2016-05-01"), ("A", "")], [2, 1]),
        ([(None, "2016-05-01"), (None, "2016-09-01")], [1, 1]),
    ],
)
def test_issues_of_a_case_are_numbered_in_the_order_of_decision(issues, versions):
    assert case_versions([issue(*one) for one in issues]) == versions


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["", "2015", "2016-01-02"]))))
def test_every_case_has_each_version_once(issues):
    versions = case_versions([issue(*one) for one in issues])

    for case in "ABC":
        of_case = [version for version, (named, _) in zip(versions, issues, strict=True) if named == case]
        assert sorted(of_case) == list(range(1, len(of_case) + 1))


def table_of(tmp_path, *letters):
    for number, letter in enumerate(letters):
        (tmp_path / f"{number}.txt").write_text(letter)
    return with_versions(ingest(sorted(tmp_path.glob("*.txt"))).requests)


FIRST = make_letter_text(case_number="CM16-0000001", items=(KNEE, NORCO))
OTHER = make_letter_text(case_number="CM16-0000002")
AGAIN = make_letter_text(
    case_number="CM16-0000001",
    decision_date="02/20/2017",
    items=(KNEE, NORCO.__class__(**{**vars(NORCO), "outcome": "Upheld"})),
)


def test_the_current_rows_belong_to_the_last_issue(tmp_path):
    table = table_of(tmp_path, AGAIN, FIRST, OTHER)

    current = current_requests(table)

    assert table["case_version"].tolist() == [2, 2, 1, 1, 1]
    assert current["file"].tolist() == ["0.txt", "0.txt", "2.txt"]
    assert current_requests(table.drop(columns="case_version")).equals(table.drop(columns="case_version"))


def test_a_reissue_reports_the_columns_that_it_changed(tmp_path):
    (reissue,) = reissues(table_of(tmp_path, FIRST, OTHER, AGAIN))

    assert (reissue.case_number, reissue.version) == ("CM16-0000001", 2)
    assert reissue.columns == ("outcome", "decision_date", "decision_year")


def test_a_letter_is_recognized_by_its_rows(tmp_path):
    table = table_of(tmp_path, FIRST, OTHER)

    found = list(issues_of([table.iloc[:1], table.iloc[1:]]))

    letters = [read_bytes(text.encode(), "a.txt") for text in (FIRST, OTHER)]
    assert [one.content for one in found] == [digest_of(content_of(letter)) for letter in letters]
    assert [(one.rows, one.decided) for one in found] == [(2, "2016-12-20"), (1, "2016-12-20")]


def test_a_table_of_cases_that_were_decided_once_has_no_reissue(tmp_path):
    assert reissues(table_of(tmp_path, FIRST, OTHER)) == []
    assert isinstance(current_requests(pd.DataFrame({"request": ["MRI"]})), pd.DataFrame)
