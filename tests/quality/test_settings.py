"""Settings are strict, and users can change them."""

import re
from pathlib import Path

import pytest

import imr_ml.quality
from imr_ml.errors import ImrError
from imr_ml.quality.settings import SettingsError, default_settings, read_settings


def test_unspecified_settings_have_their_defaults():
    own = read_settings("thresholds.summary_words_from = 40")

    assert own.thresholds.summary_words_from == 40
    assert own.thresholds.ages == default_settings().thresholds.ages
    assert own.finding == default_settings().finding


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("thresholds.sumary_words = 4", "thresholds.sumary_words: Extra inputs are not permitted"),
        ('finding.item_twice.level = "fatal"', "finding.item_twice.level"),
        ("published.dwc = [0.1, 1.5]", "published.dwc.1"),
        ('identifier.phone_number.pattern = "(?P<found>[0-9"', "both Python and RE2"),
        ('identifier.phone_number.pattern = "(?<=x)(?P<found>y)"', "both Python and RE2"),
        ('identifier.phone_number.pattern = "[0-9]+"', "found"),
        (
            '[identifier.reissued]\nlevel = "error"\nsays = "x"\nmend = "y"\npattern = "(?P<found>x)"',
            "both a finding and an identifier",
        ),
        ("thresholds = ", "settings of the check"),
    ],
)
def test_a_mistake_in_the_file_is_reported_with_its_place(toml, expected):
    with pytest.raises(SettingsError, match=re.escape(expected)) as raised:
        read_settings(toml)

    assert isinstance(raised.value, ImrError)


def test_every_kind_of_finding_has_a_check():
    folder = Path(imr_ml.quality.__file__).parent
    code = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))

    assert [kind for kind in default_settings().finding if f'"{kind}"' not in code] == []
