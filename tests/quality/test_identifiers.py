"""Identifiers are found anywhere in a text, reported by place and kind, and never shown."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.quality.rendering import report_json
from imr_ml.quality.row_checks import find_spans
from imr_ml.quality.settings import default_settings


def find_identifiers(text):
    """Return the identifiers in a text by kind, in the order of the rules."""
    rules = default_settings().identifier
    spans = {kind: find_spans(text, rule) for kind, rule in rules.items()}
    return {kind: [text[start:end] for start, end in places] for kind, places in spans.items() if places}


@pytest.mark.parametrize(
    ("text", "kind", "identifier"),
    [
        ("His number is 123-45-6789.", "social_security_number", "123-45-6789"),
        ("(SSN:123 45 6789)", "social_security_number", "123 45 6789"),
        ("Call 415-555-0134 today", "phone_number", "415-555-0134"),
        ("fax (415) 555-0134;", "phone_number", "(415) 555-0134"),
        ("Phone: 415.555.0134", "phone_number", "415.555.0134"),
        ("ann.quimby+x@mail.example.org, please", "e_mail_address", "ann.quimby+x@mail.example.org"),
        ("Mr. Quimby fell.", "name_after_title", "Mr. Quimby"),
        ("seen with Mrs O'Harrow today", "name_after_title", "Mrs O'Harrow"),
        ("Ms. A. Núñez-Lee agrees", "name_after_title", "Ms. A. Núñez-Lee"),
        ("Dr. Harrow wrote", "name_of_physician", "Dr. Harrow"),
        ("by Ann B. Quimby, M.D., in May", "name_of_physician", "Ann B. Quimby, M.D"),
        ("lives at 1200 North Elm Street in town", "street_address", "1200 North Elm Street"),
        ("P.O. Box 1234", "street_address", "P.O. Box 1234"),
        ("Fresno, CA 93701-1234", "postal_code", "Fresno, CA 93701-1234"),
        ("DOB: 1/2/1970", "date_of_birth", "DOB: 1/2/1970"),
        ("born on March 3, 1961", "date_of_birth", "born on March 3, 1961"),
        ("Claim number: 00-1234567", "record_number", "Claim number: 00-1234567"),
        ("(SSN: 123456789)", "record_number", "SSN: 123456789"),
        ("policy #WC-2016-0045123A,", "record_number", "policy #WC-2016-0045123A"),
        ("see ADJ1234567 and", "record_number", "ADJ1234567"),
        ("MRN 00451234", "record_number", "MRN 00451234"),
    ],
)
def test_an_identifier_is_found(text, kind, identifier):
    assert find_identifiers(text)[kind] == [identifier]


@pytest.mark.parametrize(
    "text",
    [
        "Norco 10/325mg #60 with 3 refills",
        "MS Contin 15mg #90, Ms. Contin 15mg",
        "MR arthrogram of the shoulder; an MRI",
        "CPT 99213, 97110, ICD-10 M54.16 and 847.2",
        "The blood pressure was 120 80 and 124-80-70, lift 25 lbs",
        "NDC 00591-0853-01, HCPCS E0748",
        "scores of 666-12-3456, 000-12-3456, 900-12-3456, 123-00-4567 and 123-45-0000",
        "Dr. Scholl's inserts; the Dr. of Chiropractic; Dr. Visit",
        "Board Certified in Pain Management, MD",
        "6 Physical Therapy visits, 12 Left Knee injections, 24 Hour Care",
        "MTUS Low Back Complaints 2004, Section(s): Special Studies, pages 303-305",
        "Decision based on Cal. Code Regs., title 8, sections 9792.20 to 9792.26",
        "CM16-0213037 decided 12/20/2016, denial of 11/03/2016",
        "requested on 2016-11-03 at 10:45, range of motion 110-120-130 degrees",
        "Miss work, Mr and Mrs",
        "Finkelstein's, Phalen's and Tinel's were positive; Smith et al. 2010; Bell's palsy",
        "claim number was not given; medical record was reviewed; license required",
        "the claim no 07-26-2017 shows, the file No 2016-11-03 and patient no 4-5",
        "@ L4-5 and L5-S1; pain 5/10 @ rest",
    ],
)
def test_treatment_text_is_not_an_identifier(text):
    assert find_identifiers(text) == {}


@pytest.mark.parametrize("joint", [" ", ", ", "; ", "\n"])
def test_adjacent_identifiers_are_found_separately(joint):
    numbers = ["123-45-6789", "219-09-9999", "078-05-1120"]

    assert find_identifiers(joint.join(numbers))["social_security_number"] == numbers


prose = st.text(alphabet="abc xyz.,;:()'\"\n 035/%#é\u2019", max_size=80)
two = st.integers(1, 99).map("{:02d}".format)
four = st.integers(1, 9999).map("{:04d}".format)
area = st.integers(1, 899).filter(lambda number: number != 666).map("{:03d}".format)
numbers_of_people = st.builds("{}-{}-{}".format, area, two, four)
phones = st.builds(
    lambda code, exchange, line, form: form.format(code, exchange, line),
    st.integers(200, 999),
    st.integers(200, 999),
    four,
    st.sampled_from(["{}-{}-{}", "({}) {}-{}", "{}.{}.{}", "({}){}-{}", "{} {} {}"]),
)
addresses = st.builds(
    "{}@{}.{}".format,
    st.from_regex(r"[a-z][a-z0-9._-]{0,12}", fullmatch=True),
    st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
    st.sampled_from(["com", "org", "co.uk", "example"]),
)


@pytest.mark.parametrize(
    ("kind", "identifiers"),
    [("social_security_number", numbers_of_people), ("phone_number", phones), ("e_mail_address", addresses)],
)
def test_an_identifier_is_found_anywhere_in_prose(kind, identifiers):
    rule = default_settings().identifier[kind]

    @given(
        before=prose, identifier=identifiers, after=prose, left=st.sampled_from(" \n(,"), right=st.sampled_from(" \n),")
    )
    def holds(before, identifier, after, left, right):
        text = before + left + identifier + right + after
        start = len(before) + 1

        assert (start, start + len(identifier)) in find_spans(text, rule)

    holds()


@given(text=st.text(max_size=200))
def test_spans_are_ordered_and_disjoint(text):
    for rule in default_settings().identifier.values():
        spans = find_spans(text, rule)

        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert all(first[1] <= second[0] for first, second in pairwise(spans))


SECRETS = {
    "social_security_number": "219-09-9999",
    "phone_number": "(415) 555-0134",
    "e_mail_address": "ann.quimby@example.org",
    "name_after_title": "Mrs. Quimbleton",
    "name_of_physician": "Dr. Harrowgate",
    "street_address": "1200 Elmwood Avenue",
    "postal_code": "Fresno, CA 93701",
    "date_of_birth": "DOB 1/2/1970",
    "record_number": "MRN 00451234",
}


def test_every_kind_of_identifier_is_tested():
    assert set(SECRETS) == set(default_settings().identifier)


@pytest.mark.parametrize("column", ["request", "clinical_summary", "ur_guideline", "rationale"])
def test_places_count_characters_of_the_original_cell(check, clean, column):
    texts = [f"  H\u00e9ad: {secret}, said. {clean[column].iloc[0]}" for secret in SECRETS.values()]
    table = clean.astype({column: "object"})
    table.iloc[: len(texts), table.columns.get_loc(column)] = texts

    report = check(table)

    for row, (kind, text) in enumerate(zip(SECRETS, texts, strict=True)):
        (finding,) = [entry for entry in report.findings if entry.kind == kind]
        (place,) = finding.places
        assert (place.row, place.column, place.case_number) == (row + 1, column, clean["case_number"].iloc[row])
        assert SECRETS[kind] in text[place.start : place.end]
        assert not any(word in report_json(report) for word in re.findall(r"[\w.@-]{5,}", SECRETS[kind]))


def test_a_summary_shared_by_the_requests_of_a_case_is_flagged_in_each(check, planted, clean):
    summary = f"{clean['clinical_summary'].iloc[0]} Call 415-555-0134."
    table = clean.assign(
        clinical_summary=clean["clinical_summary"].where(clean["case_number"] != "CM16-0000000", summary)
    )

    (finding,) = check(table).findings

    assert (finding.kind, finding.rows, [place.item for place in finding.places]) == ("phone_number", 2, [1, 2])
