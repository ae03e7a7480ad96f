"""What the guidelines cover, told by the names that the nlp room's rules give."""

import pytest
from pydantic import ValidationError

from imr_ml.guidelines.coverage import NOTHING_NAMED, UNMAPPED, Coverage, default_coverage
from imr_ml.nlp.rules import rule_book


def test_a_treatment_may_stand_in_sections_of_several_guidelines():
    topics = default_coverage().topics_of(["chiropractic", "mri"])

    assert topics == ("acoem_special_studies", "acoem_physical_methods", "chronic_pain_therapy")


def test_what_no_guideline_is_about_is_reported_apart_from_what_names_nothing():
    assert default_coverage().topics_of(["medical_records"]) == (UNMAPPED,)
    assert default_coverage().topics_of([]) == (NOTHING_NAMED,)


@pytest.mark.parametrize(
    ("body_parts", "regions"),
    [(["knee"], ("acoem_region",)), (["hip", "knee"], ("acoem_region", "other_region")), ([], ("no_region",))],
)
def test_a_region_is_known_by_whether_acoem_has_a_chapter_on_it(body_parts, regions):
    assert default_coverage().regions_of(body_parts) == regions


def test_every_name_is_one_that_the_rules_know():
    coverage = default_coverage()
    named = {name for covered in coverage.topics.values() for name in covered} | set(coverage.acoem_regions)

    assert named <= {pattern.rule.partition(":")[2] for pattern in rule_book().patterns}


def test_the_table_is_read_strictly():
    with pytest.raises(ValidationError):
        Coverage.model_validate({"acoem_regions": [], "topics": {}, "topic": {}})
