"""A comparison detects real differences, ignores chance, and states its uncertainty."""

from dataclasses import replace

import numpy as np
import pytest
from drift.synthetic_profiles import CATEGORIES, make_profile, select_cases
from scipy.stats import ks_2samp

from imr_ml.drift.comparing import DriftError, DriftSettings, compare

QUICK = DriftSettings(draws=199)


@pytest.fixture(scope="module")
def reference():
    return make_profile(300, seed=1)


def findings_of(report):
    return {(finding.characteristic, finding.statistic): finding for finding in report.findings}


def test_a_table_does_not_drift_from_itself(reference):
    report = compare(reference, reference, QUICK)

    assert report.drifted == ()
    assert {finding.value for finding in report.findings} == {0.0}
    assert {finding.verdict for finding in report.findings} == {"steady"}


def test_a_batch_of_one_category_drifts_only_in_category(reference):
    current = make_profile(100, seed=2, shares=(0, 0, 1, 0))

    report = compare(reference, current)

    assert report.drifted == ("category",)
    finding = findings_of(report)["category", "psi"]
    assert finding.value > finding.low > finding.threshold > finding.by_chance
    assert finding.p < 0.05
    assert dict(zip(report.shares["category"].bins, report.shares["category"].current, strict=True))["Surgery"] == 1


def test_both_statistics_detect_summaries_twice_as_long(reference):
    current = make_profile(100, seed=2)
    doubled = current.numbers | {"summary_chars": 2 * current.numbers["summary_chars"]}

    report = compare(reference, replace(current, numbers=doubled))

    assert report.drifted == ("summary_chars",)
    assert {findings_of(report)["summary_chars", statistic].verdict for statistic in ("psi", "ks")} == {"drifted"}


def test_newly_unknown_values_are_drift(reference):
    current = make_profile(100, seed=2)
    unknown = current.numbers | {"age": np.full(len(current), np.nan, dtype=np.float32)}

    report = compare(reference, replace(current, numbers=unknown))

    assert report.drifted == ("age",)
    assert ("age", "ks") not in findings_of(report)
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


def test_ks_equals_scipy(reference):
    current = make_profile(60, seed=3, age=50)
    ours, theirs = (profile.numbers["age"][np.isfinite(profile.numbers["age"])] for profile in (reference, current))

    assert findings_of(compare(reference, current, QUICK))["age", "ks"].value == pytest.approx(
        ks_2samp(ours, theirs, method="asymp").statistic, abs=1e-6
    )


def test_two_halves_of_a_table_rarely_drift():
    drifted = []
    for seed in range(40):
        order, profile = np.random.default_rng(seed).permutation(200), make_profile(200, seed=seed)
        drifted.append(compare(select_cases(profile, order[:100]), select_cases(profile, order[100:]), QUICK).drifted)

    assert np.mean([bool(names) for names in drifted]) <= 0.075


@pytest.mark.parametrize("cases", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_about_one_in_twenty_batches_without_drift_is_a_false_alarm(reference, cases):
    """12 cases are about 30 requests, so few that PSI usually exceeds its threshold."""
    reports = [compare(reference, make_profile(cases, seed), QUICK) for seed in range(100, 300)]

    alarms = {name: np.mean([name in report.drifted for report in reports]) for name in reports[0].shares}
    assert max(alarms.values()) <= 0.05
    assert np.mean([bool(report.drifted) for report in reports]) <= 0.07
    if cases == 12:
        findings = [finding for report in reports for finding in report.findings if finding.statistic == "psi"]
        assert np.mean([finding.value > finding.threshold for finding in findings]) > 0.5


@pytest.mark.slow
def test_95_percent_of_batches_without_drift_stay_below_the_chance_level(reference):
    reports = [compare(reference, make_profile(40, seed), QUICK) for seed in range(200)]

    below = np.mean([[finding.value <= finding.by_chance for finding in report.findings] for report in reports], axis=0)

    assert (below > 0.88).all()
    assert below.mean() == pytest.approx(0.95, abs=0.025)


@pytest.mark.slow
def test_an_interval_covers_the_distance_of_two_large_tables(reference):
    """The batches have 80 cases with ages ten years higher."""
    large = make_profile(4000, seed=0), make_profile(4000, seed=1, age=55)
    true = findings_of(compare(*large, DriftSettings(draws=1)))
    covered = {key: [] for key in (("age", "psi"), ("age", "ks"))}
    for seed in range(60):
        report = findings_of(compare(select_cases(large[0], np.arange(400)), make_profile(80, seed + 9, age=55), QUICK))
        for key, hits in covered.items():
            hits.append(report[key].low <= true[key].value <= report[key].high)
    assert {key: np.mean(hits) >= 0.85 for key, hits in covered.items()} == dict.fromkeys(covered, True)


def test_the_same_seed_gives_the_same_report(reference):
    current = make_profile(30, seed=4)
    assert compare(reference, current, QUICK) == compare(reference, current, QUICK)


def test_thresholds_can_be_set(reference):
    current = make_profile(200, seed=2, age=48)

    strict = compare(reference, current, DriftSettings(psi=0.01, ks=0.01))
    lax = compare(reference, current, DriftSettings(psi=2, ks=0.9))

    assert "age" in strict.drifted
    assert lax.drifted == ()
    assert findings_of(lax)["age", "ks"].verdict == "slight"


def test_a_single_case_is_refused(reference):
    with pytest.raises(DriftError, match=r"current table has 1 usable case\(s\); at least 2 are needed"):
        compare(reference, make_profile(1, seed=0))


@pytest.mark.parametrize("threshold", [{"psi": 0}, {"ks": -0.1}])
def test_a_threshold_that_is_not_positive_is_refused(threshold):
    with pytest.raises(DriftError, match="must be above 0"):
        DriftSettings(**threshold)
