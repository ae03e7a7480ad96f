"""The ACOEM chapter of a request."""

import pytest

from imr_ml.guidelines.coverage import acoem_chapter
from imr_ml.guidelines.taxonomy import default_taxonomy, read_taxonomy
from imr_ml.guidelines.types import TaxonomyError
from imr_ml.nlp.rules import rule_book

SHOULDER = "Decision based on MTUS Shoulder Complaints 2004, Section(s): Initial Care."


@pytest.mark.parametrize(
    ("body_parts", "ur_guideline", "chapter"),
    [
        (["knee"], None, "knee"),
        (["thoracic_spine", "knee"], None, "neck_upper_back"),
        (["spine", "hand"], None, "forearm_wrist_hand"),
        (["knee"], SHOULDER, "knee"),
        (["spine"], SHOULDER, "shoulder"),
        ([], SHOULDER, "shoulder"),
        ([], "Decision based on MTUS Chronic Pain Medical Treatment 2009.", None),
        ([], "The Claims Administrator did not cite any medical evidence for its decision.", None),
        ([], "Decision based on Non-MTUS Citation ACOEM Guidelines.", None),
        ([], None, None),
    ],
)
def test_the_chapter_follows_the_body_part_or_else_the_ur_guideline(body_parts, ur_guideline, chapter):
    assert acoem_chapter(body_parts, ur_guideline) == chapter


def test_every_body_part_of_a_chapter_exists_in_the_nlp_rules():
    rule_names = {
        pattern.rule.removeprefix("body_parts.toml:") for pattern in rule_book().patterns if pattern.kind == "body"
    }

    assert {part for entry in default_taxonomy().guideline for part in entry.body_parts} <= rule_names


def test_a_body_part_has_one_chapter():
    entry = '[[guideline]]\nid = "{0}"\nfamily = "acoem"\ntitle = "{0}"\naliases = []\neditions = [{{ year = 2004 }}]\n'
    toml = "comma_sections = []\n" + "".join(entry.format(name) + 'body_parts = ["knee"]\n' for name in ("a", "b"))

    with pytest.raises(TaxonomyError, match="duplicate body part: knee"):
        read_taxonomy(toml + '[[source]]\nid = "s"\nfamily = "odg"\ntitle = "s"\nnames = ["s"]\n')
