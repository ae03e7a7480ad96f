"""Datasets of decided requests."""

import numpy as np
import pandas as pd

from imr_ml.classifiers.types import Dataset, labels_of
from imr_ml.corpus.near_duplicates import duplicate_groups
from imr_ml.features.frame import feature_frame
from imr_ml.nlp.types import NlpSettings


def test_a_dataset_is_read_from_a_requests_table_with_the_settings(prepared_requests):
    settings = NlpSettings(negation=False)

    dataset = Dataset.from_table(prepared_requests, settings)

    pd.testing.assert_frame_equal(dataset.frame, feature_frame(prepared_requests, settings))
    assert (dataset.labels.overturned == labels_of(prepared_requests).overturned).all()
    assert (dataset.groups == duplicate_groups(prepared_requests)).all()
    assert len(dataset) == len(prepared_requests)


def test_rows_are_selected_by_position(prepared):
    shuffled = Dataset(prepared.frame.set_index(np.arange(len(prepared))[::-1]), prepared.labels, prepared.groups)
    rows = np.array([5, 0, 9])

    selected = shuffled[rows]

    assert selected.frame["request"].tolist() == [prepared.frame["request"].iloc[row] for row in rows]
    assert (selected.labels.overturned == prepared.labels.overturned[rows]).all()
    assert selected.groups.tolist() == prepared.groups[rows].tolist()
