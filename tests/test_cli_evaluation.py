"""Printed evaluations."""

from dataclasses import replace

import numpy as np
import pytest

from imr_ml.cli.evaluation import describe_tests, print_evaluation
from imr_ml.evaluation.comparison import METRICS, Comparison
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.permutation import MaskingComparison, PermutationTest
from imr_ml.evaluation.temporal import TemporalEvaluation


def estimates_of(**estimates):
    return {name.replace("__", "."): Estimate(*estimate) for name, estimate in estimates.items()}


MODEL = estimates_of(outcome__roc_auc=(0.7, 0.6, 0.8), family__f1_micro=(0.75, 0.7, 0.8))
PLAIN = estimates_of(outcome__roc_auc=(0.6, 0.5, 0.7), family__f1_micro=(0.65, 0.6, 0.7))
LATER = TemporalEvaluation(2016.5, 70, 35, 7, 30, 15, 3, 0, Comparison({"model": MODEL, "plain_tfidf": PLAIN}, {}))


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({}, "no temporal split: the dated decisions span 0.0 months; it needs at least three months"),
        (
            {"temporal": LATER},
            "trained on decisions before 2016 (70 requests), tested on later ones (30): ROC AUC 0.700 [0.600, 0.800], "
            "micro F1 0.750 [0.700, 0.800]; plain TF-IDF ROC AUC 0.600 [0.500, 0.700], micro F1 0.650 [0.600, 0.700]",
        ),
        (
            {"masking": MaskingComparison(4, MODEL, PLAIN, estimates_of(outcome__roc_auc=(-0.1, -0.2, 0)))},
            "masking changes 4 of 160 requests; masked minus unmasked: ROC AUC -0.100 [-0.200, 0.000]",
        ),
        (
            {"masking": MaskingComparison(0, MODEL, MODEL, {})},
            "masking changes 0 of 160 requests; no metric changes",
        ),
        (
            {"permutation": PermutationTest(0.7, np.array([0.4, 0.5, 0.6]))},
            "outcomes shuffled 3 times: ROC AUC within folds 0.500 on average, 95th percentile 0.590; unshuffled "
            "0.700, p = 0.250",
        ),
    ],
)
def test_each_test_is_described_in_one_line(trained, parts, line):
    lines = list(describe_tests(replace(trained, evaluation=replace(trained.evaluation, **parts))))

    assert line in lines
    assert len(lines) == 1 + bool(set(parts) - {"temporal"})


def test_groups_of_near_duplicate_cases_are_reported(trained):
    lines = list(describe_tests(replace(trained, data=replace(trained.data, groups=78))))

    assert lines[0] == "near-duplicates: 80 cases form 78 groups, each kept on one side of every split"


def test_every_metric_is_printed_and_slices_on_request(trained, capsys):
    print_evaluation(trained)
    without = capsys.readouterr().out
    print_evaluation(trained, slices=True)
    with_slices = capsys.readouterr().out

    assert all(metric in without for metric in METRICS)
    assert "Pharmaceuticals" not in without
    assert "Pharmaceuticals" in with_slices
    assert max(map(len, with_slices.splitlines())) <= 160
    assert with_slices.count("Pharmaceuticals") == 1
