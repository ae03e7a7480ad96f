import pytest
from pydantic import ValidationError

from imr_ml.sample.chance import open_stream
from imr_ml.sample.draw import draw_letter, probability
from imr_ml.sample.model import Kind, Model, default_model, read_toml
from imr_ml.sample.phrases import SLOTS, Phrases, default_phrases
from imr_ml.sample.prose import fill_slots
from imr_ml.sample.wording import Draft, word_request


def model_data():
    return read_toml("model.toml", "regions.toml", "treatments.toml")


def phrases_data():
    return read_toml("phrases.toml", "signals.toml", "rationales.toml")


def kind(**overrides):
    entry = {"base": 0.0, "signals": ["red_flag", "failed_care"], "effects": {}}
    return Kind.model_validate(entry | overrides)


def rename_first(section, field, value):
    data = model_data()
    data[section][0][field] = value
    return data


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (model_data() | {"colour": "red"}, "colour"),
        (rename_first("treatment", "kind", "imagination"), "imagination"),
        (rename_first("treatment", "regions", ["tail"]), "tail"),
        (rename_first("treatment", "families", {"acoem+folklore": 1.0}), "folklore"),
        (rename_first("region", "weight", -1.0), "greater than 0"),
    ],
)
def test_a_model_file_with_a_mistake_is_refused_by_name(data, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Model.model_validate(data)


def test_effects_of_unlisted_signals_are_refused():
    with pytest.raises(ValidationError, match="gi_risk"):
        kind(effects={"gi_risk": 1.0})


def test_a_pattern_with_an_unknown_slot_is_refused():
    data = phrases_data()
    data["summary"]["opening"] = ["{Subj} has a {dog}."]

    with pytest.raises(ValidationError, match="dog"):
        Phrases.model_validate(data)


def test_a_pattern_expands_to_every_variant():
    data = phrases_data()
    data["summary"]["opening"] = ["{Subj} [fell|slipped] [|twice ]on {doi}."]

    (readings,) = Phrases.model_validate(data).summary.opening

    assert readings == (
        "{Subj} fell on {doi}.",
        "{Subj} fell twice on {doi}.",
        "{Subj} slipped on {doi}.",
        "{Subj} slipped twice on {doi}.",
    )


def test_clauses_have_hundreds_of_patterns_and_thousands_of_variants():
    phrases = default_phrases()
    banks = [getattr(phrases.summary, name) for name in ("opening", "complaint", "exam", "treatment", "plan", "ur")]
    banks += [clauses for signal in phrases.signals.values() for clauses in (signal.yes, signal.no)]
    patterns = [pattern for bank in banks for pattern in bank]

    assert len(patterns) > 300
    assert sum(map(len, patterns)) > 1500


def test_every_slot_is_filled():
    rng, phrases = open_stream(7, 0), default_phrases()
    facts = draw_letter(rng, 0, default_model())
    requests = [word_request(rng, item, facts.dates) for item in facts.items]

    draft = Draft(rng, facts, phrases.voice[0], default_model(), phrases)

    fill_slots(draft, requests)

    assert set(draft.slots) == SLOTS


def test_every_signal_and_kind_of_the_model_has_its_clauses():
    model, phrases = default_model(), default_phrases()

    assert set(phrases.signals) == set(model.signals)
    assert set(phrases.guidelines) == set(model.kinds)


def test_every_category_of_the_decision_search_can_be_drawn():
    categories = {treatment.category for table in default_model().treatments.values() for treatment in table.values}

    assert len(categories) == 12


def test_an_interaction_acts_only_when_all_of_its_signals_are_present():
    both = kind(interactions=[{"all": ["red_flag", "failed_care"], "add": 2.0}])
    model = default_model()

    p = {
        (flag, failed): probability(both, {"red_flag": flag, "failed_care": failed}, 0.0, model)
        for flag in (True, False)
        for failed in (True, False)
    }

    assert p[True, True] > p[True, False] == p[False, True] == p[False, False]


def test_label_noise_keeps_probabilities_away_from_certainty():
    model = default_model()

    hopeless, certain = (probability(kind(base=base), {}, 0.0, model) for base in (-50.0, 50.0))

    assert hopeless == pytest.approx(model.outcome.noise * model.outcome.noise_rate)
    assert certain < 1 - model.outcome.noise / 2
