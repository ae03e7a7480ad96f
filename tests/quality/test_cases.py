"""Findings across rows: duplicate items, reissued cases, near-duplicate summaries, shares of outcomes."""

import pandas as pd
import pytest

from imr_ml.quality.report import Level, YearCount


def places(report, kind):
    return [str(place) for entry in report.findings if entry.kind == kind for place in entry.places]


def kinds(report):
    return {entry.kind for entry in report.findings}


def concatenate(*tables):
    return pd.concat(tables, ignore_index=True)


def test_a_duplicate_item_is_an_error_at_its_second_row(check, clean):
    report = check(concatenate(clean, clean.iloc[[4]]))

    assert places(report, "item_twice") == ["CM16-0000002 item 1, like row 5"]
    assert report.has_errors


def test_a_case_in_several_letters_is_a_reissue(check, clean):
    letters = clean.assign(letter_sha256=clean["case_number"])
    again = letters.iloc[[4, 5]].assign(letter_sha256="another", decision_date="2016-07-01")

    report = check(concatenate(letters, again))

    assert places(report, "reissued") == ["CM16-0000002 item 1, like row 5", "CM16-0000002 item 2, like row 6"]
    assert kinds(report) == {"reissued"}


def test_versions_of_a_case_are_a_reissue_without_letters(check, clean):
    report = check(concatenate(clean.assign(case_version=1), clean.iloc[[4]].assign(case_version=2)))

    assert kinds(report) == {"reissued"}


def test_equal_case_numbers_of_two_sources_are_two_cases(check, clean):
    report = check(concatenate(clean, clean.iloc[[4]].assign(source="dmhc", clinical_summary=pd.NA)))

    assert kinds(report) == {"sources_mixed"}


def test_items_without_a_case_number_are_not_duplicates(check, clean):
    report = check(
        clean.assign(case_number=pd.array([pd.NA] * len(clean), dtype="string"), letter_sha256=clean["case_number"])
    )

    assert kinds(report) == set()


@pytest.mark.parametrize(
    ("changed_words", "expected"),
    [
        (
            0,
            [
                "CM16-0000002 item 1, clinical_summary, like CM16-0000009",
                "CM16-0000009 item 1, clinical_summary, like CM16-0000002",
            ],
        ),
        (
            1,
            [
                "CM16-0000002 item 1, clinical_summary, like CM16-0000009",
                "CM16-0000009 item 1, clinical_summary, like CM16-0000002",
            ],
        ),
        (20, []),
    ],
)
def test_a_summary_similar_to_that_of_another_case_is_found(check, clean, changed_words, expected):
    words = clean["clinical_summary"].iloc[4].split()
    words[30 : 30 + changed_words] = [f"changed{place}" for place in range(changed_words)]
    stories = clean["clinical_summary"].where(clean["case_number"] != "CM16-0000009", " ".join(words))

    report = check(clean.assign(clinical_summary=stories, age=pd.NA))

    assert places(report, "near_duplicates") == expected


def test_a_short_summary_may_be_shared(check, clean):
    report = check(clean.assign(clinical_summary="A worker fell from a ladder. " * 4, age=pd.NA))

    assert kinds(report) == set()


def test_shares_are_reported_by_source_with_published_ones(check, clean):
    report = check(clean)

    (balance,) = report.sources
    assert (balance.source, balance.decided, balance.overturned, balance.share) == ("dwc", 120, 12, 0.1)
    assert balance.low < 0.1 < balance.high
    assert balance.published == (0.08, 0.13)


@pytest.mark.parametrize(("overturned", "is_unusual"), [(12, False), (19, False), (40, True)])
def test_a_share_is_unusual_if_chance_does_not_explain_it(check, clean, overturned, is_unusual):
    outcomes = ["overturned"] * overturned + ["upheld"] * (120 - overturned)

    assert ("unusual_balance" in kinds(check(clean.assign(outcome=outcomes)))) is is_unusual


@pytest.mark.parametrize(
    ("overturned", "kind", "level"),
    [(0, "one_outcome", Level.ERROR), (120, "one_outcome", Level.ERROR), (4, "rare_outcome", Level.WARNING)],
)
def test_a_missing_or_rare_outcome_is_reported(check, clean, overturned, kind, level):
    outcomes = ["overturned"] * overturned + ["upheld"] * (120 - overturned)

    report = check(clean.assign(outcome=outcomes))

    assert [entry.level for entry in report.findings if entry.kind == kind] == [level]


def test_a_rare_family_is_reported_with_its_count(check, planted):
    report = check(planted(families="postsurgical", imr_guideline=None))

    (finding,) = report.findings
    assert finding.says == "fewer than 5 decided requests cite postsurgical (1)"


def test_an_undecided_table_has_no_missing_outcome(check, clean):
    report = check(clean.drop(columns=["outcome", "rationale"]))

    assert kinds(report) == {"undecided"}
    assert report.sources[0].share is None
    assert report.years == ()


def test_years_without_decisions_are_listed(check, planted):
    report = check(planted(row=3, decision_date="2019-06-01"))

    assert report.years[1:3] == (YearCount(2017, 0, 0), YearCount(2018, 0, 0))
    assert sum(year.upheld + year.overturned for year in report.years) == 120


def test_the_findings_do_not_depend_on_the_chunks(check, clean):
    table = concatenate(clean, clean.iloc[[4]])
    table.loc[100, "rationale"] = "Call 415-555-0134."

    assert check(table, rows_at_once=50) == check(table)
