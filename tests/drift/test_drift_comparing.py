"""A comparison finds real differences, ignores chance, and states its uncertainty."""

from dataclasses import replace

import numpy as np
import pytest
from drift.profiles_made import CATEGORIES, make_profile, part_of
from scipy.stats import ks_2samp

from imr_ml.drift.comparing import DriftError, DriftSettings, compare

QUICK = DriftSettings(draws=199)


@pytest.fixture(scope="module")
def reference():
    return make_profile(300, seed=1)


def found(report):
    return {(one.characteristic, one.statistic): one for one in report.findings}


def test_a_table_has_not_drifted_from_itself(reference):
    report = compare(reference, reference, QUICK)

    assert report.drifted == ()
    assert {one.value for one in report.findings} == {0.0}
    assert {one.verdict for one in report.findings} == {"steady"}


def test_a_batch_of_one_category_drifts_in_nothing_else(reference):
    current = make_profile(100, seed=2, shares=(0, 0, 1, 0))

    report = compare(reference, current)

    assert report.drifted == ("category",)
    one = found(report)["category", "psi"]
    assert one.value > one.low > one.threshold > one.by_chance
    assert one.p < 0.05
    assert dict(zip(report.shares["category"].bins, report.shares["category"].current, strict=True))["Surgery"] == 1


def test_both_statistics_detect_summaries_twice_as_long(reference):
    current = make_profile(100, seed=2)
    doubled = current.numbers | {"summary_chars": 2 * current.numbers["summary_chars"]}

    report = compare(reference, replace(current, numbers=doubled))

    assert report.drifted == ("summary_chars",)
    assert {found(report)["summary_chars", statistic].verdict for statistic in ("psi", "ks")} == {"drifted"}


def test_newly_unknown_values_are_drift(reference):
    current = make_profile(100, seed=2)
    unknown = current.numbers | {"age": np.full(len(current), np.nan, dtype=np.float32)}

    report = compare(reference, replace(current, numbers=unknown))

    assert report.drifted == ("age",)
    assert ("age", "ks") not in found(report)
    assert report.shares["age"].bins[-1] == "unknown"


def test_a_constant_characteristic_is_reported_but_not_compared(reference):
    current = make_profile(100, seed=2)
    constant = [replace(side, labels={"category": np.full(len(side), "Surgery")}) for side in (reference, current)]

    report = compare(*constant, QUICK)

    assert report.constant == ("category",)
    assert "category" not in report.shares


def test_a_new_category_is_drift(reference):
    current = make_profile(100, seed=2)
    renamed = np.where(current.labels["category"] == "Pharmaceuticals", "Transportation", current.labels["category"])

    report = compare(reference, replace(current, labels={"category": renamed}))

    assert report.drifted == ("category",)
    assert set(report.shares["category"].bins) == {*CATEGORIES, "Transportation"}


def test_ks_equals_scipys(reference):
    current = make_profile(60, seed=3, age=50)
    ours, theirs = (profile.numbers["age"][np.isfinite(profile.numbers["age"])] for profile in (reference, current))

    assert found(compare(reference, current, QUICK))["age", "ks"].value == pytest.approx(
        ks_2samp(ours, theirs, method="asymp").statistic, abs=1e-6
    )


def test_two_halves_of_a_table_have_not_drifted_apart():
    drifted = []
    for seed in range(40):
        order, whole = np.random.default_rng(seed).permutation(200), make_profile(200, seed=seed)
        drifted.append(compare(part_of(whole, order[:100]), part_of(whole, order[100:]), QUICK).drifted)

    assert np.mean([bool(names) for names in drifted]) <= 0.075


@pytest.mark.parametrize("cases", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_chance_raises_an_alarm_in_about_one_batch_of_twenty(reference, cases):
    """Of 200 batches without drift; 12 cases are about 30 requests, in most of which PSI is past its threshold."""
    reports = [compare(reference, make_profile(cases, seed), QUICK) for seed in range(100, 300)]

    alarms = {name: np.mean([name in report.drifted for report in reports]) for name in reports[0].shares}
    assert max(alarms.values()) <= 0.05
    assert np.mean([bool(report.drifted) for report in reports]) <= 0.07
    if cases == 12:
        past = [one.value > one.threshold for report in reports for one in report.findings if one.statistic == "psi"]
        assert np.mean(past) > 0.5


@pytest.mark.slow
def test_95_percent_of_batches_without_drift_stay_below_the_chance_level(reference):
    reports = [compare(reference, make_profile(40, seed), QUICK) for seed in range(200)]

    below = np.mean([[one.value <= one.by_chance for one in report.findings] for report in reports], axis=0)

    assert (below > 0.88).all()
    assert below.mean() == pytest.approx(0.95, abs=0.025)


@pytest.mark.slow
def test_an_interval_covers_the_distance_of_two_large_tables(reference):
    """Of batches of 80 cases whose ages lie ten years higher."""
    large = make_profile(4000, seed=0), make_profile(4000, seed=1, age=55)
    true = found(compare(*large, DriftSettings(draws=1)))
    held = {key: [] for key in (("age", "psi"), ("age", "ks"))}
    for seed in range(60):
        report = found(compare(part_of(large[0], np.arange(400)), make_profile(80, seed + 9, age=55), QUICK))
        for key, hits in held.items():
            hits.append(report[key].low <= true[key].value <= report[key].high)
    assert {key: np.mean(hits) >= 0.85 for key, hits in held.items()} == dict.fromkeys(held, True)


def test_the_same_seed_gives_the_same_report(reference):
    current = make_profile(30, seed=4)
    assert compare(reference, current, QUICK) == compare(reference, current, QUICK)


def test_the_user_sets_the_thresholds(reference):
    current = make_profile(200, seed=2, age=48)

    strict = compare(reference, current, DriftSettings(psi=0.01, ks=0.01))
    lax = compare(reference, current, DriftSettings(psi=2, ks=0.9))

    assert "age" in strict.drifted
    assert lax.drifted == ()
    assert found(lax)["age", "ks"].verdict == "slight"


def test_one_case_is_too_few_to_compare(reference):
    with pytest.raises(DriftError, match=r"current table has 1 usable case\(s\); 2 needed"):
        compare(reference, make_profile(1, seed=0))


@pytest.mark.parametrize("threshold", [{"psi": 0}, {"ks": -0.1}])
def test_a_threshold_must_be_above_zero(threshold):
    with pytest.raises(DriftError, match="must be above 0"):
        DriftSettings(**threshold)
