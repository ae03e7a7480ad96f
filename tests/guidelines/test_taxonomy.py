"""Read the taxonomy file, and refuse invalid ones."""

from collections import Counter

import pytest

from imr_ml.guidelines.citations import families_in
from imr_ml.guidelines.taxonomy import default_taxonomy, read_taxonomy
from imr_ml.guidelines.types import FAMILIES, TaxonomyError

KNEE = """
[[guideline]]
id = "knee"
family = "acoem"
title = "Knee Complaints"
chapter = 13
aliases = ["Knee and Lower Leg"]
editions = [{ year = 2004, adopted = 2007-06-15 }]
"""
ODG = """
[[source]]
id = "odg"
family = "odg"
title = "Official Disability Guidelines"
names = ["ODG"]
"""
TOPIC = """
[[topic]]
id = "gait"
titles = ["Walking"]
"""
TOML = 'comma_sections = ["Knee, left"]\n' + KNEE + ODG


def test_citations_are_matched_against_a_custom_taxonomy():
    taxonomy = read_taxonomy(TOML.replace("Knee Complaints", "Gait Complaints"))

    assert families_in("Decision based on MTUS Gait Complaints 2004.", taxonomy) == {"acoem"}
    assert families_in("Decision based on MTUS Low Back Complaints 2004.", taxonomy) == {"other"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("chapter = 13", "chaptr = 13", "guideline.0.chaptr"),
        ("[[source]]", "[[sources]]", "sources"),
        ('family = "odg"', 'family = "other guidelines"', "source.0.family"),
        ("year = 2004", 'year = "soon"', "guideline.0.editions.0.year"),
        ("[{ year = 2004, adopted = 2007-06-15 }]", "[]", "guideline without an edition: knee"),
        ('"Knee and Lower Leg"', "Knee", "taxonomy: "),
        ('comma_sections = ["Knee, left"]', "", "comma_sections"),
        (
            "2007-06-15 }",
            '2007-06-15, title = "Gait" }',
            "add the titles of editions to the aliases of their guidelines: Gait",
        ),
        (ODG, ODG + TOPIC + TOPIC.replace("gait", "walk"), "duplicate section: walking"),
        (ODG, ODG + TOPIC + TOPIC.replace("Walking", "Running"), "duplicate topic: gait"),
        ('names = ["ODG"]', 'names = ["Knee & lower leg"]', "duplicate name: knee lower leg"),
        (ODG, ODG + ODG.replace('"ODG"', '"Guides"'), "duplicate id: odg"),
        (KNEE, KNEE + KNEE.replace('id = "knee"', 'id = "leg"'), "duplicate "),
        (KNEE, KNEE + KNEE.replace('"knee"', '"leg"').replace("Knee ", "Leg "), "duplicate chapter: 13"),
    ],
)
def test_the_error_for_an_invalid_file_names_the_entry(old, new, message):
    assert old in TOML
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(TOML.replace(old, new))
    assert message in str(caught.value)


def test_an_entry_may_have_two_spellings_of_one_title():
    taxonomy = read_taxonomy(TOML.replace("Knee and Lower Leg", "Knee, complaints"))

    assert taxonomy.guideline[0].names == ("Knee Complaints", "Knee, complaints")


def test_the_default_taxonomy_covers_every_mtus_family_with_ordered_editions():
    taxonomy = default_taxonomy()

    assert {entry.family for entry in (*taxonomy.guideline, *taxonomy.source)} == set(FAMILIES) - {"none"}
    for entry in taxonomy.guideline:
        years = [edition.year for edition in entry.editions]
        assert years == sorted(set(years))


@pytest.mark.parametrize("entry", default_taxonomy().guideline, ids=lambda entry: entry.id)
def test_each_title_and_alias_matches_with_each_of_its_years(entry):
    for name in entry.names:
        for edition in entry.editions:
            families = families_in(f"Decision based on MTUS {name} {edition.year}.")
            assert families == {(edition.family or entry.family).value}


def test_each_acoem_chapter_occurs_once():
    chapters = Counter(entry.chapter for entry in default_taxonomy().guideline if entry.chapter)

    assert set(chapters) == set(range(1, 17)) - {4}


def test_guidelines_since_december_2017_have_their_titles():
    entries = {entry.id: entry for entry in default_taxonomy().guideline}
    current = {
        (entry.id, edition.year, edition.title or entry.title)
        for entry in entries.values()
        for edition in entry.editions
        if edition.adopted and edition.adopted.isoformat() >= "2017-12-01"
    }

    assert ("low_back", 2016, "Low Back Disorders") in current
    assert ("neck_upper_back", 2018, "Cervical and Thoracic Spine Disorders") in current
    assert ("chronic_pain", 2017, "Chronic Pain") in current
    assert ("formulary", 2018, "MTUS Drug Formulary") in current
    assert {entry.regulation for entry in entries.values() if entry.regulation} >= {
        f"8 CCR 9792.{section}" for section in ("22", "23.1", "23.12", "24.1", "24.2", "24.3", "24.4", "27.1")
    }
