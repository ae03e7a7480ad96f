"""Topics of treatments, drug classes and body parts."""

import pytest
from pydantic import ValidationError

from imr_ml.guidelines.coverage import NOTHING_NAMED, UNMAPPED, Coverage, default_coverage
from imr_ml.nlp.rules import rule_book


def test_a_treatment_may_have_several_topics():
    topics = default_coverage().topics_of(["chiropractic", "mri"])

    assert topics == ("acoem_special_studies", "acoem_physical_methods", "chronic_pain_therapy")


def test_unmapped_names_differ_from_no_names():
    assert default_coverage().topics_of(["medical_records"]) == (UNMAPPED,)
    assert default_coverage().topics_of([]) == (NOTHING_NAMED,)


@pytest.mark.parametrize(
    ("body_parts", "regions"),
    [(["knee"], ("acoem_region",)), (["hip", "knee"], ("acoem_region", "other_region")), ([], ("no_region",))],
)
def test_body_parts_are_divided_by_whether_acoem_has_a_chapter(body_parts, regions):
    assert default_coverage().regions_of(body_parts) == regions


def test_every_name_exists_in_the_nlp_rules():
    coverage = default_coverage()
    named = {name for covered in coverage.topics.values() for name in covered} | set(coverage.acoem_regions)

    assert named <= {pattern.rule.partition(":")[2] for pattern in rule_book().patterns}


def test_an_unknown_key_is_refused():
    with pytest.raises(ValidationError):
        Coverage.model_validate({"acoem_regions": [], "topics": {}, "topic": {}})
