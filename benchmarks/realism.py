"""How realistic the sample letters are: `python -m benchmarks.realism LETTERS [SAMPLES]`.

Learns from sample letters alone (1,500 by default) and is tested on a folder of real ones. Beside it stand the real
letters learnt from themselves (out of fold) and the samples learnt from themselves: the distance from the first to the
second is what the samples lack. The rates that samples are drawn with were taken from 114 real letters, so on these the
first is no proof of anything but likeness. Prints figures only, never text.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from imr_ml.classifiers import RequestModel, labels_of
from imr_ml.corpus import ingest, letter_files
from imr_ml.corpus.near_duplicates import joined_cases
from imr_ml.corpus.sample import write_samples
from imr_ml.evaluation import MODEL, EvaluationSettings, baselines_of, grouped_folds, out_of_fold
from imr_ml.evaluation.comparison import Comparison, compare, predictors
from imr_ml.features import feature_frame

SAMPLES, SEED = 1500, 7
SHOWN = ("outcome.roc_auc", "outcome.brier_skill", "family.f1_micro", "family.f1_macro", "family.top_cited")
SETTINGS = EvaluationSettings(folds=5, repeats=3, jobs=2)


def learnt_elsewhere(samples: pd.DataFrame, real: pd.DataFrame) -> Comparison:
    """The model and the baselines learnt from samples and tested on real letters."""
    both = pd.concat([samples, real], ignore_index=True)
    split = np.arange(len(samples)), np.arange(len(samples), len(both))
    labels, groups = labels_of(both), joined_cases(both)
    judged, cases = labels[split[1]], joined_cases(real)
    predicted = out_of_fold(
        feature_frame(both), labels, groups, predictors(RequestModel, judged), [[split]], SETTINGS.jobs
    )
    return compare(predicted, judged, cases, SETTINGS)


def learnt_at_home(requests: pd.DataFrame, repeats: int) -> Comparison:
    """The model and the baselines learnt from the letters' other cases."""
    labels, groups = labels_of(requests), joined_cases(requests)
    folds = [
        grouped_folds(labels.overturned, groups, SETTINGS.folds, SETTINGS.seed + repeat) for repeat in range(repeats)
    ]
    builders = predictors(RequestModel, labels)
    predicted = out_of_fold(feature_frame(requests), labels, groups, builders, folds, SETTINGS.jobs)
    return compare(predicted, labels, groups, SETTINGS)


def measure(letters: Path, samples: int) -> Iterator[Table]:
    """A table of rates, which the samples were drawn to have, and one of metrics."""
    real = ingest(letter_files([letters])).requests
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder), samples, SEED)
        drawn = ingest(letter_files([Path(folder)])).requests
    rates = Table(
        "what", "samples", "real", title=f"{samples} SAMPLE letters and {real['case_number'].nunique()} real ones"
    )
    for what, rate in (("requests", len), ("overturned", lambda one: f"{one['outcome'].eq('overturned').mean():.3f}")):
        rates.add_row(what, *(str(rate(one)) for one in (drawn, real)))
    yield rates
    yield _metric_table(
        {
            "samples -> real": learnt_elsewhere(drawn, real),
            "real -> real": learnt_at_home(real, SETTINGS.repeats),
            "samples -> samples": learnt_at_home(drawn, 1),
        }
    )


def _metric_table(found: dict[str, Comparison]) -> Table:
    table = Table("metric", *found, title="learnt -> tested; 95 % intervals over cases")
    for metric in SHOWN:
        table.add_row(metric, *(str(one.estimates[MODEL][metric]) for one in found.values()))
        for name in baselines_of(metric):
            told = (f"{one.estimates[name][metric]}" for one in found.values())
            table.add_row(f"    {name}", *told, style="dim")
    return table


def main(arguments: list[str]) -> int:
    """Print what was measured; exit code 2 where there are no letters."""
    if len(arguments) not in (1, 2) or not Path(arguments[0]).is_dir():
        print("realism needs real letters: python -m benchmarks.realism LETTERS [SAMPLES]", file=sys.stderr)
        return 2
    for table in measure(Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else SAMPLES):
        Console(width=140).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
