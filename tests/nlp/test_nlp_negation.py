"""Negated facts in clinical phrases."""

import pytest

from imr_ml.nlp.types import NlpSettings
from imr_ml.nlp.views import view_section


def negated(text: str) -> set[str]:
    return {f"{fact.kind}={fact.value}" for fact in view_section(text).facts if fact.negated}


def affirmed(text: str) -> set[str]:
    return {f"{fact.kind}={fact.value}" for fact in view_section(text).facts if not fact.negated}


@pytest.mark.parametrize(
    ("text", "absent", "present"),
    [
        ("No spasm was felt.", {"finding=spasm"}, set()),
        ("There is spasm.", set(), {"finding=spasm"}),
        ("He denies numbness, tingling or weakness.", {"finding=numbness", "finding=weakness"}, set()),
        ("She denied numbness.", {"finding=numbness"}, set()),
        ("Gait without limp.", {"finding=antalgic_gait"}, set()),
        ("Negative for fracture.", {"diagnosis=fracture"}, set()),
        ("X-rays showed no evidence of fracture.", {"diagnosis=fracture"}, {"treatment=x_ray"}),
        ("Straight leg raise was negative.", {"finding=straight_leg_raise"}, set()),
        ("Positive straight leg raise.", set(), {"finding=straight_leg_raise"}),
        ("Negative Spurling's sign, positive Tinel's sign.", {"finding=spurling"}, {"finding=tinel"}),
        ("No atrophy but weakness persists.", {"finding=atrophy"}, {"finding=weakness"}),
        ("No swelling. Tenderness over the joint.", {"finding=swelling"}, {"finding=tenderness"}),
        ("No prior acupuncture.", {"treatment=acupuncture"}, set()),
        ("He has not had physical therapy.", {"treatment=physical_therapy"}, set()),
        ("Radiculopathy was ruled out.", {"diagnosis=radiculopathy"}, set()),
        (
            "No functional improvement with acupuncture.",
            {"finding=functional_improvement"},
            {"treatment=acupuncture"},
        ),
        ("Lack of red flags.", {"finding=red_flag"}, set()),
        ("Not only spasm, also weakness.", set(), {"finding=spasm", "finding=weakness"}),
        ("No increase in spasm.", set(), {"finding=spasm"}),
        (
            "MRI without contrast and physical therapy.",
            set(),
            {"treatment=mri", "treatment=physical_therapy"},
        ),
        ("MRI with and without contrast of the knee.", set(), {"treatment=mri", "body=knee"}),
        ("Pain has not improved with chiropractic care.", set(), {"treatment=chiropractic"}),
        ("Utilization review denied the MRI.", set(), {"treatment=mri"}),
        ("The request for Norco was denied.", set(), {"drug=hydrocodone_acetaminophen"}),
        ("UR non-certified the request for acupuncture.", set(), {"treatment=acupuncture"}),
        ("UR found the MRI not medically necessary.", set(), {"treatment=mri"}),
        ("No tenderness over the lumbar spine.", {"finding=tenderness"}, {"body=lumbar_spine"}),
        ("No change in the numbness.", set(), {"finding=numbness"}),
        ("Weakness without change.", set(), {"finding=weakness"}),
        ("Rule out radiculopathy.", set(), {"diagnosis=radiculopathy"}),
        ("MRI to rule out radiculopathy.", set(), {"diagnosis=radiculopathy", "treatment=mri"}),
        ("R/O radiculopathy.", set(), {"diagnosis=radiculopathy"}),
        ("Radiculopathy has to be ruled out.", set(), {"diagnosis=radiculopathy"}),
        ("Radiculopathy cannot be ruled out.", set(), {"diagnosis=radiculopathy"}),
        ("Ruled out for fracture.", {"diagnosis=fracture"}, set()),
        ("Denies: numbness; weakness.", {"finding=numbness", "finding=weakness"}, set()),
        ("Negative for: numbness; weakness but spasm.", {"finding=numbness", "finding=weakness"}, {"finding=spasm"}),
        ("No numbness; weakness of the hand.", {"finding=numbness"}, {"finding=weakness"}),
        ("Gait w/o limp, w/o spasm.", {"finding=antalgic_gait", "finding=spasm"}, set()),
        ("MRI w/o contrast and acupuncture.", set(), {"treatment=mri", "treatment=acupuncture"}),
        ("(-) numbness, (+) weakness.", {"finding=numbness"}, {"finding=weakness"}),
        ("Spurling (-), Tinel (+).", {"finding=spurling"}, {"finding=tinel"}),
        ("Numbness: none. Weakness.", {"finding=numbness"}, {"finding=weakness"}),
        ("Numbness: no. Spasm: no, weakness: yes.", {"finding=numbness", "finding=spasm"}, {"finding=weakness"}),
        ("Reflexes: no spasm.", {"finding=spasm"}, set()),
        ("Spurling was negative and spasm persists.", {"finding=spurling"}, {"finding=spasm"}),
        ("Not only no spasm, also weakness.", {"finding=spasm"}, set()),
    ],
)
def test_a_phrase_negates_the_facts_that_a_clinician_would(text, absent, present):
    assert absent <= negated(text)
    assert present <= affirmed(text)
    assert not present & negated(text)


def test_words_and_canonical_token_of_a_negated_fact_have_a_prefix():
    tokens = view_section("No muscle spasm today.").tokens
    assert tokens == ("no", "no_muscle", "no_spasm", "today", "no_finding=spasm")


def test_a_negated_drug_negates_its_class():
    assert negated("Denies use of Norco.") >= {"drug=hydrocodone_acetaminophen", "class=opioid"}


def test_a_cue_reaches_a_limited_number_of_words():
    far = "No fever on any of the days that we saw him here at our own clinic in town, spasm."
    assert "finding=spasm" not in negated(far)


def test_negation_can_be_disabled():
    view = view_section("No spasm.", NlpSettings(negation=False))
    assert view.tokens == ("no", "spasm", "finding=spasm")


def test_a_negated_fact_does_not_affect_the_next_text():
    assert negated("No spasm.") == {"finding=spasm"}
    assert negated("With spasm.") == set()
